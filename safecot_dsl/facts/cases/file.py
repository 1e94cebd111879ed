"""A file of cases: a table with a column for each fact, or cases in their JSON form, one a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import Case, CaseError, CompiledPolicy, Unknown, Value, read_case
from safecot_dsl.diagnostics import no_such_file
from safecot_dsl.facts.cases.cells import CellError, read_cell
from safecot_dsl.facts.cases.columns import CaseColumns, match_columns
from safecot_dsl.facts.cases.faults import Faults
from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.tables.file import Location, TableFile
from safecot_dsl.facts.tables.opening import open_table
from safecot_dsl.facts.tables.record import Broken, Record

#: Endings of files that are tables; a .json file is one if it holds a list.
TABLES = (".csv", ".tsv", ".xlsx", ".parquet", ".arrow", ".feather", ".json")


@dataclass(frozen=True)
class CaseRow:
    """A row of a file: its place there, its case or None, and what is wrong with it where it has none."""

    place: int
    id: str | None
    case: Case | None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaseTable:
    """An open table of cases. `columns` is None for JSON, whose records are cases themselves."""

    policy: CompiledPolicy
    name: str
    table: TableFile
    columns: CaseColumns | None

    def records(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Record | Broken]]:
        """The rows that are not empty, with their places."""
        for place, record in self.table.read(start, self.table.rows if stop is None else stop):
            if record is not None:
                yield place, record

    def rows(self) -> Iterator[CaseRow]:
        """Every row, right or wrong."""
        for place, record in self.records():
            yield self.row(place, record)

    def row(self, place: int, record: Record | Broken) -> CaseRow:
        """What a row that :meth:`records` gave says."""
        if isinstance(record, Broken):
            return CaseRow(place, None, None, (record.detail,))
        if self.columns is None:
            return json_row(self.policy, record, place)
        found = {name: record[column] for name, column in self.columns.facts.items()}
        case, faults = case_of_cells(self.policy, found)
        name = record.get("id")
        return CaseRow(place, None if name is None else str(name), case, faults)

    def faults(self) -> Faults:
        """An empty record of faults of this file."""
        return Faults(self.name, self.table.unit)


def is_table(path: Path) -> bool:
    """Whether a file is a table; any other has a case a line."""
    kind = path.suffix.lower()
    if kind != ".json" or not path.is_file():
        return kind in TABLES
    with path.open("rb") as file:
        return file.read(1 << 10).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")


def open_cases(policy: CompiledPolicy, path: Path, *, sheet: str | None = None) -> CaseTable:
    """A table of cases, with its columns matched to the policy's facts.

    Raises :class:`FactsError` for a file that cannot be read, and :class:`CasesError` for all columns that are named as
    facts are and are none; `ModuleNotFoundError` where a format needs an extra.
    """
    if not path.is_file():
        raise FactsError(f"{path}: {no_such_file(path)}")
    if sheet is not None and path.suffix.lower() != ".xlsx":
        raise FactsError(f"{path} has no sheets: only an .xlsx file has")
    table = open_table(Location(str(path)), None, sheet)
    columns = None if table.names is None else match_columns(policy, table.names, bare=True)
    opened = CaseTable(policy, str(path), table, columns)
    if columns is not None and columns.faults:
        faults = opened.faults()
        for fault in columns.faults:
            faults.add(fault, None)
        raise faults.error()
    return opened


def case_of_cells(policy: CompiledPolicy, cells: dict[str, Any]) -> tuple[Case | None, tuple[str, ...]]:
    """The case that cells by the names of their facts make, or None with all that is wrong with them."""
    known: dict[str, Value] = {}
    cannot_tell: set[str] = set()
    faults: list[str] = []
    for name, raw in cells.items():
        try:
            value = read_cell(policy.fact_index[name], raw)
        except CellError as error:
            faults.append(f"`{name}`: {error}")
            continue
        if isinstance(value, Unknown):
            cannot_tell.add(name)
        elif value is not None:
            known[name] = value
    return (None if faults else Case(known, frozenset(cannot_tell))), tuple(faults)


def json_row(policy: CompiledPolicy, data: Any, place: int) -> CaseRow:
    """A case in its JSON form, whose values have the types of their facts, or None with all that is wrong with it."""
    name = data.get("id") if isinstance(data, dict) else None
    name = None if name is None else str(name)
    try:
        return CaseRow(place, name, read_case(policy, data))
    except CaseError as error:
        return CaseRow(place, name, None, error.faults)
