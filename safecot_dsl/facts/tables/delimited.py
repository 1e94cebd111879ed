"""CSV and TSV: a header, and records of as many fields."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from safecot_dsl.facts.blocks import BLOCK_ROWS
from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.tables.file import Location, Row
from safecot_dsl.facts.tables.lines import bounded_line, too_large
from safecot_dsl.facts.tables.record import Broken, Record


class _Source:
    """The lines of a file as the csv module wants them, with the bytes and the lines that were read so far."""

    def __init__(self, file: BinaryIO, line: int = 0) -> None:
        self._file = file
        self.at = file.tell()
        self.line = line
        self.too_large = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = bounded_line(self._file)
        self.at = self._file.tell()
        self.line += 1
        if line is None:
            self.too_large = True
            return "\n"
        if not line:
            raise StopIteration
        return line.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Delimited:
    """A CSV with a header. A row is a record, which may span lines; a blank line is none. `marks` are the bytes and the
    lines before every BLOCK_ROWS-th row.

    Values are texts; an empty field is None. An unclosed quote swallows what follows up to the limit of a field (128
    KiB), and is one broken row.
    """

    location: Location
    delimiter: str
    rows: int
    names: tuple[str, ...]
    marks: tuple[tuple[int, int], ...]
    unit: str = "line"

    @classmethod
    def of(cls, location: Location, delimiter: str) -> Delimited:
        """Read the header and count the records. Raises :class:`FactsError` for a file without a fit header."""
        marks: list[tuple[int, int]] = []
        rows = 0
        with location.open() as file:
            source = _Source(file)
            _, header = next(_records(source, delimiter), (0, None))
            if not isinstance(header, list) or _has_escapes(header):
                raise FactsError(f"{location.name} is not a CSV in UTF-8 with a header (in Excel: save as CSV UTF-8)")
            names = (header[0].removeprefix("\ufeff"), *header[1:])
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise FactsError(f"{location.name} has the column `{twice}` twice")
            at = source.at, source.line
            for _ in _records(source, delimiter):
                if rows % BLOCK_ROWS == 0:
                    marks.append(at)
                rows += 1
                at = source.at, source.line
        return cls(location, delimiter, rows, names, tuple(marks))

    def read(self, start: int, stop: int, columns: Collection[str] | None = None) -> Iterator[Row]:
        del columns
        mark = start // BLOCK_ROWS
        if mark >= len(self.marks):
            return
        with self.location.open() as file:
            at, before = self.marks[mark]
            file.seek(at)
            source = _Source(file, before)
            for row, (line, fields) in enumerate(_records(source, self.delimiter), start=mark * BLOCK_ROWS):
                if row >= stop:
                    return
                if row >= start:
                    yield line, fields if isinstance(fields, Broken) else self._record(fields)

    def _record(self, fields: list[str]) -> Record | Broken:
        if len(fields) != len(self.names):
            quotes = "; a text with a comma in it stands in quotes" if len(fields) > len(self.names) else ""
            return Broken("malformed", f"{len(fields)} fields, and the header has {len(self.names)}{quotes}")
        if _has_escapes(fields):
            return Broken("malformed", "not UTF-8")
        return dict(zip(self.names, (field or None for field in fields), strict=True))


def delimiter_of(location: Location) -> str:
    """What stands between the fields of a CSV: where the header has no comma, a semicolon or a tab, as spreadsheets
    write it in countries whose numbers have a comma."""
    with location.open() as file:
        header = bounded_line(file) or b""
    return "," if b"," in header else ";" if b";" in header else "\t" if b"\t" in header else ","


def _records(source: _Source, delimiter: str) -> Iterator[tuple[int, list[str] | Broken]]:
    """The records that are not blank, each with the line on which it begins."""
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.too_large = False
        line = source.line + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, Broken("malformed", f"not CSV: {error}")
            continue
        if source.too_large:
            yield line, too_large()
        elif fields:
            yield line, fields


def _has_escapes(fields: list[str]) -> bool:
    """Whether bytes that are no UTF-8 were read, which stand as lone surrogates."""
    return not all(field.isascii() or _encodes(field) for field in fields)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
