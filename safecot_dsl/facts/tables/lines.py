"""JSONL: one JSON object a line."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import from_json

from safecot_dsl.facts.blocks import BLOCK_ROWS
from safecot_dsl.facts.tables.file import Location, Row
from safecot_dsl.facts.tables.limits import MAX_RECORD, MIB
from safecot_dsl.facts.tables.record import Broken, Record

_CHUNK = 4 * MIB


@dataclass(frozen=True)
class Lines:
    """A file of JSON lines. A row is a line, whatever is on it: an empty one is None. `marks` are the bytes at which
    every BLOCK_ROWS-th row begins."""

    location: Location
    rows: int
    marks: tuple[int, ...]
    names: tuple[str, ...] | None = None
    unit: str = "line"

    @classmethod
    def of(cls, location: Location) -> Lines:
        """Count the lines of a file. Raises :class:`FactsError` where it cannot be read."""
        rows, marks = _marks(location)
        return cls(location, rows, marks)

    def read(self, start: int, stop: int, columns: Collection[str] | None = None) -> Iterator[Row]:
        del columns
        mark = start // BLOCK_ROWS
        with self.location.open() as file:
            file.seek(self.marks[mark] if self.marks else 0)
            for row in range(mark * BLOCK_ROWS, min(stop, self.rows)):
                line = bounded_line(file)
                if row >= start:
                    yield row + 1, too_large() if line is None else (json_object(line) if line.strip() else None)

    def raw(self) -> Iterator[bytes]:
        """The lines as they stand in the file, but for those that are longer than a record may be: they are empty."""
        with self.location.open() as file:
            for _ in range(self.rows):
                yield bounded_line(file) or b""


def read_jsonl(path: Path) -> Iterator[tuple[int, Record | str]]:
    """Line number (from 1) and the object on it, or what is wrong with the line; empty lines are passed over.

    Raises :class:`FactsError` where the file cannot be read.
    """
    with Location(str(path)).open() as file:
        for number in itertools.count(1):
            line = bounded_line(file)
            if line == b"":
                return
            if line is None or line.strip():
                record = too_large() if line is None else json_object(line)
                yield number, record.detail if isinstance(record, Broken) else record


def _marks(location: Location) -> tuple[int, tuple[int, ...]]:
    import numpy as np

    rows, marks, at = 0, [0], 0
    ends_in_line = False
    with location.open() as file:
        while chunk := file.read(_CHUNK):
            ends = np.flatnonzero(np.frombuffer(chunk, dtype=np.uint8) == 10)
            # The line after the k-th line end (k from 1, in all) begins a block where k is a multiple of BLOCK_ROWS.
            for k in range((rows // BLOCK_ROWS + 1) * BLOCK_ROWS, rows + len(ends) + 1, BLOCK_ROWS):
                marks.append(at + int(ends[k - rows - 1]) + 1)
            rows += len(ends)
            at += len(chunk)
            ends_in_line = not chunk.endswith(b"\n")
    return rows + ends_in_line, tuple(marks)


def bounded_line(file: BinaryIO) -> bytes | None:
    """The next line, or None for one that is longer than a record may be; that one is passed over."""
    line = file.readline(MAX_RECORD + 1)
    if len(line) <= MAX_RECORD:
        return line
    while line and not line.endswith(b"\n"):
        line = file.readline(MIB)
    return None


def too_large() -> Broken:
    return Broken("record_too_large", f"a record of more than {MAX_RECORD:,} bytes")


def json_object(data: bytes) -> Record | Broken:
    """The object that a JSON text is."""
    try:
        # It gives what `json` gives, in half the time, or fails: `json` then says how far it is right.
        value = from_json(data, allow_inf_nan=False)
    except ValueError:
        value = guarded(lambda: _loads(data.decode("utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8")))
    return value if isinstance(value, dict | Broken) else Broken("malformed", "not a JSON object")


def guarded(parse: Callable[[], Any]) -> Any:
    """What `parse` gives, or what is wrong with the JSON that it was to read."""
    try:
        return parse()
    except UnicodeDecodeError:
        problem = "not UTF-8"
    except json.JSONDecodeError as error:
        problem = f"not JSON: {error.msg} at column {error.colno}"
    except ValueError as error:  # an integer of thousands of digits; an infinite number
        problem = f"not JSON that can be read: {error}"
    except RecursionError:
        problem = "not JSON that can be read: nested too deeply"
    return Broken("malformed", problem)


def constant(name: str) -> None:
    """What stands for `NaN`, which pandas writes for an absent value; raises `ValueError` for an infinite number."""
    if name != "NaN":
        raise ValueError(f"{name} is no number of JSON")


#: Reads JSON, and NaN as null.
DECODER = json.JSONDecoder(parse_constant=constant)
_loads = DECODER.decode
