"""The Hub's rules, each broken once; and `datasets` and `huggingface_hub` on what is written for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from safecot_dsl.dataset.formats import FormatRule, export_dataset, find_format, validate
from safecot_dsl.dataset.formats.hub import CARD, size_category, split_card

from .conftest import Export
from .spoiling import Change, Seed, assert_found, cell, put, table, text

FILE, PAIRS = "data/train-00000.parquet", "preferences/over_refusal-00000.parquet"


def _card(*changes: Change) -> Any:
    def spoil(folder: Path) -> None:
        matter, body = split_card((folder / CARD).read_text())
        for change in changes:
            change(matter)
        (folder / CARD).write_text(f"---\n{yaml.safe_dump(matter)}---\n{body}")

    return spoil


def _second_file(folder: Path) -> None:
    rows = pq.read_table(folder / FILE).slice(0, 1).drop(["facts"])
    pq.write_table(rows, folder / "data/train-00001.parquet")


SEEDS = [
    Seed(FormatRule.CARD, lambda folder: (folder / CARD).unlink(), "it cannot be read", None),
    Seed(FormatRule.CARD, text(CARD, "# A title"), "it does not begin with metadata", None),
    Seed(FormatRule.CARD, text(CARD, "---\na: [\n---\n"), "not YAML", None),
    Seed(FormatRule.CARD, text(CARD, b"---\na: \xff\n---\n"), "it cannot be read", None),
    Seed(FormatRule.CARD, _card(lambda matter: matter.pop("license")), "there is no `license`", None),
    Seed(FormatRule.CARD, _card(put("license", "CC0")), "`CC0` is no licence that the Hub knows", None),
    Seed(FormatRule.CARD, _card(put("license", "other")), "`other` without a `license_name`", None),
    Seed(FormatRule.CARD, _card(put("language", ["english"])), "`english` is no language code", None),
    Seed(FormatRule.CARD, _card(put("size_categories", ["small"])), "`small` is no size", None),
    Seed(FormatRule.CARD, _card(put("size_categories", ["1K<n<10K"])), "and there are 6 rows", None),
    Seed(FormatRule.CARD, _card(lambda matter: matter.pop("configs")), "`configs` does not say", None),
    Seed(FormatRule.CARD, _card(put("configs.0", {"data_files": []})), "has no `config_name`", None),
    Seed(FormatRule.CARD, _card(put("configs.1.data_files", "*.parquet")), "`data_files` is no list of splits", None),
    Seed(
        FormatRule.CARD, _card(put("configs.1.data_files.0.split", "over-refusal")), "`over-refusal` is no name", None
    ),
    Seed(FormatRule.CARD, _card(put("configs.1.data_files.0.path", "x-*.parquet")), "no file is `x-*.parquet`", None),
    Seed(
        FormatRule.CARD, _card(put("configs.1.data_files.0.path", "../*.parquet")), "is no path within the folder", None
    ),
    Seed(FormatRule.CARD, _card(put("configs.1.data_files.0.path", "/etc/*")), "is no path within the folder", None),
    Seed(FormatRule.READABLE, text(PAIRS, "text"), "cannot be read as Parquet", None),
    Seed(FormatRule.COLUMNS, _second_file, "its columns are not those of data/train-00000.parquet", None),
    Seed(
        FormatRule.COLUMNS,
        table(PAIRS, lambda t: t.replace_schema_metadata(None)),
        "not declared as a list of im",
        None,
    ),
    Seed(FormatRule.IMAGES, cell(FILE, 2, put("images.1.bytes", None)), "image 1 (`2.png`) is not in the row", 2),
    Seed(FormatRule.IMAGES, cell(FILE, 2, put("images.1.bytes", b"text")), "image 1: not an image", 2),
    Seed(FormatRule.IDS, table(FILE, lambda t: pa.concat_tables([t, t.slice(0, 1)])), "the id stands in row 0 too", 6),
]


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_fault_is_found(seed: Seed, copied: Export) -> None:
    """Each at its place, under its rule, with what mends it."""
    folder = copied("hf")
    seed.spoil(folder)
    faults = validate(folder, "hf")
    told = [fault for fault in faults if seed.says in fault.fault and fault.rule is seed.rule]
    assert [fault.row for fault in told] == [seed.row]
    assert told[0].mend


def test_every_rule_is_seeded() -> None:
    """No rule is claimed that no test breaks."""
    assert {seed.rule for seed in SEEDS} == set(find_format("hf").rules)


def test_a_seed_accuses_no_other_rule(copied: Export) -> None:
    """One picture gone is one fault."""
    assert_found(Seed(FormatRule.IMAGES, cell(FILE, 2, put("images.1.bytes", None)), "image 1", 2), copied("hf"), "hf")


def test_datasets_loads_every_configuration(exported: Export, tmp_path: Path) -> None:
    """The rows by default, pairs by kind, and the records of provenance, each by its name."""
    import datasets

    folder = str(exported("hf"))
    assert sorted(datasets.get_dataset_config_names(folder)) == ["default", "preferences", "provenance"]
    rows = datasets.load_dataset(folder, split="train", cache_dir=str(tmp_path))
    assert len(rows) == 6
    assert rows[1]["images"][0].size == (8, 8)
    pairs = datasets.load_dataset(folder, "preferences", cache_dir=str(tmp_path))
    assert {kind: len(part) for kind, part in pairs.items()} == {"over_refusal": 3, "policy_flip": 3}
    records = datasets.load_dataset(folder, "provenance", cache_dir=str(tmp_path))
    assert [len(part) for part in records.values()] == [6]


def test_huggingface_hub_reads_the_card(exported: Export) -> None:
    """The metadata are those of a data-set card, and the text below them stays."""
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(str(exported("hf") / CARD))
    assert (card.data.license, card.data.size_categories, card.data.pretty_name) == ("cc0-1.0", ["n<1K"], "kitchen")
    assert card.text.lstrip().startswith("# kitchen")


def test_several_licences_are_left_to_the_card(dataset: Path, tmp_path: Path) -> None:
    """The Hub has one licence for a data set."""
    report = json.loads((dataset / "report.json").read_bytes())
    report["licences"] = {"CC0-1.0": 3, "CC-BY-NC-4.0": 3}
    (dataset / "report.json").write_text(json.dumps(report))
    export_dataset(dataset, "hf", tmp_path / "out")
    matter, _ = split_card((tmp_path / "out" / CARD).read_text())
    assert (matter["license"], matter["license_name"]) == ("other", "by-source")


def test_a_data_set_without_a_card_gets_its_metadata(dataset: Path, tmp_path: Path) -> None:
    """Configurations, size and licence are there where `README.md` and `report.json` were not."""
    (dataset / CARD).unlink()
    (dataset / "report.json").unlink()
    export_dataset(dataset, "hf", tmp_path / "out")
    assert validate(tmp_path / "out", "hf") == []


@pytest.mark.parametrize(
    ("rows", "size"), [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M"), (10**9, "n>1B")]
)
def test_sizes(rows: int, size: str) -> None:
    """The bounds are the Hub's: the lower one belongs to a size."""
    assert size_category(rows) == size
