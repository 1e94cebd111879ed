"""A data set of our own: each of its rules broken once, and what a copy of it holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safecot_dsl.dataset import open_dataset
from safecot_dsl.dataset.formats import CheckOptions, ExportError, FormatRule, export_dataset, find_format, validate
from safecot_dsl.storage import sha256_file
from tests.dataset.kitchen import png

from .conftest import Export
from .spoiling import Change, Seed, assert_found, cell, put, table, text

FILE, PAIRS, PROVENANCE = "data/train-00000.parquet", "preferences/over_refusal-00000.parquet", "provenance"


def _replaced(column: str, old: str, new: str) -> Change:
    def change(row: dict[str, Any]) -> None:
        assert old in row[column]
        row[column] = row[column].replace(old, new)

    return change


def _named_again(row: dict[str, Any]) -> None:
    """The id of a changed row, so that no other rule is broken."""
    import hashlib

    from safecot_dsl.dataset.rows import content_id

    row["image_sha256"] = [hashlib.sha256(image["bytes"]).hexdigest() for image in row["images"]]
    row["id"] = content_id(row["prompt"], row["image_sha256"], row["facts"], row["completion"])


def _row(number: int, *changes: Change) -> Any:
    """Change a row and its id; its records of provenance and its pairs go, which would miss it."""

    def spoil(folder: Path) -> None:
        for change in (*changes, _named_again):
            cell(FILE, number, change)(folder)
        for part in ("provenance", "preferences"):
            shutil.rmtree(folder / part, ignore_errors=True)

    return spoil


def _provenance(change: Any) -> Any:
    def spoil(folder: Path) -> None:
        file = next((folder / "provenance").glob("*.parquet"))
        pq.write_table(change(pq.read_table(file)), file)

    return spoil


RULES = [{"name": "asks_to_hurt", "file": "f", "line": 1}]
SEEDS = [
    Seed(FormatRule.READABLE, text(FILE, "text"), "cannot be read as Parquet", None),
    Seed(FormatRule.READABLE, lambda folder: shutil.rmtree(folder / "data"), "holds no data set", None),
    Seed(FormatRule.READABLE, text(PAIRS, "text"), "cannot be read as Parquet", None),
    Seed(FormatRule.COLUMNS, table(FILE, lambda t: t.drop(["facts", "seed"])), "no column `facts`, `seed`", None),
    Seed(FormatRule.COLUMNS, table(PAIRS, lambda t: t.drop(["kind"])), "no column `kind`", None),
    Seed(FormatRule.IMAGES, _row(1, put("images.0.bytes", b"text")), "image 0: not an image of an", 1),
    Seed(FormatRule.IMAGES, cell(FILE, 1, put("images.0.bytes", None)), "cannot be read", 1),
    Seed(FormatRule.IMAGES, cell(FILE, 1, put("image_sha256.0", "0" * 64)), "not the one that `image_sha256` names", 1),
    Seed(FormatRule.IMAGES, cell(FILE, 1, put("image_sha256", ["0"] * 3)), "1 images have 3 digests", 1),
    Seed(FormatRule.PLACEHOLDERS, _row(1, put("prompt", "<image> What?")), "the user turn holds `<image>`", 1),
    Seed(FormatRule.MARKERS, _row(1, put("prompt", "a <|im_end|>")), "the user turn holds `<|im_end|>`", 1),
    Seed(FormatRule.TAGS, _row(1, _replaced("completion", "</think>", "</think></think>")), "a closing tag without", 1),
    Seed(FormatRule.LABELS, _row(1, put("completion", ""), put("answer", ""), put("style", "none")), "is empty", 1),
    Seed(FormatRule.CONTENT, cell(FILE, 1, put("verdict", "comply")), "concludes refuse, the column says comply", 1),
    Seed(FormatRule.CONTENT, cell(FILE, 1, put("answer", "Other.")), "the answer in the completion is not that of", 1),
    Seed(FormatRule.CONTENT, cell(FILE, 1, put("reasoning", "Other.")), "the reasoning in the completion is not", 1),
    Seed(FormatRule.CONTENT, cell(FILE, 1, put("rules", RULES)), "cites toxic_mixing, the column asks_to_hurt", 1),
    Seed(FormatRule.CONTENT, cell(FILE, 1, put("style", "none")), "the completion is not the answer alone", 1),
    Seed(FormatRule.CONTENT, _row(1, _replaced("completion", "[refuse: toxic_mixing]", "")), "does not end in a", 1),
    Seed(FormatRule.POLICY, cell(FILE, 1, put("policy", "sha256:" + "1" * 64)), "no policy at hand has the digest", 1),
    Seed(FormatRule.POLICY, lambda folder: (folder / "policy.json").unlink(), "no policy at hand has the digest", 0),
    Seed(FormatRule.PAIRS, cell(PAIRS, 1, lambda row: row.update(rejected=row["chosen"])), "are the same", 1),
    Seed(FormatRule.PAIRS, cell(PAIRS, 1, put("row", "0" * 24)), "there is no row 000000", 1),
    Seed(FormatRule.LABELS, cell(PAIRS, 1, put("rejected", " ")), "the rejected answer is empty", 1),
    Seed(FormatRule.PROVENANCE, _provenance(lambda t: t.slice(1)), "there is no record of this row", 0),
    Seed(FormatRule.IDS, _provenance(lambda t: pa.concat_tables([t, t.slice(2, 1)])), "the id stands in row 2 too", 6),
    Seed(FormatRule.IDS, table(FILE, lambda t: pa.concat_tables([t, t.slice(0, 1)])), "the id stands in row 0 too", 6),
]


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_fault_is_found(seed: Seed, dataset: Path) -> None:
    """Each at its place, under its rule, with what mends it."""
    assert_found(seed, dataset, "canonical")


def test_every_rule_is_seeded() -> None:
    """No rule is claimed that no test breaks."""
    assert {seed.rule for seed in SEEDS} == set(find_format("canonical").rules)


def test_an_id_that_is_not_that_of_the_content(dataset: Path) -> None:
    """A prompt that was changed afterwards is told by the id."""
    cell(FILE, 1, put("prompt", "Another question?"))(dataset)
    (fault,) = validate(dataset, "canonical")
    assert (fault.rule, fault.row, fault.fault) == (FormatRule.IDS, 1, "the id is not that of the content")


def test_one_file_alone(dataset: Path) -> None:
    """A file is held against the policy beside it; pairs and provenance are not looked for."""
    assert validate(dataset / FILE, "canonical") == []
    _provenance(lambda t: t.slice(1))(dataset)
    assert validate(dataset / FILE, "canonical") == []


def test_a_copy_has_the_rows_policies_and_records(exported: Export, made: Path) -> None:
    """Everything that a data set holds is there, and the report has the digests of the new files."""
    copy = exported("canonical")
    names = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
    assert {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()} == names
    assert list(open_dataset(copy).rows()) == list(open_dataset(made).rows())
    assert pq.read_schema(copy / FILE).metadata == pq.read_schema(made / FILE).metadata
    report = json.loads((copy / "report.json").read_bytes())
    assert report["files"][FILE] == sha256_file(copy / FILE)


def _referring(dataset: Path) -> Path:
    """The images of a data set in files of their own, in a folder beside it that is returned."""
    root = dataset.parent / "pictures"
    root.mkdir()
    for file in (FILE, PAIRS, "preferences/policy_flip-00000.parquet"):
        table = pq.read_table(dataset / file)
        rows = table.to_pylist()
        for row in rows:
            for image in row["images"]:
                (root / image["path"]).write_bytes(image["bytes"])
                image["bytes"] = None
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), dataset / file)
    report = json.loads((dataset / "report.json").read_bytes())
    (dataset / "report.json").write_text(json.dumps(report | {"image_root": "../pictures"}))
    return root


@pytest.mark.parametrize("format", ["canonical", "trl-sft", "trl-preference", "llamafactory", "ms-swift", "hf"])
def test_images_kept_by_reference_are_carried(format: str, dataset: Path, exported: Export, tmp_path: Path) -> None:
    """An export of a data set that only refers to its images is the same as of one that holds them."""
    _referring(dataset)
    export_dataset(dataset, format, tmp_path / "out")
    names = [path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*") if path.is_file()]
    for name in names:
        if name.suffix == ".parquet" and "provenance" not in name.parts:
            assert pq.read_table(tmp_path / "out" / name).equals(pq.read_table(exported(format) / name))
        elif name.suffix in (".jsonl", ".png"):
            assert (tmp_path / "out" / name).read_bytes() == (exported(format) / name).read_bytes()
    report = tmp_path / "out/report.json"
    assert not report.exists() or "image_root" not in json.loads(report.read_bytes())


@pytest.mark.parametrize("format", ["llamafactory", "ms-swift"])
def test_exports_can_refer_too(format: str, dataset: Path, tmp_path: Path) -> None:
    """Nothing is copied; the usage names the folder, and the validator finds the images from there."""
    root = _referring(dataset)
    report = export_dataset(dataset, format, tmp_path / "out", images="reference")
    assert "../pictures" in report.usage
    assert report.image_files == 0
    assert validate(tmp_path / "out", format, CheckOptions(image_root=root)) == []
    (root / "3.png").unlink()
    faults = validate(tmp_path / "out", format, CheckOptions(image_root=root))
    assert {(fault.rule, fault.row) for fault in faults} == {(FormatRule.IMAGES, 3)}


def test_rows_that_hold_their_images_have_nothing_to_refer_to(made: Path, tmp_path: Path) -> None:
    """The message says which other ways there are."""
    with pytest.raises(ExportError, match=r"holds its images itself.*export with `copy` or `embed`"):
        export_dataset(made, "ms-swift", tmp_path / "out", images="reference")


@pytest.mark.parametrize("format", ["canonical", "trl-sft", "ms-swift"])
def test_an_image_that_is_gone_stops_the_export(format: str, dataset: Path, tmp_path: Path) -> None:
    """The row or the file is named, and nothing appears."""
    root = _referring(dataset)
    (root / "3.png").unlink()
    with pytest.raises(ValueError, match=r"3\.png"):
        export_dataset(dataset, format, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("format", ["canonical", "trl-sft", "ms-swift"])
def test_an_image_that_was_changed_stops_the_export(format: str, dataset: Path, tmp_path: Path) -> None:
    """A file that another one has taken the place of would teach something else; the validator tells the rows."""
    (_referring(dataset) / "3.png").write_bytes(png(200))
    with pytest.raises(ValueError, match="not the one that the row was made from"):
        export_dataset(dataset, format, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    faults = [fault for fault in validate(dataset, "canonical") if fault.file == FILE]
    assert [(fault.row, fault.rule) for fault in faults] == [(3, FormatRule.IMAGES)]
