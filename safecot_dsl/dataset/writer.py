"""Writes the rows of a part, their provenance and their pairs, a row group at a time: memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from safecot_dsl.dataset.lineage import provenance_schema, provenance_table
from safecot_dsl.dataset.pairs import preference_table
from safecot_dsl.dataset.schema import build_table
from safecot_dsl.dataset.store import DATA, PREFERENCES

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

#: A row group is written when it holds as many rows, or as many bytes of images.
ROW_GROUP = 2048
ROW_GROUP_BYTES = 64 << 20
#: A file of rows ends when it holds as many bytes of images: the Hub advises files below 500 MB.
FILE_BYTES = 384 << 20

PROVENANCE_FILE = "provenance.parquet"


class PartWriter:
    """Takes rows with their provenance, and pairs, and writes `data/<split>-00000.parquet`, `provenance.parquet` and
    `preferences/<kind>-00000.parquet` in a folder. Used inside `with`."""

    def __init__(self, folder: Path) -> None:
        import pyarrow.parquet as pq

        self._folder = folder
        self._stack = ExitStack()
        self._files: dict[tuple[str, str], _Files] = {}
        self._records: list[tuple[Any, ...]] = []
        self._provenance: pq.ParquetWriter = self._stack.enter_context(
            pq.ParquetWriter(folder / PROVENANCE_FILE, provenance_schema(), compression="zstd")
        )

    def add(self, rows: Sequence[Mapping[str, Any]], records: Sequence[tuple[Any, ...]]) -> None:
        """Write rows, each with its record of provenance."""
        for row in rows:
            self._of(DATA, row["split"], build_table).add(row)
        self._records += records
        if len(self._records) >= ROW_GROUP:
            self._flush_records()

    def add_pairs(self, pairs: Iterable[Mapping[str, Any]]) -> None:
        """Write preference pairs."""
        for pair in pairs:
            self._of(PREFERENCES, pair["kind"], preference_table).add(pair)

    def _of(self, folder: str, name: str, table: _Table) -> _Files:
        files = self._files.get((folder, name))
        if files is None:
            files = self._files[folder, name] = _Files(self._stack, self._folder / folder, name, table)
        return files

    def _flush_records(self) -> None:
        if self._records:
            self._provenance.write_table(provenance_table(self._records))
            self._records = []

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._stack:
            if kind is None:
                self._flush_records()
                for files in self._files.values():
                    files.flush()


_Table = Callable[[Sequence[Mapping[str, Any]]], "pa.Table"]


class _Files:
    """The rows of a split, or the pairs of a kind, in as many files as their images need."""

    def __init__(self, stack: ExitStack, folder: Path, name: str, table: _Table) -> None:
        self._stack = stack
        self._folder = folder
        self._name = name
        self._table = table
        self._number = 0
        self._file: pq.ParquetWriter | None = None
        self._in_file = 0
        self._rows: list[Mapping[str, Any]] = []
        self._bytes = 0

    def add(self, row: Mapping[str, Any]) -> None:
        self._rows.append(row)
        self._bytes += sum(len(image["bytes"] or b"") for image in row["images"])
        if len(self._rows) >= ROW_GROUP or self._bytes >= ROW_GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        import pyarrow.parquet as pq

        if not self._rows:
            return
        table = self._table(self._rows)
        if self._file is None:
            self._folder.mkdir(exist_ok=True)
            path = self._folder / f"{self._name}-{self._number:05d}.parquet"
            # Images are compressed already; zstd is for the text beside them.
            self._file = self._stack.enter_context(pq.ParquetWriter(path, table.schema, compression="zstd"))
            self._number += 1
        self._file.write_table(table)
        self._in_file += self._bytes
        self._rows, self._bytes = [], 0
        if self._in_file >= FILE_BYTES:
            self._file.close()
            self._file, self._in_file = None, 0
