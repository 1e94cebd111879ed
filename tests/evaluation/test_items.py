"""Evaluation items and their Parquet file."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.artifact import Verdict
from safecot_dsl.evaluation import EvalItem, ItemsError, Kind, read_items, write_items


def test_what_is_written_is_read(tmp_path: Path, items: tuple[EvalItem, ...]) -> None:
    """Every field survives, images and empty ones too."""
    pictured = EvalItem(
        id="pictured",
        split="style",
        kind=Kind.POLICY,
        images=(b"\x89PNG one", b"two"),
        prompt="What are these?",
        due=Verdict.WARN,
        rules=("a", "b"),
    )
    write_items(tmp_path / "items.parquet", (*items, pictured))
    assert read_items(tmp_path / "items.parquet") == (*items, pictured)


def test_images_are_in_the_layout_of_the_field(tmp_path: Path) -> None:
    """`datasets` reads a column of structs with `bytes` and `path` as images."""
    import pyarrow.parquet as pq

    item = EvalItem(id="a", split="s", kind=Kind.UTILITY, images=(b"data",), prompt="?")
    write_items(tmp_path / "items.parquet", [item])
    assert pq.read_table(tmp_path / "items.parquet")["images"].to_pylist() == [[{"bytes": b"data", "path": None}]]


def test_two_items_with_one_id_are_refused(tmp_path: Path, items: tuple[EvalItem, ...]) -> None:
    with pytest.raises(ItemsError, match="two items have the id `validation-mix`"):
        write_items(tmp_path / "items.parquet", (*items, items[0]))
    assert not (tmp_path / "items.parquet").exists()


def test_a_wrong_row_is_named(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"id": "a", "split": "s", "kind": "policy", "prompt": "?"},
        {"id": "b", "split": "s", "kind": "polcy", "prompt": "?"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "items.parquet")
    with pytest.raises(ItemsError, match=r"row 1 is not an evaluation item: `kind`"):
        read_items(tmp_path / "items.parquet")


def test_a_file_that_is_no_parquet_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "items.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(ItemsError, match="cannot be read as Parquet"):
        read_items(tmp_path / "items.parquet")
