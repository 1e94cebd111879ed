"""Parquet files of exports: written in pieces, and what files of others declare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safecot_dsl.dataset.formats import tables
from safecot_dsl.dataset.formats.tables import IMAGES, TEXT, TableWriter, features_of
from safecot_dsl.dataset.schema import features_schema

FEATURES = {"id": TEXT, "images": IMAGES}


def _row(number: int, size: int) -> dict[str, Any]:
    return {"id": str(number), "images": [{"bytes": b"x" * size, "path": None}]}


def test_a_file_ends_at_its_size_and_a_group_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of two rows, and files of four: ten rows are three files, and every row is there in order."""
    monkeypatch.setattr(tables, "GROUP_BYTES", 200)
    monkeypatch.setattr(tables, "FILE_BYTES", 400)
    with TableWriter(tmp_path, "train", features_schema(FEATURES)) as writer:
        for number in range(10):
            writer.add(_row(number, 100))
    assert writer.files == {"train-00000.parquet": 4, "train-00001.parquet": 4, "train-00002.parquet": 2}
    assert pq.read_metadata(tmp_path / "train-00000.parquet").num_row_groups == 2
    read = [row["id"] for name in writer.files for row in pq.read_table(tmp_path / name).to_pylist()]
    assert read == [str(number) for number in range(10)]


def test_no_rows_are_no_file(tmp_path: Path) -> None:
    """Nor is there one where writing fails: the folder is thrown away by its maker."""
    with TableWriter(tmp_path, "train", features_schema(FEATURES)) as writer:
        pass
    assert writer.files == {}
    with pytest.raises(TypeError), TableWriter(tmp_path, "train", features_schema(FEATURES)) as writer:
        writer.add(_row(0, "a size"))  # pyright: ignore[reportArgumentType]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("metadata", [None, {b"huggingface": b"{"}, {b"huggingface": b"[]"}, {b"huggingface": b"null"}])
def test_a_file_that_declares_no_features(metadata: dict[bytes, bytes] | None) -> None:
    """Whatever stands where they would."""
    assert features_of(pa.schema([("id", pa.string())], metadata=metadata)) == {}
    assert features_of(features_schema(FEATURES)) == FEATURES
