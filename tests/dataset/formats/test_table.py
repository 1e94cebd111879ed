"""What holds for every format: exports are sound, whole, the same for the same data, and say how they are read."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from safecot_dsl.dataset.formats import (
    FORMATS,
    ExportError,
    FormatRule,
    ToolFormat,
    export_dataset,
    find_format,
    validate,
)
from safecot_dsl.storage import digest_directory

from .conftest import Export

EVERY = [pytest.param(format, images, id=f"{format.name}-{images}") for format in FORMATS for images in format.images]
EMBEDDING = [param for param in EVERY if param.values[1] != "reference"]


@pytest.mark.parametrize(("format", "images"), EMBEDDING)
def test_an_export_is_sound(format: ToolFormat, images: str, exported: Export) -> None:
    """What a writer writes, its validator finds nothing in, images decoded."""
    assert validate(exported(format.name, images), format.name) == []


@pytest.mark.parametrize(("format", "images"), EMBEDDING)
def test_the_same_data_give_the_same_bytes(
    format: ToolFormat, images: str, exported: Export, made: Path, tmp_path: Path
) -> None:
    """An export depends on the data set alone, not on where or when it is written."""
    export_dataset(made, format.name, tmp_path / "again", images=images)  # pyright: ignore[reportArgumentType]
    assert digest_directory(tmp_path / "again") == digest_directory(exported(format.name, images))


def test_every_format_says_its_rules_and_how_it_is_read() -> None:
    """Rules are sentences, and the usage names the export's folder."""
    assert len({format.name for format in FORMATS}) == len(FORMATS)
    for format in FORMATS:
        assert all(text for text in format.rules.values())
        assert re.search(r"\{(path|file)\}", format.usage)
    assert set().union(*(format.rules for format in FORMATS)) == set(FormatRule)


def test_an_unknown_format_gets_a_hint() -> None:
    """A name that is nearly one is told which."""
    with pytest.raises(ExportError, match="no format `llama-factory`; did you mean `llamafactory`"):
        find_format("llama-factory")


def test_images_that_a_format_cannot_take(made: Path, tmp_path: Path) -> None:
    """TRL reads images from its rows alone."""
    with pytest.raises(ExportError, match="`trl-sft` takes images by `embed`, not by `copy`"):
        export_dataset(made, "trl-sft", tmp_path / "out", images="copy")
    assert not (tmp_path / "out").exists()


def test_the_data_set_is_not_written_over(dataset: Path) -> None:
    """An export cannot replace the folder that it is made from, nor one that holds it or lies in it: what verl reads
    has the names of the rows' own files."""
    before = digest_directory(dataset)
    for out in (dataset, dataset.parent, dataset / "data", dataset / "new"):
        with pytest.raises(ExportError, match="is, holds or lies in the data set"):
            export_dataset(dataset, "verl", out)
    assert digest_directory(dataset) == before


@pytest.mark.parametrize(
    "name", ["plain", "two words", "a; rm -rf b", "ü #b'\"", "$(id) `id`", "no", "x: y", "new\nline"]
)
def test_the_lines_that_are_printed_mean_the_folder(made: Path, tmp_path: Path, name: str) -> None:
    """Whatever its name: a shell, YAML and Python read it back as one word."""
    out = tmp_path / name
    swift = export_dataset(made, "ms-swift", out).usage
    words = shlex.split(swift)
    assert words == [f"ROOT_IMAGE_DIR={out}", "swift", "sft", "--dataset", str(out / "train.jsonl")]
    info = yaml.safe_load(export_dataset(made, "llamafactory", tmp_path / "lf" / name).usage)
    assert info["dataset_dir"] == info["media_dir"] == str(tmp_path / "lf" / name)
    read = export_dataset(made, "trl-sft", tmp_path / "trl" / name).usage
    texts = [node.value for node in ast.walk(ast.parse(read.replace(", …", ""))) if isinstance(node, ast.Constant)]
    assert set(texts) == {str(tmp_path / "trl" / name), "train"}


def test_a_row_that_breaks_a_rule_keeps_the_export_from_appearing(dataset: Path, tmp_path: Path) -> None:
    """The message names row, fault and mend, and nothing is left behind."""
    file = dataset / "data/train-00000.parquet"
    table = pq.read_table(file)
    prompts = [f"<image> {prompt}" for prompt in table["prompt"].to_pylist()]
    place = table.schema.get_field_index("prompt")
    pq.write_table(table.set_column(place, table.schema.field(place), [prompts]), file)
    with pytest.raises(ExportError, match=r"(?s)LLaMA-Factory.*row 0 .*`<image>` in the texts and .*write one"):
        export_dataset(dataset, "llamafactory", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]
    report = export_dataset(dataset, "llamafactory", tmp_path / "out", check=False)
    assert report.rows == 12


@pytest.mark.parametrize("format", [format.name for format in FORMATS])
def test_an_older_export_is_replaced_whole(format: str, made: Path, tmp_path: Path) -> None:
    """Images of an earlier export that no row has any more are gone."""
    export_dataset(made, format, tmp_path / "out")
    older = next((tmp_path / "out").rglob("*.png"), None)
    if older is not None:
        older.rename(older.with_name(f"{'ab' * 16}.png"))
    report = export_dataset(made, format, tmp_path / "out")
    assert sum(1 for _ in (tmp_path / "out").rglob("*.png")) == report.image_files


def test_a_data_set_without_pairs_has_no_preferences_to_export(dataset: Path, tmp_path: Path) -> None:
    """The message says where pairs come from; formats that take both leave the pairs out."""
    shutil.rmtree(dataset / "preferences")
    with pytest.raises(ExportError, match=r"holds no preference pairs: name some under `data\.preferences`"):
        export_dataset(dataset, "trl-preference", tmp_path / "out")
    assert export_dataset(dataset, "ms-swift", tmp_path / "out").files == {"train.jsonl": 6}


def test_the_report_counts_what_was_written(made: Path, tmp_path: Path) -> None:
    """Six rows with five different images, and two times three pairs."""
    report = export_dataset(made, "llamafactory", tmp_path / "out")
    assert report.files == {"train.jsonl": 6, "preference-over_refusal.jsonl": 3, "preference-policy_flip.jsonl": 3}
    assert (report.rows, report.image_files) == (12, 5)
    files = [path for path in (tmp_path / "out/images").rglob("*") if path.is_file()]
    assert (len(files), sum(path.stat().st_size for path in files)) == (5, report.image_bytes)
    assert report.usage.splitlines()[0] == f"dataset_dir: {tmp_path / 'out'}"


@pytest.mark.parametrize("format", [format.name for format in FORMATS])
def test_nothing_there(format: str, tmp_path: Path) -> None:
    """A path that does not exist, and an empty folder, are faults and not errors."""
    for path in (tmp_path / "gone", tmp_path):
        (fault,) = validate(path, format)
        assert fault.row is None
        assert fault.mend
