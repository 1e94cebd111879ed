"""Files of cases as tables for the columnar engine, a part at a time, and their decisions as a Parquet file.

Parquet and Arrow files are taken as they are where their columns have the types of
:mod:`safecot_dsl.engine.columnar.schema`, or texts and lists of names; whatever else stands in them, and all other
formats, is read cell by cell. Rows count from 1 there, as they do in other tools that show such files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import Case, Fact, FlagType, NumberType, OneOfType, SetType, TextType, Unknown
from safecot_dsl.diagnostics import no_such_file
from safecot_dsl.engine.columnar import COLUMNS, ColumnarPolicy
from safecot_dsl.engine.columnar.cases import columns_of, frame_of
from safecot_dsl.engine.columnar.policy import BLOCK
from safecot_dsl.engine.columnar.schema import Layout, fact_columns
from safecot_dsl.facts.cases.cells import CellError, read_cell
from safecot_dsl.facts.cases.columns import CaseColumns, match_columns
from safecot_dsl.facts.cases.faults import Faults
from safecot_dsl.facts.cases.file import TABLES, CaseRow, CaseTable, is_table, open_cases
from safecot_dsl.facts.cases.lines import case_lines
from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.tables.record import Broken

if TYPE_CHECKING:
    import polars as pl

_COLUMNAR = (".parquet", ".arrow", ".feather")
_RECORDS = 1 << 14  # that are Python objects at once
_IN_MEMORY = "the table"  # how messages name it


def decide_file(
    columnar: ColumnarPolicy,
    source: Path | str,
    target: Path | str,
    *,
    sheet: str | None = None,
    columns: Sequence[str] = COLUMNS,
    masks: bool = False,
    advance: Callable[[int], None] | None = None,
) -> int:
    """Decide a file of cases into a Parquet file; memory does not grow with the number of cases. How many there were.

    `source` is a Parquet, Arrow, CSV, TSV, XLSX, JSON or JSONL file. Its columns that hold no facts stand before the
    decision's in `target`, which appears whole or not at all; see
    :meth:`~safecot_dsl.engine.columnar.ColumnarPolicy.decide_tables` for the rest.

    Raises :class:`~safecot_dsl.facts.FactsError` for a file of another kind; where cells do not fit, for all of them.
    """
    tables = case_tables(columnar.layout, Path(source), sheet)
    return columnar.decide_tables(tables, target, columns=columns, masks=masks, advance=advance)


def count_cases(path: Path) -> int | None:
    """How many cases a file has, None where only reading it would tell."""
    if path.suffix.lower() != ".parquet":
        return None
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        return parquet.read_metadata(path).num_rows
    except pa.ArrowInvalid:
        return None


def case_tables(
    layout: Layout, path: Path, sheet: str | None = None, *, told: Callable[[CaseColumns], None] | None = None
) -> Iterator[pl.DataFrame]:
    """The cases of a file in tables of a few rows up to a block; `told` is given the file's columns. Once a fault is
    found no more tables come: the rest of the file is looked through, and the error at the end names all of them.

    Raises:
        FactsError: the file is not there, or has faults.
    """
    kind = path.suffix.lower()
    if not path.is_file():
        raise FactsError(f"{path}: {'this is a folder' if path.is_dir() else no_such_file(path)}")
    if kind in _COLUMNAR:
        faults = Faults(str(path), "row")
        tables = _columnar_tables(layout, path, faults, told)
    elif kind in (".jsonl", ".json") and not is_table(path):
        faults = Faults(str(path))
        tables = _case_tables(layout, case_lines(layout.policy, path), faults)
    elif kind in TABLES:
        opened = open_cases(layout.policy, path, sheet=sheet)
        faults = opened.faults()
        if opened.columns is not None and told is not None:
            told(opened.columns)
        if opened.columns is None:
            tables = _case_tables(layout, opened.rows(), faults)
        else:
            tables = _record_tables(opened, opened.columns, faults)
    else:
        raise FactsError(f"{path}: the file's name has to end in one of .jsonl, {', '.join(TABLES)}")
    for table in _gathered(tables):
        if not faults:
            yield table
    if faults:
        raise faults.error()


def _gathered(tables: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in tables of a block or a few less, but for the last: a file's own parts may be small."""
    import polars as pl

    waiting: list[pl.DataFrame] = []
    height = 0
    for table in tables:
        if waiting and height + table.height > BLOCK:
            yield pl.concat(waiting)
            waiting, height = [], 0
        waiting.append(table)
        height += table.height
    if waiting:
        yield pl.concat(waiting)


