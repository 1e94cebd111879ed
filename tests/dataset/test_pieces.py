"""A data set made in pieces: the same bytes by one process or several, in shards, and after any kill."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset import DataRecipe, Workers, generate, generate_shard, open_dataset, validate_rows

from .kitchen import ANGRY, COMPLIED, HURT, REDIRECTED, REFUSED, WARNED, kitchen_policy, png

CASES: list[tuple[dict[str, Any], str | None]] = [
    (REFUSED, None),
    (HURT, None),
    (ANGRY, None),
    (REDIRECTED, None),
    (WARNED, "Keep it dry."),
    (COMPLIED, "A cup."),
]
SOURCES = 5


def write_sources(folder: Path, **data: Any) -> DataRecipe:
    """Five sources of twelve requests: five blocks, and as many parts. The requests 0 to 3 of each source are the same,
    so that each but the first source repeats four rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(4):
        (folder / f"{number}.png").write_bytes(png(number))
    sources: list[dict[str, Any]] = []
    for source in range(SOURCES):
        lines: list[str] = []
        for number in range(12):
            facts, answer = CASES[number % 6]
            record = {
                "id": str(number),
                "prompt": f"Question {number}?" if number < 4 else f"Question {number} of {source}?",
                "images": [f"{number % 4}.png"],
                "facts": facts,
                "answer": answer,
            }
            lines.append(json.dumps(record))
        (folder / f"{source}.jsonl").write_text("\n".join(lines) + "\n")
        sources.append({"kind": "jsonl", "path": f"{source}.jsonl", "licence": "CC0-1.0", "name": f"s{source}"})
    return DataRecipe.model_validate({"sources": sources, "style": "full", **data})


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


SELECTIONS = [{}, {"rows": 24, "selection": "contrast"}]
#: For what takes long: where nothing is selected there is one phase less that could be interrupted.
WITH_MOST_PHASES = [pytest.param({}, marks=pytest.mark.long), SELECTIONS[1]]


@pytest.mark.parametrize("data", SELECTIONS, ids=["every item", "selected"])
def test_several_processes_give_the_same_bytes(policy: CompiledPolicy, tmp_path: Path, data: dict[str, Any]) -> None:
    recipe = write_sources(tmp_path, **data)
    for processes in (1, 2):
        out = tmp_path / f"out{processes}"
        generate(policy, recipe, out, seed=1, base_dir=tmp_path, workers=Workers(processes))
    assert tree(tmp_path / "out1") == tree(tmp_path / "out2")


@pytest.mark.long
def test_ray_gives_the_same_bytes(policy: CompiledPolicy, tmp_path: Path) -> None:
    """On a cluster of this machine."""
    pytest.importorskip("ray")
    recipe = write_sources(tmp_path)
    for name, workers in (("local", Workers()), ("ray", Workers(2, "ray"))):
        generate(policy, recipe, tmp_path / name, seed=1, base_dir=tmp_path, workers=workers)
    assert tree(tmp_path / "local") == tree(tmp_path / "ray")


@pytest.mark.parametrize("data", SELECTIONS, ids=["every item", "selected"])
@pytest.mark.parametrize(
    "shards", [pytest.param(1, marks=pytest.mark.long), 2, pytest.param(3, marks=pytest.mark.long), 7]
)
def test_shards_give_the_same_bytes(
    policy: CompiledPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shards: int, data: dict[str, Any]
) -> None:
    """Whatever their number, and in whatever order they come; the last call finds every part there."""
    monkeypatch.setattr("safecot_dsl.dataset.plan.PART_ROWS", 5)
    recipe = write_sources(tmp_path, **data)
    generate(policy, recipe, tmp_path / "whole", seed=1, base_dir=tmp_path)
    work = tmp_path / "work"
    made = [
        generate_shard(policy, recipe, work, shard=shard, shards=shards, seed=1, base_dir=tmp_path)
        for shard in range(shards, 0, -1)
    ]
    assert made[-1] == (5, 5)

    def fail(*_: object) -> None:
        raise AssertionError("a part was made again")

    monkeypatch.setattr("safecot_dsl.dataset.parts.judge_block", fail)
    generate(policy, recipe, tmp_path / "joined", seed=1, base_dir=tmp_path, work=work)
    assert tree(tmp_path / "joined") == tree(tmp_path / "whole")


def test_shards_on_machines_of_their_own(policy: CompiledPolicy, tmp_path: Path) -> None:
    """Each in a folder of its own; the folders are put into one."""
    recipe = write_sources(tmp_path, **SELECTIONS[1])
    generate(policy, recipe, tmp_path / "whole", seed=1, base_dir=tmp_path)
    for shard in (1, 2):
        work = tmp_path / f"work{shard}"
        generate_shard(policy, recipe, work, shard=shard, shards=2, seed=1, base_dir=tmp_path)
    for file in sorted((tmp_path / "work2").rglob("*")):
        target = tmp_path / "work1" / file.relative_to(tmp_path / "work2")
        if file.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            file.rename(target)
    generate(policy, recipe, tmp_path / "joined", seed=1, base_dir=tmp_path, work=tmp_path / "work1")
    assert tree(tmp_path / "joined") == tree(tmp_path / "whole")


