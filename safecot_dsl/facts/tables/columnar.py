"""Parquet, and the Arrow files that Hugging Face `datasets` saves. Pictures in their columns stay where they are."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.tables.arrow import ArrowSource, ParquetSource, RowBatches
from safecot_dsl.facts.tables.file import Location, Row
from safecot_dsl.facts.tables.limits import MAX_IMAGE
from safecot_dsl.facts.tables.record import Broken, StoredImage
from safecot_dsl.facts.tables.values import is_picture, records_of

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Columnar:
    """The rows of a Parquet or Arrow file. Columns of bytes, and of `{bytes, path}` (the `Image` feature of
    `datasets`), give a :class:`StoredImage` for each picture that is there; class labels give their names."""

    location: Location
    parquet: bool
    rows: int
    names: tuple[str, ...]
    pictures: frozenset[str]
    unit: str = "row"

    @classmethod
    def of(cls, location: Location, *, parquet: bool) -> Columnar:
        """Raises :class:`FactsError` for a file that is none."""
        import pyarrow as pa

        try:
            source = _source(location, parquet)
        except (pa.ArrowException, OSError, ValueError, IndexError) as error:
            kind = "a Parquet file" if parquet else "an Arrow file"
            raise FactsError(f"{location.name} is not {kind}: {error}") from None
        pictures = frozenset(field.name for field in source.schema if is_picture(field.type))
        return cls(location, parquet, source.rows, tuple(source.schema.names), pictures)

    def read(self, start: int, stop: int, columns: Collection[str] | None = None) -> Iterator[Row]:
        import pyarrow as pa

        wanted = tuple(name for name in self.names if columns is None or name in columns)
        at, stop = start, min(stop, self.rows)
        while at < stop:
            try:
                with _LOCK:
                    cursor = _cursor(self.location, self.parquet, wanted, False)
                    batch = cursor.at(at, stop)
                place = StoredImage(self.location.path, self.location.member, self.parquet, "", at, None, None)
                records = records_of(batch, wanted, self.pictures, place)
            except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
                for row in range(at, stop):
                    yield row + 1, Broken("malformed", f"cannot be decoded: {error}")
                return
            yield from enumerate(records, start=at + 1)
            at += len(records)


@dataclass(frozen=True)
class StoredBytes:
    """Reads a picture out of a table's column. Pictures read in the order of their rows cost one pass in all."""

    image: StoredImage

    def __call__(self) -> bytes:
        import pyarrow as pa

        image = self.image
        location = Location(image.path, image.member)
        where = f"{location.name}: row {image.row} of `{image.column}`"
        try:
            with _LOCK:
                batch = _cursor(location, image.parquet, (image.column,), True).at(image.row, image.row + 1)
            value = batch.column(0)[0]
            if image.item is not None:
                value = value.values[image.item]
            if pa.types.is_struct(value.type):
                value = value["bytes"]
            buffer = value.as_buffer()
        except (pa.ArrowException, ValueError, IndexError, KeyError, AttributeError) as error:
            raise OSError(f"{where} cannot be decoded: {error}") from None
        if buffer is None:
            raise OSError(f"{where} has no bytes")
        if buffer.size > MAX_IMAGE:
            raise OSError(f"{where} is larger than the limit of {MAX_IMAGE:,} bytes")
        return buffer.to_pybytes()


class _Cursor:
    """A place in a file: going forward costs what is passed over, going back begins again."""

    def __init__(self, source: ArrowSource | ParquetSource, columns: tuple[str, ...], pictures: bool) -> None:
        self._source, self._columns, self._pictures = source, columns, pictures
        self._run: RowBatches | None = None
        self._batch: pa.RecordBatch | None = None
        self._start = 0

    def at(self, row: int, stop: int) -> pa.RecordBatch:
        """One row or more from `row` on, and before `stop`. Raises `ValueError` where the file has too few."""
        if self._run is None or row < self._start or row >= self._run.stop:
            self._begin(row)
        while self._batch is None or row >= self._start + len(self._batch):
            self._start += len(self._batch) if self._batch is not None else 0
            assert self._run is not None
            self._batch = next(self._run.batches, None)
            if self._batch is None:
                self._run = None
                raise ValueError("the file has fewer rows than it says")
        return self._batch.slice(row - self._start, stop - row)

    def _begin(self, row: int) -> None:
        self._run = self._source.batches(row, self._columns, self._pictures)
        self._start, self._batch = self._run.start, None


# Threads that read pictures share their cursors.
_LOCK = threading.RLock()


def _cursor(location: Location, parquet: bool, columns: tuple[str, ...], pictures: bool) -> _Cursor:
    info = Path(location.path).stat()
    return _opened_cursor(location, parquet, columns, pictures, info.st_mtime_ns, os.getpid())


@functools.lru_cache(maxsize=8)
def _opened_cursor(
    location: Location, parquet: bool, columns: tuple[str, ...], pictures: bool, time: int, process: int
) -> _Cursor:
    """`process` is in the key because a child that was forked shares its parent's place in an open file."""
    del time, process
    return _Cursor(_source(location, parquet), columns, pictures)


def _source(location: Location, parquet: bool) -> ArrowSource | ParquetSource:
    held = location.held() if location.member is not None else None
    return ParquetSource(location.path, held) if parquet else ArrowSource(location.path, held)