def _case_tables(layout: Layout, rows: Iterator[CaseRow], faults: Faults) -> Iterator[pl.DataFrame]:
    """Cases in their JSON form."""
    import polars as pl

    while some := list(islice(rows, min(_RECORDS, BLOCK))):
        for row in some:
            for fault in row.faults:
                faults.add(fault, row.place)
        table = frame_of(layout, [row.case if row.case is not None else Case({}) for row in some])
        ids = [row.id for row in some]
        yield table if not any(ids) else table.insert_column(0, pl.Series("id", ids, dtype=pl.String))


def _record_tables(opened: CaseTable, columns: CaseColumns, faults: Faults) -> Iterator[pl.DataFrame]:
    """Rows of cells. Columns that hold no facts are texts."""
    import polars as pl

    records = opened.records()
    while some := list(islice(records, min(_RECORDS, BLOCK))):
        for place, record in some:
            if isinstance(record, Broken):
                faults.add(record.detail, place)
        places = [place for place, _ in some]
        good: list[dict[str, Any]] = [{} if isinstance(record, Broken) else record for _, record in some]
        kept = [pl.Series(name, [_as_text(one.get(name)) for one in good], dtype=pl.String) for name in columns.others]
        found: list[pl.Series] = []
        for name, column in columns.facts.items():
            fact = opened.policy.fact_index[name]
            found += _read(fact, [one.get(column) for one in good], places, faults)
        yield pl.DataFrame([*kept, *found]) if kept or found else pl.DataFrame(height=len(some))