def test_rows_that_stand_twice_are_dropped_across_parts(policy: CompiledPolicy, tmp_path: Path) -> None:
    """Four requests stand in each of five sources: the first source's are kept, and 16 others left out."""
    recipe = write_sources(tmp_path)
    report = generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    assert (report.items, report.rows, report.left_out_count("duplicate")) == (60, 44, 16)
    (entry,) = report.left_out
    assert entry.examples[0] == "s1/0 is s0/0 again"
    dataset = open_dataset(tmp_path / "out")
    rows, records = list(dataset.rows()), list(dataset.provenance())
    assert len(rows) == len(dataset) == 44
    assert [row["id"] for row in rows] == [record["id"] for record in records]
    assert [(row["source"], row["source_id"]) for row in rows[:14]] == [
        *(("s0", str(number)) for number in range(12)),
        ("s1", "4"),
        ("s1", "5"),
    ]
    assert sum(report.verdicts.values()) == sum(report.sources.values()) == 44
    assert validate_rows(tmp_path / "out") == []


def test_every_row_of_a_part_may_stand_elsewhere(policy: CompiledPolicy, tmp_path: Path) -> None:
    """The second source is the first again, and leaves no file behind."""
    recipe = write_sources(tmp_path)
    (tmp_path / "1.jsonl").write_bytes((tmp_path / "0.jsonl").read_bytes())
    recipe = recipe.model_copy(update={"sources": recipe.sources[:3]})
    report = generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    assert (report.rows, report.left_out_count("duplicate")) == (20, 16)
    names = [file.name for file in open_dataset(tmp_path / "out").files]
    assert names == ["train-00000.parquet", "train-00001.parquet"]


def test_sources_of_one_name_do_not_mix(policy: CompiledPolicy, tmp_path: Path) -> None:
    """What tells items apart does not depend on how many items a source before has."""
    recipe = write_sources(tmp_path)
    renamed = [source.model_copy(update={"name": "same"}) for source in recipe.sources]
    recipe = recipe.model_copy(update={"sources": tuple(renamed)})
    generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    keys = [record["key"] for record in open_dataset(tmp_path / "out").provenance()]
    assert len(set(keys)) == 44
    assert (keys[0], keys[12], keys[20]) == ("same/0", "same#2/4", "same#3/4")


# Killed ---------------------------------------------------------------------------------------------------------


def _generate(folder: Path, data: dict[str, Any], processes: int, die_at: int | None) -> None:
    """In a process of its own: make the data set, and die at the `die_at`th rename."""
    from safecot_dsl.dataset import plan

    plan.PART_ROWS = 5  # pyright: ignore[reportConstantRedefinition, reportAttributeAccessIssue]
    if die_at is not None:
        left = die_at
        for name in ("replace", "rename"):
            original = getattr(Path, name)

            def renamed(self: Path, target: Path, original: Callable[..., Path] = original) -> Path:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return original(self, target)

            setattr(Path, name, renamed)
    recipe = write_sources(folder, **data) if not (folder / "0.jsonl").exists() else _recipe(folder, data)
    work = folder / "work"
    generate(kitchen_policy(), recipe, folder / "out", seed=1, base_dir=folder, workers=Workers(processes), work=work)


def _recipe(folder: Path, data: dict[str, Any]) -> DataRecipe:
    sources = [
        {"kind": "jsonl", "path": f"{source}.jsonl", "licence": "CC0-1.0", "name": f"s{source}"}
        for source in range(SOURCES)
    ]
    return DataRecipe.model_validate({"sources": sources, "style": "full", **data})


