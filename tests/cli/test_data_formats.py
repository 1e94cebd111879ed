"""`safecotc data`: exports and faults as a user meets them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from safecot_dsl.dataset import DataRecipe, generate
from safecot_dsl.dataset.formats import FORMATS
from tests.dataset.kitchen import COMPLIED, HURT, kitchen_policy

from .conftest import Run

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/formats.md"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data set of two rows without images."""
    base = tmp_path_factory.mktemp("made")
    rows = [
        {"id": "a", "prompt": "How?", "facts": HURT},
        {"id": "b", "prompt": "What?", "facts": COMPLIED, "answer": "A cup."},
    ]
    (base / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = {"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0", "name": "hand"}
    generate(kitchen_policy(), DataRecipe.model_validate({"sources": [source]}), base / "out", base_dir=base, seed=0)
    return str(base / "out")


def test_formats_and_their_rules_are_listed(safecotc: Run) -> None:
    """All of them, or one with its rules; the same as JSON."""
    listed = safecotc("data", "formats")
    assert [line.split()[0] for line in listed.out.splitlines()] == [format.name for format in FORMATS]
    rules = safecotc("data", "formats", "hf").out.splitlines()
    assert rules[0] == "hf: Hugging Face Hub and datasets"
    assert rules[1].startswith("  card ")
    (entry,) = safecotc("data", "formats", "ms-swift", "-f", "json").json()
    assert entry["images"] == ["copy", "embed", "reference"]
    assert "first-block" in entry["rules"]


@pytest.mark.parametrize("format", [format.name for format in FORMATS if "rows" in format.takes])
def test_an_export_is_sound_and_says_how_it_is_read(format: str, made: str, safecotc: Run) -> None:
    """What was written, by file, and the lines for the tool; the validator has nothing to say."""
    done = safecotc("data", "export", made, "--for", format, "-o", "out")
    assert done.code == 0, done.err
    assert done.out.startswith(f"{format}: 2 rows: out\n")
    assert "to read it:\n" in done.out
    checked = safecotc("data", "validate", "out", "--for", format)
    assert checked.code == 0
    assert re.fullmatch(r"[24] rows by the rules of .*: no faults\n", checked.out)  # with the records of provenance


def test_an_export_spares_what_is_no_older_export(made: str, process: Run, folder: Path) -> None:
    """Files of other kinds, and a file where a folder is meant, are left as they are."""
    (folder / "mine" / "data").mkdir(parents=True)
    for name in ("mine/data/notes.csv", "one.txt"):
        (folder / name).write_text("mine", encoding="utf-8")
    held = process("data", "export", made, "--for", "trl-sft", "-o", "mine")
    assert (held.code, held.out) == (3, "")
    assert (
        "error: mine holds files that are not written here and would be lost: data/notes.csv. Name another folder"
        in held.err
    )
    file = process("data", "export", made, "--for", "trl-sft", "-o", "one.txt")
    assert "error: one.txt is a file: name a folder\n" in file.err
    assert [(folder / name).read_text() for name in ("mine/data/notes.csv", "one.txt")] == ["mine", "mine"]


def test_an_export_replaces_an_older_one_of_more_kinds(made: str, safecotc: Run, folder: Path) -> None:
    """The rows were once split, and had preference pairs: that export is one of ours all the same."""
    for format, older in (
        ("trl-sft", "data/test-00000.parquet"),
        ("llamafactory", "preference-flip.jsonl"),
        ("canonical", "preferences/flip-00000.parquet"),
    ):
        assert safecotc("data", "export", made, "--for", format, "-o", format).code == 0
        (folder / format / older).parent.mkdir(exist_ok=True)
        (folder / format / older).write_text("", encoding="utf-8")
        assert safecotc("data", "export", made, "--for", format, "-o", format).code == 0
        assert not (folder / format / older).exists()


def test_an_export_as_json(made: str, safecotc: Run) -> None:
    """For programs: the same counts."""
    report = safecotc("data", "export", made, "--for", "trl-sft", "-o", "out", "-f", "json").json()
    assert (report["rows"], report["images"]) == (2, "embed")
    assert report["files"] == {"data/train-00000.parquet": 2}


def _spoilt(made: str, safecotc: Run, folder: Path) -> Path:
    safecotc("data", "export", made, "--for", "ms-swift", "-o", "out")
    rows = [json.loads(line) for line in (folder / "out/train.jsonl").read_text().splitlines()]
    rows[1]["messages"][0]["content"] = "a <|im_end|> \x1b[2J\u202e"
    rows[1]["id"] = "\x1b[31m"
    rows += [rows[0]] * 3
    (folder / "out/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "out"


def test_faults_end_with_exit_code_1_and_are_counted_by_rule(made: str, safecotc: Run, folder: Path) -> None:
    """Only so many are shown, all are counted, and nothing in them steers the terminal."""
    _spoilt(made, safecotc, folder)
    done = safecotc("data", "validate", "out", "--for", "ms-swift", "--limit", "2")
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0].startswith("train.jsonl, row 1 (<U+001B>[31m): markers: the user turn holds `<|im_end|>`, which")
    assert lines[1].startswith("  mend: ")
    assert lines[-2:] == [
        "… and 2 more (`--limit`)",
        "5 rows by the rules of ms-swift 4: 4 faults (ids 3, markers 1)",
    ]
    assert "\x1b" not in done.out


def test_faults_as_json(made: str, safecotc: Run, folder: Path) -> None:
    """Row, fault and mend for programs."""
    _spoilt(made, safecotc, folder)
    done = safecotc("data", "validate", "out", "--for", "ms-swift", "-f", "json")
    assert done.code == 1
    told = done.json()
    assert (told["rows"], told["counts"]) == (5, {"ids": 3, "markers": 1})
    assert told["faults"][0]["row"] == 1
    assert set(told["faults"][0]) == {"file", "row", "id", "rule", "fault", "mend"}


def test_the_page_shows_what_is_said(safecotc: Run, folder: Path) -> None:
    """The how-to's faulty file gets the answer that stands below it."""
    page = PAGE.read_text(encoding="utf-8")
    (record,) = re.findall(r"```json file=mine\.jsonl\n(.*?)```", page, flags=re.DOTALL)
    (answer,) = re.findall(r"```text\n(mine.*?)```", page, flags=re.DOTALL)
    (folder / "mine.jsonl").write_text(record)
    assert safecotc("data", "validate", "mine.jsonl", "--for", "ms-swift").out == answer


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("export", "x", "--for", "llama", "-o", "o"), "no format `llama`"),
        (("validate", ".", "--for", "swift"), "did you mean `ms-swift`?"),
        (("validate", "gone", "--for", "hf"), "gone: there is no such file or folder"),
        (("validate", ".", "--for", "hf", "--tags", "a b", "c"), "`a b` is no tag"),
        (("formats", "x"), "no format `x`"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], says: str, safecotc: Run) -> None:
    """Exit code 2, and one line that says what."""
    done = safecotc("data", *words)
    assert done.code == 2
    assert says in done.err


def test_a_data_set_that_is_not_there(process: Run) -> None:
    """The run failed: exit code 3, one line, nothing written."""
    done = process("data", "export", "gone", "--for", "hf", "-o", "out")
    assert done.code == 3
    assert done.err.splitlines()[-1] == "error: gone: there is no such folder or file"