def _as_text(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else str(value)


def _read(fact: Fact, cells: list[Any], places: Sequence[int], faults: Faults) -> list[pl.Series]:
    """The columns of a fact from its cells; what is wrong is noted, and unknown here."""
    read: dict[Any, Any] = {}
    values: list[Any] = []
    for cell, place in zip(cells, places, strict=True):
        # 1, 1.0 and True are one key to Python.
        key = (type(cell), repr(cell) if isinstance(cell, dict | set | list | tuple) else cell)
        if key not in read:
            try:
                value = read_cell(fact, cell)
                read[key] = None if isinstance(value, Unknown) else value
            except CellError as error:
                read[key] = error
        value = read[key]
        if isinstance(value, CellError):
            faults.add(f"`{fact.name}`: {value}", place)
            value = None
        values.append(value)
    return columns_of(fact, values)


# -- Tables in memory, whose rows count from 0 as they do there -------------------------------------------------------


def frame_table(
    layout: Layout, frame: pl.DataFrame, *, told: Callable[[CaseColumns], None] | None = None
) -> pl.DataFrame:
    """The cases of a table in memory, whose columns are matched to facts as a file's are; `told` is given them.

    Raises :class:`~safecot_dsl.facts.cases.faults.CasesError` with all columns and cells that do not fit.
    """
    faults = Faults(_IN_MEMORY, "row")
    names = [name for name in frame.columns if name not in layout.cases or name in layout.facts]
    columns = _matched(layout, names, faults, told)
    table = _fitted(layout, frame, columns, faults, 0)
    if faults:
        raise faults.error()
    return table


def column_table(
    layout: Layout,
    cells: Mapping[str, Sequence[Any]],
    height: int,
    *,
    told: Callable[[CaseColumns], None] | None = None,
) -> pl.DataFrame:
    """As :func:`frame_table`, of `height` cells a column, each as a table's cell may be written; the facts alone.

    Raises:
        FactsError: cells or columns do not fit the policy's facts.
    """
    import polars as pl

    faults = Faults(_IN_MEMORY, "row")
    columns = _matched(layout, list(cells), faults, told)
    found: list[pl.Series] = []
    for name, column in columns.facts.items():
        found += _read(layout.policy.fact_index[name], list(cells[column]), range(height), faults)
    if faults:
        raise faults.error()
    return pl.DataFrame(found) if found else pl.DataFrame(height=height)


def _matched(
    layout: Layout, names: Sequence[str], faults: Faults, told: Callable[[CaseColumns], None] | None
) -> CaseColumns:
    columns = match_columns(layout.policy, names, bare=True)
    for fault in columns.faults:
        faults.add(fault, None)
    if told is not None:
        told(columns)
    return columns


# -- Parquet and Arrow ------------------------------------------------------------------------------------------------


def _columnar_tables(
    layout: Layout, path: Path, faults: Faults, told: Callable[[CaseColumns], None] | None
) -> Iterator[pl.DataFrame]:
    columns: CaseColumns | None = None
    done = 0
    for table in _parquet(path) if path.suffix.lower() == ".parquet" else _arrow(path):
        if columns is None:
            names = [name for name in table.columns if name not in layout.cases or name in layout.facts]
            columns = _matched(layout, names, faults, told if names else None)
        yield _fitted(layout, table, columns, faults, done + 1)
        done += table.height


def _fitted(layout: Layout, table: pl.DataFrame, columns: CaseColumns, faults: Faults, first: int) -> pl.DataFrame:
    """The table with its facts under their names and in types that the engine takes; `first` is its first row's place.
    What is wrong is noted, and unknown here."""
    table = table.rename(dict(columns.renamed))
    for name in columns.facts:
        fact = layout.policy.fact_index[name]
        if not _native(fact, table[name]):
            found = _read(fact, table[name].to_list(), range(first, first + table.height), faults)
            table = table.drop(name).with_columns(found)
    return table


def _native(fact: Fact, series: pl.Series) -> bool:
    """Whether the engine takes a column as it is: its type is one that it takes, and all of its values fit."""
    import polars as pl

    kind = series.dtype
    if kind == pl.Null:
        return True
    match fact.type:
        case FlagType():
            return kind == pl.Boolean
        case TextType():
            return kind == pl.String
        case NumberType(low=low, high=high):
            if not kind.is_numeric():
                return False
            least, largest = series.min(), series.max()
            if kind.is_float() and series.is_nan().any():
                return False
            return bool(least is None or (low <= least and largest <= high))  # pyright: ignore[reportOperatorIssue]
        case OneOfType():
            (domain,) = fact_columns(fact).values()
            return kind == domain or (kind == pl.String and _within(series, domain))
        case SetType(values=values):
            if isinstance(kind, pl.List):
                members = series.explode().drop_nulls()
                names = pl.Enum([value.name for value in values])
                return members.dtype == pl.Null or (members.dtype == pl.String and _within(members, names))
            return kind.is_integer()


def _within(series: pl.Series, domain: pl.DataType) -> bool:
    return series.cast(domain, strict=False).null_count() == series.null_count()


def _parquet(path: Path) -> Iterator[pl.DataFrame]:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(BLOCK):
                yield _table(batch)
            if not file.metadata.num_rows:
                yield _table(schema=file.schema_arrow)
    except pa.ArrowInvalid as error:
        raise FactsError(f"{path} is not a Parquet file: {error}") from None


def _arrow(path: Path) -> Iterator[pl.DataFrame]:
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as mapped, pa.ipc.open_file(mapped) as file:
            if not file.num_record_batches:
                yield _table(schema=file.schema)
            for number in range(file.num_record_batches):
                table = _table(file.get_batch(number))
                yield from (table.slice(start, BLOCK) for start in range(0, table.height, BLOCK))
    except pa.ArrowInvalid as error:
        raise FactsError(f"{path} is not an Arrow file: {error}") from None


def _table(batch: Any = None, *, schema: Any = None) -> pl.DataFrame:
    """A part of a file as a table, an empty one without."""
    import polars as pl
    import pyarrow as pa

    table = pl.from_arrow(schema.empty_table() if batch is None else pa.Table.from_batches([batch]))
    assert isinstance(table, pl.DataFrame)
    # Other parts of the file may have other categories.
    return table.with_columns(pl.col(pl.Categorical).cast(pl.String))
