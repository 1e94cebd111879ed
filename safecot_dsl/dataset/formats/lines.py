"""Records in files: JSON Lines written so that every loader infers the same types, and read as text from outside."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

#: Hugging Face `datasets` infers the types of a JSON Lines file from its first block, and fails where a later one
#: differs (`JsonConfig.chunksize`): a column that holds only empty lists until then must not hold strings afterwards.
FIRST_BLOCK = 10 << 20  # bytes
#: A line above this is no row that anybody trains on.
MAX_LINE = 64 << 20  # bytes


class LinesWriter:
    """Writes records as JSON Lines, a record with images first where there is any. Used inside `with`.

    Records without images that come before the first one with images are written after it, in their order: see
    `FIRST_BLOCK`. They wait in a temporary file, so that memory does not grow with them.
    """

    def __init__(self, path: Path) -> None:
        self._stack = ExitStack()
        self._path = path
        self.rows = 0

    def add(self, record: dict[str, Any], *, has_images: bool) -> None:
        line = json.dumps(record, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"
        if self._waiting is not None and has_images:
            self._file.write(line)
            self._flush()
        elif self._waiting is not None:
            self._waiting.write(line)
        else:
            self._file.write(line)
        self.rows += 1

    def _flush(self) -> None:
        if self._waiting is not None:
            self._waiting.seek(0)
            shutil.copyfileobj(self._waiting, self._file, 1 << 20)
            self._waiting = None

    def __enter__(self) -> LinesWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = self._stack.enter_context(self._path.open("wb"))
        self._waiting: IO[bytes] | None = self._stack.enter_context(tempfile.SpooledTemporaryFile(1 << 20))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._stack:
            if kind is None:
                self._flush()


@dataclass(frozen=True)
class Record:
    """A row of a file: its number (from 0), its value, where its line begins, and why there is no value."""

    row: int
    value: dict[str, Any]
    start: int = 0
    fault: str | None = None


class UnreadableError(ValueError):
    """A file that holds no records at all; the message says why."""


def read_records(path: Path) -> Iterator[Record]:
    """The rows of a file of records: JSON Lines, a JSON list, or Parquet, told by its suffix.

    A line that is no JSON object gives a record with a fault and no value, and the next is read.

    Raises:
        UnreadableError: the file cannot be read, or is of another kind.
    """
    try:
        match path.suffix:
            case ".jsonl":
                yield from _lines(path)
            case ".json":
                yield from _listed(path)
            case ".parquet":
                yield from _parquet(path)
            case other:
                raise UnreadableError(f"`{other}` files are not read: write .jsonl, .json or .parquet")
    except OSError as error:
        raise UnreadableError(f"it cannot be read: {error.strerror or error}") from error


def _lines(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        row, start = 0, 0
        while line := file.readline(MAX_LINE + 1):
            size = len(line)
            if size > MAX_LINE:
                while not line.endswith(b"\n") and (line := file.readline(MAX_LINE)):
                    size += len(line)
                yield Record(row, {}, start, f"a line of {size >> 20} MiB, above the limit of {MAX_LINE >> 20}")
                row += 1
            elif line.strip():
                yield _record(row, line, start)
                row += 1
            start += size


def _listed(path: Path) -> Iterator[Record]:
    """A JSON list has to be read as a whole, by the tools too; a large one is to be JSON Lines."""
    limit = 8 * MAX_LINE
    if path.stat().st_size > limit:
        raise UnreadableError(f"a JSON list of more than {limit >> 20} MiB: write it as JSON Lines (.jsonl)")
    value = _json(path.read_bytes())
    if isinstance(value, str):
        raise UnreadableError(value)
    if not isinstance(value[0], list):
        raise UnreadableError("it holds no JSON list")
    for row, entry in enumerate(value[0]):
        known = isinstance(entry, dict)
        yield Record(row, entry if known else {}, fault=None if known else "not a JSON object")


def _parquet(path: Path) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            row = 0
            for batch in file.iter_batches(batch_size=256):
                for value in batch.to_pylist():
                    yield Record(row, value)
                    row += 1
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise UnreadableError(f"it cannot be read as Parquet: {error}") from error


def _record(row: int, line: bytes, start: int) -> Record:
    value = _json(line)
    if isinstance(value, str):
        return Record(row, {}, start, value)
    if not isinstance(value[0], dict):
        return Record(row, {}, start, "not a JSON object")
    return Record(row, value[0], start)


def _json(data: bytes) -> tuple[Any] | str:
    """The value (in a tuple), or why there is none."""
    try:
        return (_DECODER.decode(data.decode("utf-8")),)
    except UnicodeDecodeError as error:
        return f"not UTF-8 (byte {error.start})"
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} (column {error.colno})"
    except ValueError as error:
        return f"not JSON: {error}"
    except RecursionError:
        return "not JSON that anything reads: nested too deeply"


def _integer(digits: str) -> int | float:
    # Python refuses integers of thousands of digits; no column holds one.
    return int(digits) if len(digits) < 400 else float(digits)


def _constant(name: str) -> float:
    raise ValueError(f"`{name}` is no number of JSON")


_DECODER = json.JSONDecoder(parse_int=_integer, parse_constant=_constant)
