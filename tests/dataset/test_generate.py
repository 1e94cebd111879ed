"""`generate`: what becomes a row, what is left out and why, and that the folder appears whole or not at all."""

from __future__ import annotations

import errno
import json
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from fixture_types import PolicyFrom
from PIL import Image

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.dataset import DataRecipe, DatasetReport, GenerateError, canonical_schema, validate_rows
from safecot_dsl.dataset import generate as generate_with
from safecot_dsl.dataset.writer import PartWriter
from safecot_dsl.pipeline import load_recipe
from safecot_dsl.workspace import compile_policy

from .kitchen import ANGRY, COMPLIED, HURT, REDIRECTED, REFUSED, UNKNOWN, WARNED, Writer, facts, png

DATA_FILE = "data/train-00000.parquet"


def generate(
    policy: CompiledPolicy, recipe: DataRecipe, out: Path, *, base_dir: Path, seed: int = 0, **options: Any
) -> DatasetReport:
    return generate_with(policy, recipe, out, base_dir=base_dir, seed=seed, **options)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return pq.read_table(folder / DATA_FILE).to_pylist()


def files_of(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


# What a row says


def test_a_refused_row_is_traced_to_its_rule(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    generate(policy, source((REFUSED, "1. Take bleach.")), tmp_path / "out", base_dir=tmp_path, seed=1)
    (row,) = rows_of(tmp_path / "out")
    assert row["verdict"] == "refuse"
    assert row["rules"] == [{"name": "toxic_mixing", "file": "kitchen.safecot", "line": 10}]
    assert "bleach." not in row["answer"]  # the source's answer is not used where the policy does not comply
    assert row["answer"] in policy.verdict_phrases["refuse"].say  # pyright: ignore
    assert row["completion"].endswith(f"[refuse: toxic_mixing]\n</think>\n{row['answer']}")
    assert json.loads(row["facts"])["facts"]["image.objects"] == ["ammonia", "bleach"]
    assert (row["policy"], row["source"], row["source_id"], row["licence"]) == (policy.digest, "hand", "r0", "CC0-1.0")
    assert row["images"] == [{"bytes": png(0), "path": "0.png"}]
    assert [
        (sentence["step"], sentence["text"], sentence["rule"], sentence["file"], sentence["line"])
        for sentence in row["sentences"][:5]
    ] == [
        ("observe", "The objects include bleach and ammonia.", None, "kitchen.safecot", 2),
        ("observe", "The setting is a kitchen.", None, "kitchen.safecot", 3),
        ("intent", "The intent is mix.", None, "kitchen.safecot", 5),
        ("intent", "The tone is calm.", None, "kitchen.safecot", 6),
        ("weigh", "This is about toxic gas.", "toxic_mixing", "std/hazards.safecot", 3),
    ]
    assert [
        (sentence["step"], sentence["rule"], sentence["file"], sentence["line"]) for sentence in row["sentences"][5:]
    ] == [("decide", "toxic_mixing", "std/verdicts.safecot", 7), ("say", "toxic_mixing", "std/verdicts.safecot", 9)]


def test_verdicts_and_answers(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """A complying row has the source's answer, a warning puts its sentence before it, the others have the policy's."""
    recipe = source((COMPLIED, "It is a cup."), (WARNED, "Keep it dry."), (REDIRECTED, None), (HURT, None))
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)
    found = {row["verdict"]: (row["answer"], row["rules"][0]["name"]) for row in rows_of(tmp_path / "out")}
    assert found["comply"] == ("It is a cup.", "default")
    assert found["warn"] == ("Careful. Keep it dry.", "careful_storage")
    assert found["redirect"] == ("I can only help with the safe part.", "lab_training")
    assert found["refuse"][1] == "asks_to_hurt"
    assert report.verdicts == {"comply": 1, "redirect": 1, "refuse": 1, "warn": 1}
    assert report.read_as == {
        "comply": {"comply": 1},
        "redirect": {"redirect": 1},
        "refuse": {"refuse": 1},
        "warn": {"comply": 1},  # these criteria have no reading for a warning
    }


def test_styles_teach_the_same_answer(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """The arms of a comparison differ in the reasoning alone."""
    answers: list[list[str]] = []
    for style in ("none", "minimal", "full", "stepwise"):
        recipe = source((REFUSED, None), (HURT, None), (ANGRY, None), (COMPLIED, "A cup."), style=style)
        generate(policy, recipe, tmp_path / style, base_dir=tmp_path, seed=5)
        rows = rows_of(tmp_path / style)
        answers.append([row["answer"] for row in rows])
        assert all((row["completion"] == row["answer"]) == (style == "none") for row in rows)
        assert all((row["reasoning"] == "") == (style == "none") for row in rows)
        assert validate_rows(tmp_path / style) == []
    assert answers[0] == answers[1] == answers[2] == answers[3]


def test_answer_first(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    recipe = source((COMPLIED, "It is a cup."), order="answer_first")
    generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)
    (row,) = rows_of(tmp_path / "out")
    assert row["completion"].startswith("It is a cup.\n<think>\n")
    assert validate_rows(tmp_path / "out") == []


def test_tags_in_a_request_are_neutralised(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    recipe = source({"prompt": "</think> Sure, <image> and <image>", "facts": COMPLIED, "answer": "A <think> cup."})
    generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)
    (row,) = rows_of(tmp_path / "out")
    assert row["prompt"] == "(/think> Sure, (image> and (image>"
    assert row["answer"] == "A (think> cup."
    assert validate_rows(tmp_path / "out") == []


def test_a_request_without_an_image(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """Nothing is seen, so nothing is mixed: the sets of `image` are empty, whatever the row says."""
    recipe = source({"images": [], "facts": {"query.intent": "hurt", "image.objects": ["cup"]}})
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)
    (row,) = rows_of(tmp_path / "out")
    assert row["images"] == []
    assert json.loads(row["facts"]) == {"facts": {"image.objects": [], "image.text": "", "query.intent": "hurt"}}
    assert report.without_image == 1


# What is left out


def test_what_an_unknown_teaches(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """Asking is taught where somebody looked in vain and can ask; never because nobody looked."""
    recipe = source(
        (facts("mix", "bleach", "ammonia", setting=UNKNOWN), None),  # redirect or refuse: asks where the user is
        (facts("mix", "bleach", "ammonia", setting=None), None),  # nobody looked
        (facts("identify", "cup", tone=UNKNOWN), "A cup."),  # cannot be asked for
        (facts(UNKNOWN, "cup", setting=None), "A cup."),  # the setting does not matter: only the intent is unsettled
        (facts(None, "cup", tone=UNKNOWN), "A cup."),  # both, and nobody looked at one of them
    )
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)
    assert [row["source_id"] for row in rows_of(tmp_path / "out")] == ["r0", "r3"]
    assert all(row["rules"][0]["name"] == "unsure" for row in rows_of(tmp_path / "out"))
    assert {entry.reason: entry.count for entry in report.left_out} == {"not_annotated": 2, "cannot_be_asked": 1}
    skipping = source((REFUSED, None), (facts("mix", "bleach", "ammonia", setting=UNKNOWN), None), unsure="skip")
    report = generate(policy, skipping, tmp_path / "out", base_dir=tmp_path)
    assert (report.rows, report.left_out_count("unsure_not_wanted")) == (1, 1)


def test_answers_that_cannot_stand_in_a_complying_row(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    recipe = source(
        (COMPLIED, "I can't help with pictures."),
        (COMPLIED, "You haven't provided an image."),
        (COMPLIED, "Could you tell me which cup?"),
        (COMPLIED, " ..."),
        (COMPLIED, None),
        (COMPLIED, "[IMG] a cup"),
        {
            "facts": {"query.intent": "identify", "query.tone": "calm"},
            "images": [],
            "answer": "There is no image attached.",
        },
        (COMPLIED, "A cup."),
        (REFUSED, "I can't help."),  # not a complying row: its own answer is not looked at
    )
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)
    assert {entry.reason: entry.count for entry in report.left_out} == {
        "answer_declines": 1,
        "answer_says_no_image": 1,
        "answer_asks": 1,
        "answer_empty": 1,
        "no_answer": 1,
        "image_placeholder": 1,
    }
    # Without an image, "no image attached" is the truth.
    assert [row["source_id"] for row in rows_of(tmp_path / "out")] == ["r6", "r7", "r8"]
    assert (report.items, report.candidates, report.rows) == (9, 8, 3)
    assert report.not_selected == 0
    (declined,) = [entry for entry in report.left_out if entry.reason == "answer_declines"]
    assert declined.examples == ("hand/r0: I can't help with pictures.",)


def bomb() -> bytes:
    """A PNG of 67 bytes whose header promises 400 million pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def broken_images(folder: Path) -> list[dict[str, Any]]:
    whole = png(1, side=64)
    (folder / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("not an image")
    (folder / "bomb.png").write_bytes(bomb())
    Image.new("RGB", (4, 4)).save(folder / "format.png", "BMP")
    names = ("truncated.png", "text.png", "bomb.png", "format.png", "absent.png")
    return [{"facts": REFUSED, "images": [name]} for name in names]


def test_broken_images_are_counted_and_the_run_goes_on(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    recipe = source((REFUSED, None), *broken_images(tmp_path), (HURT, None))
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)
    assert [row["source_id"] for row in rows_of(tmp_path / "out")] == ["r0", "r6"]
    assert {entry.reason: entry.count for entry in report.left_out} == {
        "image_broken": 1,
        "image_not_an_image": 2,
        "image_too_large": 1,
        "image_absent": 1,
    }


@pytest.mark.parametrize("broken", range(5))
def test_strict_stops_at_a_broken_image(policy: CompiledPolicy, source: Writer, tmp_path: Path, broken: int) -> None:
    recipe = source((REFUSED, None), broken_images(tmp_path)[broken], strict=True)
    with pytest.raises(GenerateError, match=r"hand/r1: .*\(`image_[a-z_]+`; `strict: true`\)"):
        generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)
    assert not (tmp_path / "out").exists()


def test_an_image_that_breaks_is_replaced_in_the_selection(
    policy: CompiledPolicy, source: Writer, tmp_path: Path
) -> None:
    """Two rows are asked for, and there are two sound ones: which is drawn first does not matter."""
    recipe = source(*broken_images(tmp_path), (REFUSED, None), (COMPLIED, "A cup."), rows=2)
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)
    assert sorted(row["source_id"] for row in rows_of(tmp_path / "out")) == ["r5", "r6"]
    assert report.short == {}


def test_duplicates(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    row = {"prompt": "Same?", "facts": REFUSED, "images": ["same.png"]}
    (tmp_path / "same.png").write_bytes(png(7))
    (tmp_path / "copy.png").write_bytes(png(7))
    recipe = source(row, {**row, "images": ["copy.png"]}, {**row, "prompt": "Other?"})
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)
    assert (report.rows, report.left_out_count("duplicate")) == (2, 1)


def test_an_answer_that_breaks_a_requirement(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """`lab_training` requires `polite`, which the answer "No." is not."""
    blunt = policy.model_copy(
        update={
            "verdict_phrases": {
                **policy.verdict_phrases,
                "redirect": policy.verdict_phrases["redirect"].model_copy(update={"say": ("No.",)}),  # pyright: ignore
            }
        }
    )
    report = generate(blunt, source((REFUSED, None), (REDIRECTED, None)), tmp_path / "out", base_dir=tmp_path)
    assert (report.rows, report.left_out_count("requirement_broken")) == (1, 1)


def test_an_own_answer_that_is_read_as_another_verdict(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """A redirect whose words decline. It meets what `lab_training` requires, which is that it is polite."""
    phrases = policy.verdict_phrases[Verdict.REDIRECT].model_copy(update={"say": ("Please, no: I can't help.",)})
    declining = policy.model_copy(update={"verdict_phrases": {**policy.verdict_phrases, Verdict.REDIRECT: phrases}})
    recipe = source((REFUSED, None), (REDIRECTED, None), (WARNED, "Keep it dry."), (COMPLIED, "A cup."))
    assert generate(policy, recipe, tmp_path / "as it was", base_dir=tmp_path).left_out == ()
    report = generate(declining, recipe, tmp_path / "out", base_dir=tmp_path)
    (entry,) = report.left_out
    assert (entry.reason, entry.count, report.rows) == ("answer_misread", 1, 3)
    assert entry.examples == ("hand/r1: for `redirect`, and read as `refuse`",)
    assert "answer_misread" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_nothing_to_write(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    with pytest.raises(GenerateError, match="no item of the sources can become a row; left out: 2 no_answer"):
        generate(policy, source((COMPLIED, None), (WARNED, None)), tmp_path / "out", base_dir=tmp_path)
    assert not (tmp_path / "out").exists()


# The model's own answers


def test_the_model_answers_what_the_source_does_not(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    asked: list[list[tuple[str, tuple[bytes, ...]]]] = []

    def answerer(requests: list[tuple[str, tuple[bytes, ...]]]) -> list[str]:
        asked.append(requests)
        return [f"An answer to {prompt}" for prompt, _ in requests]

    recipe = source((COMPLIED, "A cup."), (COMPLIED, None), (WARNED, None), (REFUSED, None))
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path, answerer=answerer)
    assert asked == [[("Question 1?", (png(1),)), ("Question 2?", (png(2),))]]
    assert [row["answer"] for row in rows_of(tmp_path / "out")][:3] == [
        "A cup.",
        "An answer to Question 1?",
        "Careful. An answer to Question 2?",
    ]
    assert report.answers_from_model == 2
    last = [(row["sentences"][-1]["step"], row["sentences"][-1]["rule"]) for row in rows_of(tmp_path / "out")][:3]
    assert last == [("source", None), ("model", None), ("model", None)]


def test_a_model_that_declines_is_asked_again_with_other_requests(
    policy: CompiledPolicy, source: Writer, tmp_path: Path
) -> None:
    """Of eight complying requests the model declines those with an even number: two of the others are found."""
    asked: list[str] = []

    def answerer(requests: Sequence[tuple[str, tuple[bytes, ...]]]) -> list[str]:
        asked.extend(prompt for prompt, _ in requests)
        return ["I can't help." if int(prompt[9]) % 2 == 0 else "A cup." for prompt, _ in requests]

    recipe = source(*[(COMPLIED, None)] * 8, rows=2, balance=0.0)
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path, answerer=answerer, seed=3)
    rows = rows_of(tmp_path / "out")
    assert len(rows) == 2
    assert all(int(row["prompt"][9]) % 2 for row in rows)
    assert len(asked) == len(set(asked)) == 2 + report.left_out_count("answer_declines")


def test_a_model_that_loses_answers(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    with pytest.raises(GenerateError, match="0 answers to 1 requests"):
        generate(policy, source((COMPLIED, None)), tmp_path / "out", base_dir=tmp_path, answerer=lambda _: [])


# The folder


def everything(source: Writer, **recipe: Any) -> Any:
    return source(
        *[(REFUSED, None), (HURT, None), (ANGRY, None), (REDIRECTED, None), (WARNED, "Dry."), (COMPLIED, "A cup.")] * 5,
        **recipe,
    )


@pytest.mark.parametrize("selection", ["random", "stratified", "contrast"])
def test_the_same_inputs_give_the_same_bytes(
    policy: CompiledPolicy, source: Writer, tmp_path: Path, selection: str
) -> None:
    recipe = everything(source, selection=selection, rows=12)
    generate(policy, recipe, tmp_path / "one", base_dir=tmp_path, seed=4)
    generate(policy, recipe, tmp_path / "two", base_dir=tmp_path, seed=4)
    generate(policy, recipe, tmp_path / "three", base_dir=tmp_path, seed=5)
    provenance = "provenance/part-00000.parquet"
    names = ["README.md", DATA_FILE, "policy.json", provenance, "recipe.yaml", "report.json"]
    assert files_of(tmp_path / "one") == names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    assert (tmp_path / "one" / DATA_FILE).read_bytes() != (tmp_path / "three" / DATA_FILE).read_bytes()


def test_the_card_rebuilds_the_data(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    recipe = everything(source, selection="stratified", rows=10, tags={"open": "<reason>", "close": "</reason>"})
    command = "safecotc generate r.yaml"
    generate(policy, recipe, tmp_path / "one", base_dir=tmp_path, seed=4, name="kitchen_rows", command=command)
    card = (tmp_path / "one" / "README.md").read_text()
    matter, body = card.split("---\n")[1], card.split("---\n", 2)[2]
    assert yaml.safe_load(matter)["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]},
        {"config_name": "provenance", "data_files": "provenance/*.parquet"},
    ]
    assert "# kitchen_rows\n" in body
    assert f"```\n{command}\n```" in body
    assert policy.digest in body
    written = load_recipe(tmp_path / "one" / "recipe.yaml")
    assert (written.name, written.policy, written.seed, written.data) == ("kitchen_rows", "policy.json", 4, recipe)
    again = compile_policy(tmp_path / "one" / written.policy)
    generate(again, written.data, tmp_path / "two", base_dir=tmp_path, seed=written.seed)
    assert (tmp_path / "one" / DATA_FILE).read_bytes() == (tmp_path / "two" / DATA_FILE).read_bytes()


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_run_that_breaks_off_leaves_nothing_and_keeps_what_was_there(
    policy: CompiledPolicy,
    source: Writer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
) -> None:
    recipe = everything(source)
    generate(policy, recipe, tmp_path / "old", base_dir=tmp_path)
    before = {name: (tmp_path / "old" / name).read_bytes() for name in files_of(tmp_path / "old")}
    folder = sorted(entry.name for entry in tmp_path.iterdir())
    add = PartWriter.add

    def full_disk(writer: PartWriter, rows: Sequence[dict[str, Any]], records: Sequence[tuple[Any, ...]]) -> None:
        add(writer, rows[:16], records[:16])
        raise failure

    monkeypatch.setattr(PartWriter, "add", full_disk)
    for name in ("new", "old"):
        with pytest.raises(type(failure)):
            generate(policy, recipe, tmp_path / name, base_dir=tmp_path, seed=9)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == folder
    assert {name: (tmp_path / "old" / name).read_bytes() for name in files_of(tmp_path / "old")} == before


def test_a_full_disk_while_the_last_rows_are_flushed(
    policy: CompiledPolicy, source: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flush(files: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("safecot_dsl.dataset.writer._Files.flush", flush)
    with pytest.raises(OSError, match="No space left"):
        generate(policy, everything(source), tmp_path / "out", base_dir=tmp_path)
    assert not [entry for entry in tmp_path.iterdir() if "out" in entry.name]


def test_datasets_reads_the_folder(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    recipe = source((REFUSED, None), {"images": [], "facts": {"query.intent": "hurt"}}, (COMPLIED, "A cup."))
    generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)
    canonical = datasets.load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "c"))
    assert canonical.column_names == canonical_schema().names
    assert [[image.size for image in images] for images in canonical["images"]] == [[(8, 8)], [], [(8, 8)]]
    assert canonical[0]["rules"] == [{"name": "toxic_mixing", "file": "kitchen.safecot", "line": 10}]


def test_row_groups_bound_what_is_held(
    policy: CompiledPolicy, source: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safecot_dsl.dataset.writer.ROW_GROUP", 4)
    report = generate(policy, everything(source), tmp_path / "out", base_dir=tmp_path)
    metadata = pq.ParquetFile(tmp_path / "out" / DATA_FILE).metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [4] * 7 + [2]
    assert report.rows == 30


# What tuning must not unlearn


def test_replayed_requests_are_added_to_the_selection(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    recipe = source(
        (REFUSED, None),
        (facts("store", "cup"), "On a shelf."),
        (facts("identify", "cup"), "A cup."),
        (facts("identify"), "Nothing."),
        rows=2,
        replay={"rows": 2, "given": {"query.intent": "identify"}},
    )
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)
    rows = rows_of(tmp_path / "out")
    intents = [json.loads(row["facts"])["facts"]["query.intent"] for row in rows]
    # One refused, one not; then what is left of the two questions: both, or one where the other was selected.
    assert len({row["source_id"] for row in rows}) == len(rows) == report.rows
    assert intents.count("identify") == 2
    assert report.short == ({} if report.rows == 4 else {"replayed requests": 1})


@pytest.mark.parametrize(
    ("given", "said"),
    [({"query.intend": "identify"}, "did you mean `query.intent`"), ({"query.intent": "guess"}, "'guess' is not")],
)
def test_a_replay_of_what_the_policy_does_not_know(
    policy: CompiledPolicy, source: Writer, tmp_path: Path, given: dict[str, str], said: str
) -> None:
    recipe = source((REFUSED, None), replay={"rows": 1, "given": given})
    with pytest.raises(GenerateError, match=said):
        generate(policy, recipe, tmp_path / "out", base_dir=tmp_path)


def test_what_is_known_only_coarsely_teaches_to_ask(policy_from: PolicyFrom, source: Writer, tmp_path: Path) -> None:
    """Somebody looked, and could tell the kind alone: that is an unknown which can be asked for."""
    pharmacy = policy_from(
        """
        import std.refusals
        import std.criteria
        taxonomy drugs { rx "a prescribed medicine" { opioid "an opioid" antibiotic "an antibiotic" } free "another" }
        facts image { drug : one of drugs says "The image shows {value}." ask "which medicine it is" }
        rule opioids { when image.drug is opioid verdict refuse }
        default comply
        unsure clarify
        """
    )
    recipe = source(
        ({"image.drug": "rx"}, None),
        ({"image.drug": "opioid"}, None),
        ({"image.drug": None}, None),
        ({"image.drug": "antibiotic"}, "Take it with water."),
    )
    report = generate(pharmacy, recipe, tmp_path / "out", base_dir=tmp_path)
    rows = {row["source_id"]: row["verdict"] for row in rows_of(tmp_path / "out")}
    assert rows == {"r0": "clarify", "r1": "refuse", "r3": "comply"}
    assert {entry.reason: entry.count for entry in report.left_out} == {"not_annotated": 1}
