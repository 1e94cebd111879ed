"""Where a row stands in the exports that a data set holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.store import EXPORTS, PROVENANCE, Dataset

if TYPE_CHECKING:
    import pyarrow as pa


class ExportRecord(Frozen):
    """A record of an export: `file` is relative to the data set, `record` counts from 0 in it. A `pair` is a preference
    pair that was made of the row."""

    format: str
    file: str
    record: int
    id: str
    kind: Literal["row", "pair"]


def find_exports(dataset: Dataset, row_id: str) -> tuple[ExportRecord, ...]:
    """The records of a row, and of the pairs made of it, in the exports beside the rows."""
    pairs = {pair["id"] for pair in _pairs(dataset) if pair["row"] == row_id}
    wanted = {row_id, *pairs}
    found: list[ExportRecord] = []
    for folder in sorted((dataset.path / EXPORTS).glob("*/")):
        for file in sorted(path for path in folder.rglob("*") if path.suffix in (".parquet", ".jsonl")):
            if PROVENANCE in file.relative_to(folder).parts:
                continue  # an export in our own layout brings it along
            for record, id_ in _records(file, wanted):
                found.append(
                    ExportRecord(
                        format=folder.name,
                        file=file.relative_to(dataset.path).as_posix(),
                        record=record,
                        id=id_,
                        kind="row" if id_ == row_id else "pair",
                    )
                )
    return tuple(found)


def _pairs(dataset: Dataset) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    for file in dataset.preference_files:
        yield from pq.read_table(file, columns=["id", "row"]).to_pylist()


def _records(file: Path, wanted: set[str]) -> Iterator[tuple[int, str]]:
    if file.suffix == ".jsonl":
        yield from _lines(file, wanted)
        return
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        if "id" not in opened.schema_arrow.names:
            return
        start = 0
        for batch in opened.iter_batches(columns=["id"], batch_size=1 << 16):
            yield from ((start + place, id_) for place, id_ in _among(batch.column(0), wanted))
            start += batch.num_rows


def _among(ids: pa.Array[Any], wanted: set[str]) -> Iterator[tuple[int, str]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = pc.is_in(ids, value_set=pa.array(sorted(wanted), pa.string()))  # pyright: ignore[reportAttributeAccessIssue]
    for place in pc.indices_nonzero(mask).to_pylist():  # pyright: ignore[reportAttributeAccessIssue]
        yield place, ids[place].as_py()


def _lines(file: Path, wanted: set[str]) -> Iterator[tuple[int, str]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            # Most lines are seen to be others' without being read as JSON.
            if any(id_ in line for id_ in wanted):
                id_ = json.loads(line).get("id")
                if id_ in wanted:
                    yield number, id_
