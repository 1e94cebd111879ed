"""What is wrong is said in one clear message each, and nothing half-written is left."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from safecot_dsl.models.images import MAX_PIXELS
from tests.commands import CommandLine

from .runs import write_tiny

POLICY = """\
policy kitchen { version "1" }
facts image { objects : set of { bleach "bleach", ammonia "ammonia", cup "a cup" } "Objects" ask "what it shows" }
facts query { intent : one of { mix "mix", name "name" } "Request" ask "what you want" }
rule toxic_mixing {
  when    image.objects has all of { bleach, ammonia } and query.intent is mix
  verdict refuse
}
default comply
unsure  clarify
"""

MISTAKES = """\
policy kitchen { version "1" }
facts image { objects : set of { bleach "bleach", cup "a cup" } }
facts query { intent : one of { mix "mix", name "name" } }
rule one   { when image.objects has bleech verdict refuse }
rule two   { when query.intnt is mix verdict refuse }
rule three { when query.intent is mixx verdict refuse }
rule four  { when query.intent is mix verdict reject }
exception five to fiive { when query.intent is mix verdict comply }
default comply
unsure  clarify
"""


@pytest.fixture
def run_in(safecotc: CommandLine, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `safecotc` in the test's folder; with `before`, which is Python, in a fresh process that runs it first."""

    def run(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
        if not before:
            ended = safecotc(*arguments, folder=tmp_path)
            return subprocess.CompletedProcess(arguments, ended.code, ended.out, ended.err)
        code = f"{before}\nfrom safecot_dsl.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., Path]:
    """Writes a recipe over the kitchen's policy and rows of `rows.jsonl`, `(image, intent)` or whole records."""

    def write(*rows: tuple[str, str] | dict[str, Any], policy: str = POLICY, **more: Any) -> Path:
        (tmp_path / "kitchen.safecot").write_text(policy)
        lines: list[str] = []
        for number, row in enumerate(rows):
            if isinstance(row, tuple):
                image, intent = row
                facts = {"image.objects": ["bleach", "ammonia"], "query.intent": intent}
                answer = "These are bleach and ammonia."
                row = {"id": f"r{number}", "prompt": "What now?", "images": [image], "facts": facts, "answer": answer}
            lines.append(json.dumps(row))
        (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n")
        source = {"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0"}
        data = {"sources": [source], **more.pop("data", {})}
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump({"name": "kitchen", "policy": "kitchen.safecot", "data": data, **more}))
        return path

    return write


def png(width: int = 8, height: int = 8, *, shade: int = 0) -> bytes:
    """A grey PNG of a few bytes, whatever its size: rows of one shade pack well. Written by hand, so that a bomb
    costs nothing to make."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = b"\0" + bytes([shade]) * width
    pixels = b"".join(packer.compress(row) for _ in range(min(height, 64))) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def assert_one_line(done: subprocess.CompletedProcess[str], code: int, said: str) -> None:
    last = done.stderr.rstrip("\n").rpartition("\n")[2]
    assert done.returncode == code, done.stderr
    assert last.startswith("error: ")
    assert said in last
    assert "Traceback" not in done.stderr


# The policy and the recipe --------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["run", "generate", "train"])
def test_all_five_mistakes_of_a_policy_are_shown(
    run_in: Callable[..., subprocess.CompletedProcess[str]], recipe: Callable[..., Path], tmp_path: Path, verb: str
):
    recipe(("a.png", "mix"), policy=MISTAKES)
    done = run_in(verb, "recipe.yaml", "--out", "out")
    assert done.returncode == 1
    assert [line.split("]")[0] for line in done.stderr.splitlines() if line.startswith("error[")] == [
        "error[SC0202", "error[SC0101", "error[SC0202", "error[SC0305", "error[SC0101",
    ]  # fmt: skip
    for meant in ("`bleach`", "`query.intent`", "`mix`", "`five`"):
        assert meant in done.stderr
    assert "kitchen.safecot:4:37" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_policy_that_is_not_there(
    run_in: Callable[..., subprocess.CompletedProcess[str]], recipe: Callable[..., Path], tmp_path: Path
):
    recipe(("a.png", "mix"), policy=POLICY)
    (tmp_path / "kitchen.safecot").unlink()
    done = run_in("generate", "recipe.yaml", "--out", "out")
    assert done.returncode == 1
    assert "there is no such file" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_library_decides_nothing(
    run_in: Callable[..., subprocess.CompletedProcess[str]], recipe: Callable[..., Path], tmp_path: Path
):
    recipe(("a.png", "mix"), policy='library kitchen { version "1" }\n')
    done = run_in("generate", "recipe.yaml", "--out", "out")
    assert done.returncode == 1
    assert "this is a library" in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_unknown_key_of_a_recipe(
    run_in: Callable[..., subprocess.CompletedProcess[str]], recipe: Callable[..., Path], tmp_path: Path
):
    recipe(("a.png", "mix"), data={"stile": "full"})
    for verb in ("generate", "run", "train"):
        assert_one_line(run_in(verb, "recipe.yaml"), 3, "unknown key `data.stile`; did you mean `style`?")
    assert not (tmp_path / "runs").exists()


def test_an_override_that_is_no_pair_is_wrong_usage(run_in: Callable[..., subprocess.CompletedProcess[str]]):
    assert_one_line(run_in("generate", "figstep", "--set", "data.rows"), 2, "write KEY=VALUE")
    assert_one_line(run_in("generate", "figstep", "--set", "data.rows=[1"), 3, "not YAML")


def test_an_arm_that_the_recipe_does_not_have(
    run_in: Callable[..., subprocess.CompletedProcess[str]], recipe: Callable[..., Path]
):
    recipe(("a.png", "mix"))
    assert_one_line(run_in("generate", "recipe.yaml", "--arm", "safecto"), 2, "no arm `safecto`; it has safecot")


# Data -----------------------------------------------------------------------------------------------------------


def mixed_images(folder: Path) -> list[tuple[str, str]]:
    """Two sound images among a bomb, a torn one, one of another format, one that is absent, one elsewhere."""
    side = 10_000
    assert side * side > MAX_PIXELS
    (folder / "good.png").write_bytes(png(shade=1))
    (folder / "bomb.png").write_bytes(png(side, side))
    (folder / "torn.png").write_bytes(png(shade=2)[:45])
    (folder / "drawing.png").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "also_good.png").write_bytes(png(shade=3))
    names = ["good.png", "bomb.png", "torn.png", "drawing.png", "absent.png", "../elsewhere.png", "also_good.png"]
    return [(name, "mix" if name == "good.png" else "name") for name in names]


def test_images_that_cannot_be_used_are_counted_by_reason(
    run_in: Callable[..., subprocess.CompletedProcess[str]], recipe: Callable[..., Path], tmp_path: Path
):
    recipe(*mixed_images(tmp_path), "not a row", {"prompt": " "})  # type: ignore[arg-type]
    done = run_in("generate", "recipe.yaml", "--out", "out")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out/arms/safecot/data/report.json").read_text())
    assert {entry["reason"]: entry["count"] for entry in report["left_out"]} == {
        "image_too_large": 1,
        "image_broken": 1,
        "image_not_an_image": 1,
        "image_absent": 1,
        "path_outside": 1,
        "malformed": 2,
    }
    assert (report["items"], report["rows"]) == (9, 2)
    for reason in ("image_too_large", "image_broken", "image_not_an_image", "path_outside"):
        assert reason in done.stdout
    rows = pq.read_table(tmp_path / "out/arms/safecot/data/data/train-00000.parquet").to_pylist()
    assert {row["source_id"]: row["verdict"] for row in rows} == {"r0": "refuse", "r6": "comply"}


@pytest.mark.parametrize(("image", "said"), [("bomb.png", "too many pixels"), ("torn.png", "broken or truncated")])
def test_strict_stops_at_the_first_of_them(
    run_in: Callable[..., subprocess.CompletedProcess[str]],
    recipe: Callable[..., Path],
    tmp_path: Path,
    image: str,
    said: str,
):
    rows = [row for row in mixed_images(tmp_path) if row[0] in ("good.png", image)]
    recipe(*rows, data={"strict": True})
    assert_one_line(run_in("generate", "recipe.yaml", "--out", "out"), 3, said)
    assert [path for path in (tmp_path / "out").rglob("*") if path.suffix == ".parquet"] == []
    assert not (tmp_path / "out/arms/safecot/data").exists()


def test_rows_that_are_not_there(
    run_in: Callable[..., subprocess.CompletedProcess[str]], recipe: Callable[..., Path], tmp_path: Path
):
    recipe(("a.png", "mix"))
    (tmp_path / "rows.jsonl").unlink()
    assert_one_line(run_in("generate", "recipe.yaml", "--out", "out"), 3, "rows.jsonl")
    assert not (tmp_path / "out/arms/safecot/data").exists()


def test_no_row_that_can_be_used(run_in: Callable[..., subprocess.CompletedProcess[str]], recipe: Callable[..., Path]):
    recipe(("a.png", "mix"))
    done = run_in("generate", "recipe.yaml", "--out", "out")
    assert_one_line(done, 3, "no item of the sources can become a row; left out: 1 image_absent")


def test_a_run_below_the_rows_folder_is_no_input_of_them(
    run_in: Callable[..., subprocess.CompletedProcess[str]], recipe: Callable[..., Path], tmp_path: Path
):
    """A recipe, its rows and its run usually stand in one folder; a second run must still find nothing to do, and a
    changed image something."""
    (tmp_path / "a.png").write_bytes(png(shade=1))
    recipe(("a.png", "mix"))
    data = tmp_path / "runs" / "kitchen" / "arms" / "safecot" / "data"
    assert run_in("generate", "recipe.yaml").returncode == 0
    first = (data / "stage.json").stat().st_ino
    second = run_in("generate", "recipe.yaml")
    assert "data: up to date" in second.stderr
    assert (data / "stage.json").stat().st_ino == first
    (tmp_path / "a.png").write_bytes(png(shade=2))
    third = run_in("generate", "recipe.yaml")
    assert third.returncode == 0
    assert "up to date" not in third.stderr


# The model ------------------------------------------------------------------------------------------------------


def test_a_model_that_would_have_to_be_unpickled(safecotc: CommandLine, tmp_path: Path):
    """It is refused before any data are made for it."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "processor_config.json", "tokenizer.json"):
        (folder / name).write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    recipe = write_tiny(tmp_path, model="model")
    for verb in ("train", "run"):
        ended = safecotc(verb, recipe, "--out", tmp_path / "out")
        assert ended.code == 3
        assert ended.last_line.startswith("error: ")
        assert "no safetensors weights (found pytorch_model.bin: pickle is refused" in ended.last_line
        assert "Traceback" not in ended.err
    assert not (tmp_path / "out" / "arms").exists()


def test_a_model_folder_that_is_not_there(safecotc: CommandLine, tmp_path: Path):
    recipe = write_tiny(tmp_path, model="./absent")
    ended = safecotc("train", recipe, "--out", tmp_path / "out")
    assert ended.code == 3
    assert "there is no model folder" in ended.last_line


def test_training_without_a_model_is_said(safecotc: CommandLine, tmp_path: Path):
    recipe = write_tiny(tmp_path, model=None)
    ended = safecotc("train", recipe, "--out", tmp_path / "out")
    assert ended.code == 3
    assert "`model` is missing" in ended.last_line
    assert not (tmp_path / "out" / "arms").exists()


# The evaluation -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("evaluation.splits.combinations.policy=6", "`evaluation.splits.combinations.policy`: "),
        ("evaluation.splits.elsewhere={policy: 4}", "the miniature has the splits train, validation"),
    ],
)
def test_items_that_cannot_be_drawn(safecotc: CommandLine, tmp_path: Path, pair: str, said: str):
    """Before the base is trained."""
    ended = safecotc("run", write_tiny(tmp_path), "--out", tmp_path / "out", "--set", pair)
    assert ended.code == 3
    assert said in ended.last_line
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out" / "base").exists()


# What is not installed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "module", "extra"),
    [
        ("generate", "pyarrow", "data"),
        pytest.param("generate", "PIL", "data", marks=pytest.mark.long),
        ("train", "torch", "train"),
        pytest.param("train", "transformers", "train", marks=pytest.mark.long),
        pytest.param("train", "peft", "train", marks=pytest.mark.long),
        ("train", "qtawesome", "miniature"),
        pytest.param("train", "tokenizers", "miniature", marks=pytest.mark.long),
    ],
)
def test_a_missing_part_is_named_with_what_brings_it(
    run_in: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, verb: str, module: str, extra: str
):
    """Before anything is made. Here the import is blocked; `tests/test_wheel.py` has an environment without."""
    write_tiny(tmp_path)
    done = run_in(verb, "tiny.yaml", "--out", "out", before=f"import sys; sys.modules[{module!r}] = None")
    assert_one_line(done, 2, f"this needs `{module}`, which is not installed: pip install 'safecot-dsl[{extra}]'")
    assert not (tmp_path / "out").exists()
