"""XLSX: a sheet of a workbook, with a header in its first row that is not empty."""

from __future__ import annotations

import functools
import warnings
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.tables.file import Location, Row
from safecot_dsl.facts.tables.limits import MAX_CELLS, MAX_MEMBER
from safecot_dsl.facts.tables.members import bomb
from safecot_dsl.facts.tables.record import Broken, Record

_Cells = tuple[Any, ...]
_MAX_ROWS = 1_048_576


@dataclass(frozen=True)
class Workbook:
    """The rows of one sheet that are not empty; their places are the sheet's own row numbers. Formulas give the values
    that were saved with them. Needs openpyxl (the extra `xlsx`)."""

    location: Location
    sheet: str
    rows: int
    names: tuple[str, ...]

    @classmethod
    def of(cls, location: Location, sheet: str | None = None) -> Workbook:
        """Open a sheet, by its name or, where only one holds anything, without. Raises :class:`FactsError` for a file
        that is no workbook, for one that unpacks to too much, and where the sheet or a fit header is missing."""
        sheets = _sheets(location)
        if sheet is None:
            filled = [name for name, rows in sheets.items() if rows]
            if len(filled) != 1:
                found = f"has the sheets {_listed(filled)}: say which" if filled else "has nothing in it"
                raise FactsError(f"{location.name} {found}")
            sheet = filled[0]
        if sheet not in sheets:
            raise FactsError(f"{location.name} has no sheet `{sheet}` (it has {_listed(sheets)})")
        if not sheets[sheet]:
            raise FactsError(f"{location.name}: the sheet `{sheet}` has nothing in it")
        place, header = sheets[sheet][0]
        width = max(number for number, cell in enumerate(header, start=1) if cell is not None)
        names: list[str] = []
        for cell in header[:width]:
            name = str(cell).strip() if cell is not None else ""
            if not name or name in names:
                what = f"the column `{name}` twice" if name else "a column without a name"
                raise FactsError(f"{location.name}: the header (sheet `{sheet}`, row {place}) has {what}")
            names.append(name)
        return cls(location, sheet, len(sheets[sheet]) - 1, tuple(names))

    @property
    def unit(self) -> str:
        return f"sheet `{self.sheet}`, row"

    def read(self, start: int, stop: int, columns: Collection[str] | None = None) -> Iterator[Row]:
        del columns
        for place, cells in _sheets(self.location)[self.sheet][start + 1 : stop + 1]:
            yield place, self._record(cells)

    def _record(self, cells: _Cells) -> Record | Broken:
        if any(cell is not None for cell in cells[len(self.names) :]):
            return Broken("malformed", "there is a cell to the right of the header's last")
        record: Record = dict.fromkeys(self.names)
        for name, cell in zip(self.names, cells, strict=False):
            if isinstance(cell, Broken):
                return Broken(cell.reason, f"`{name}` {cell.detail}")
            record[name] = cell
        return record


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _sheets(location: Location) -> dict[str, list[tuple[int, _Cells]]]:
    info = Path(location.path).stat()
    return _read(location, info.st_size, info.st_mtime_ns)


@functools.lru_cache(maxsize=2)
def _read(location: Location, size: int, time: int) -> dict[str, list[tuple[int, _Cells]]]:
    """By sheet the rows that hold anything, with their numbers. They are held: a sheet can only be read from its
    start, and blocks are read in any order."""
    del size, time
    import openpyxl

    try:
        with location.open() as file:
            _check_size(zipfile.ZipFile(file), location)
            file.seek(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what has no meaning here: styles, validations, headers
                book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
                return _rows(book, location)
    except (FactsError, MemoryError):
        raise
    except Exception as error:  # the reader of a format so wide fails in any way
        raise FactsError(f"{location.name} is not an XLSX workbook: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _check_size(archive: zipfile.ZipFile, location: Location) -> None:
    for member in archive.infolist():
        problem = bomb(member.filename, member.file_size, member.compress_size)
        if problem is not None:
            raise FactsError(f"{location.name}: {problem.detail}")
        if member.file_size > MAX_MEMBER:
            raise FactsError(f"{location.name}: {member.filename} has {member.file_size:,} bytes; save it as CSV")


def _rows(book: Any, location: Location) -> dict[str, list[tuple[int, _Cells]]]:
    found: dict[str, list[tuple[int, _Cells]]] = {}
    cells = 0
    for sheet in book.worksheets:
        rows = found[sheet.title] = []
        # What a sheet says of its own size may be anything; without it the rows are as long as their cells reach.
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(), start=1):
            values = tuple(_value(cell) for cell in row)
            if any(value is not None for value in values):
                rows.append((number, values))
                cells += len(values)
            if number > _MAX_ROWS:  # rows that are left out are filled up, whatever number comes next
                raise FactsError(f"{location.name} has a row above {_MAX_ROWS:,}, where sheets end")
            if cells > MAX_CELLS:
                raise FactsError(f"{location.name} has more than {MAX_CELLS:,} cells; save it as CSV")
    return found


def _value(cell: Any) -> Any:
    value = cell.value
    if isinstance(value, str):
        if cell.data_type == "e":
            return Broken("malformed", f"holds the error {value}")
        return value if value.strip() else None
    return value
