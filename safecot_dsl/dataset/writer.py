"""Writes the two Parquet files side by side, a row group at a time, so that memory does not grow with the rows."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from safecot_dsl.dataset.schema import canonical_schema, trl_row, trl_schema

#: A row group is written when it holds as many rows, or as many bytes of images.
ROW_GROUP = 512
ROW_GROUP_BYTES = 64 << 20


class RowWriter:
    """Takes rows of `train.parquet` and writes that file and `trl.parquet`. Used inside `with`."""

    def __init__(self, canonical: Path, trl: Path) -> None:
        import pyarrow.parquet as pq

        self._stack = ExitStack()
        # Images are compressed already; zstd is for the text beside them.
        self._canonical = self._stack.enter_context(pq.ParquetWriter(canonical, canonical_schema(), compression="zstd"))
        self._trl = self._stack.enter_context(pq.ParquetWriter(trl, trl_schema(), compression="zstd"))
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        self._bytes += sum(len(image["bytes"]) for image in row["images"])
        if len(self._rows) >= ROW_GROUP or self._bytes >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._canonical.write_table(pa.Table.from_pylist(self._rows, schema=canonical_schema()))
            self._trl.write_table(pa.Table.from_pylist([trl_row(row) for row in self._rows], schema=trl_schema()))
            self._rows, self._bytes = [], 0

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._stack:
            if kind is None:
                self._flush()