@pytest.fixture(scope="module")
def child() -> Callable[..., BaseProcess]:
    """Starts `_generate` in a process that is forked from one in which the package is loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["safecot_dsl.dataset", "safecot_dsl.dataset.workers", "pyarrow.parquet", "polars"])

    def start(folder: Path, data: dict[str, Any], processes: int = 1, die_at: int | None = None) -> BaseProcess:
        process = context.Process(target=_generate, args=(folder, data, processes, die_at))
        process.start()
        return process

    return start


@pytest.mark.parametrize("data", SELECTIONS, ids=["every item", "selected"])
@pytest.mark.parametrize("moments", [(3, 16), pytest.param(range(1, 24), marks=pytest.mark.long)])
def test_killed_at_a_rename_and_run_again(
    child: Callable[..., BaseProcess], tmp_path: Path, data: dict[str, Any], moments: Sequence[int]
) -> None:
    """Really killed just before a file or folder would have appeared. The next call goes on; the bytes are those of a
    call that nothing disturbed."""
    undisturbed = child(tmp_path / "undisturbed", data)
    undisturbed.join()
    assert undisturbed.exitcode == 0
    wanted = tree(tmp_path / "undisturbed" / "out")
    killed = 0
    for moment in moments:
        folder = tmp_path / str(moment)
        first = child(folder, data, die_at=moment)
        first.join()
        killed += first.exitcode == -signal.SIGKILL
        if first.exitcode != 0:
            assert first.exitcode == -signal.SIGKILL
            assert not (folder / "out").exists()
            again = child(folder, data)
            again.join()
            assert again.exitcode == 0
        assert tree(folder / "out") == wanted
    assert killed >= 2


@pytest.mark.long
@pytest.mark.parametrize("data", WITH_MOST_PHASES, ids=["every item", "selected"])
def test_killed_at_random_moments_with_two_processes(
    child: Callable[..., BaseProcess], tmp_path: Path, data: dict[str, Any]
) -> None:
    """Ten times from outside, at moments that are spread over the time that a whole run takes, until one comes
    through: whatever the processes that were left behind still do, the bytes are the same."""
    began = time.monotonic()
    undisturbed = child(tmp_path / "undisturbed", data, 2)
    undisturbed.join()
    seconds = time.monotonic() - began
    assert undisturbed.exitcode == 0
    moments = random.Random(7)
    folder = tmp_path / "disturbed"
    for _ in range(10):
        run = child(folder, data, 2)
        run.join(moments.uniform(0.05, 1) * seconds)
        if run.exitcode is not None:
            break
        run.kill()
        run.join()
        assert not (folder / "out").exists()
    last = child(folder, data, 2)
    last.join()
    assert last.exitcode == 0
    assert tree(folder / "out") == tree(tmp_path / "undisturbed" / "out")


# Images by reference --------------------------------------------------------------------------------------------


def test_images_by_reference(policy: CompiledPolicy, tmp_path: Path) -> None:
    """Rows name the files from the image root, hold no bytes, and have the ids of rows that hold them."""
    recipe = write_sources(tmp_path / "data")
    embedded, referred = (recipe.model_copy(update={"images": images}) for images in ("embed", "reference"))
    generate(policy, embedded, tmp_path / "embedded", seed=1, base_dir=tmp_path / "data")
    report = generate(policy, referred, tmp_path / "referred", seed=1, base_dir=tmp_path / "data")
    assert report.image_root == "../data"
    one, other = (open_dataset(tmp_path / name) for name in ("embedded", "referred"))
    rows = list(other.rows())
    assert rows[1]["images"] == [{"bytes": None, "path": "1.png"}]
    assert other.images(rows[1]) == (png(1),)
    assert [row["id"] for row in one.rows()] == [row["id"] for row in rows]
    assert [one.images(row) for row in one.rows()] == [other.images(row) for row in rows]
    assert validate_rows(tmp_path / "referred") == []


def test_an_image_that_changed_since_is_not_taken(policy: CompiledPolicy, tmp_path: Path) -> None:
    recipe = write_sources(tmp_path, images="reference")
    generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    dataset = open_dataset(tmp_path / "out")
    row = next(dataset.rows())
    (tmp_path / "0.png").write_bytes(png(200))
    with pytest.raises(ValueError, match=r"0\.png is not the one that the row was made from"):
        dataset.images(row)
    (tmp_path / "0.png").unlink()
    with pytest.raises(ValueError, match="bring the file back, or make the data set again with `images: embed`"):
        dataset.images(row)


def test_a_drawn_image_is_held_all_the_same(tmp_path: Path) -> None:
    """There is no file that a row could name."""
    from safecot_dsl.datafiles import policies_root
    from safecot_dsl.workspace import compile_policy

    recipe = DataRecipe.model_validate(
        {"sources": [{"kind": "miniature", "pool": 4}], "images": "reference", "unsure": "skip"}
    )
    policy = compile_policy(policies_root() / "miniature.safecot")
    generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    for row in open_dataset(tmp_path / "out").rows():
        assert all(image["bytes"] for image in row["images"])


# Splits, files --------------------------------------------------------------------------------------------------


def test_splits_have_files_of_their_own(policy: CompiledPolicy, tmp_path: Path) -> None:
    """And a split that no file can be named for is counted."""
    records = [
        {"prompt": f"Question {number}?", "facts": HURT, "split": split}
        for number, split in enumerate(["train", "dev", "dev", "../up", "test"])
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    recipe = DataRecipe.model_validate({"sources": [{"kind": "jsonl", "path": "rows.jsonl", "licence": "x"}]})
    report = generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    dataset = open_dataset(tmp_path / "out")
    assert dataset.splits == ("dev", "test", "train")
    assert [row["prompt"] for row in dataset.rows(["prompt"], split="dev")] == ["Question 1?", "Question 2?"]
    assert report.left_out_count("split") == 1
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {split: rows.num_rows for split, rows in loaded.items()} == {"dev": 2, "test": 1, "train": 1}


def test_a_file_ends_where_its_images_are_many(
    policy: CompiledPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safecot_dsl.dataset.writer.ROW_GROUP", 5)
    monkeypatch.setattr("safecot_dsl.dataset.writer.FILE_BYTES", 1)
    recipe = write_sources(tmp_path)
    generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    files = open_dataset(tmp_path / "out").files
    # Twelve rows of the first source in files of five; of the others, eight rows are left of five, five and two.
    assert [pq.read_metadata(file).num_rows for file in files] == [5, 5, 2, *[1, 5, 2] * 4]
