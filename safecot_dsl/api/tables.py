"""What a policy says of a table of cases."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from safecot_dsl.api.arguments import a_policy, kind
from safecot_dsl.artifact import Case, CaseError, case_of
from safecot_dsl.errors import MissingExtraError, UsageError
from safecot_dsl.facts.cases.faults import Faults
from safecot_dsl.workspace import Policy

if TYPE_CHECKING:
    import polars as pl

    from safecot_dsl.facts.cases.columns import CaseColumns

_IN_MEMORY = "the table"


@overload
def decide_table(policy: Policy, table: pl.DataFrame, *, columns: Sequence[str] | None = None) -> pl.DataFrame: ...
@overload
def decide_table(
    policy: Policy, table: Mapping[str, Sequence[Any]], *, columns: Sequence[str] | None = None
) -> dict[str, list[Any]]: ...
@overload
def decide_table(
    policy: Policy, table: Sequence[Mapping[str, Any] | Case], *, columns: Sequence[str] | None = None
) -> list[dict[str, Any]]: ...
@overload
def decide_table(
    policy: Policy, table: str | PathLike[str], *, columns: Sequence[str] | None = None
) -> pl.DataFrame: ...
@overload
def decide_table(policy: Policy, table: Any, *, columns: Sequence[str] | None = None) -> Any: ...
def decide_table(policy: Policy, table: Any, *, columns: Sequence[str] | None = None) -> Any:
    """What a policy says of each case of a table, millions a second. Needs the extra `data`.

    A column is a fact's by its name, `image.objects`, in any case and with other signs between the words (`Image
    Objects`), or by the last part of it, `objects`, if that is one fact's only. A cell is written as in a table that
    `safecotc decide` reads: a set as a list of names, or as one text with `;` between them; nothing for what is not
    known. Columns that are no fact's are passed over.

    Args:
        policy: what `load` gave.
        table: a dict of lists, a Polars, pandas or pyarrow table, or rows: mappings from columns to cells, cases as for
            `decide`, or `Case`s. A path is a file of cases: CSV, TSV, XLSX, Parquet, Arrow, JSON or JSONL.
        columns: the parts of the decisions that are wanted, such as `["verdict", "deciding"]`; all without it:
            `verdict`, `lower`, `upper`, `certain`, `speaker`, `deciding`, `effective`, `undecided`, `unsettled`,
            `assumed`.

    Returns:
        The decisions in the order of the cases, as the same kind of table, a dict of lists for a dict of lists, rows
        for rows, a pandas table with the same index for one of pandas; of a file, a Polars table. The last five columns
        are lists of names.

    Raises:
        FactsError: columns or cells do not fit the policy's facts; a line of the message for each fault, with the rows
            where it stands. Rows of a table in memory count from 0, lines and rows of a file from 1.
        FrameError: a decision has no such column.
        MissingExtraError: Polars is not installed.
        UsageError: an argument is none that this takes.
    """
    policy = a_policy("decide_table", policy)
    try:
        import polars as pl

        columnar = policy.columnar
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"`decide_table` needs `{error.name}`, which is not installed: pip install 'safecot-dsl[data]'"
        ) from None
    from safecot_dsl.engine.columnar import COLUMNS
    from safecot_dsl.facts.cases.frames import case_tables, column_table, frame_table

    if isinstance(columns, str):
        raise UsageError(f"`columns` is a list of names: [{columns!r}]")
    wanted = list(COLUMNS if columns is None else columns)

    def decided(cases: pl.DataFrame) -> pl.DataFrame:
        return columnar.readable(columnar.decide(cases, columns=wanted))

    def told(found: CaseColumns) -> None:
        if found.others and not found.facts and not found.faults:
            # Of `told`, of what matches columns, of what makes the table, of this function, and of who called it.
            warnings.warn("no column is a fact of the policy: nothing is known of any case", stacklevel=5)

    if isinstance(table, str | PathLike):
        parts = [decided(part) for part in case_tables(columnar.layout, Path(table), told=told)]
        return pl.concat(parts) if parts else decided(columnar.frame([]))
    if isinstance(table, pl.DataFrame):
        return decided(frame_table(columnar.layout, table, told=told))
    if type(table).__module__.partition(".")[0] == "pyarrow" and hasattr(table, "column_names"):
        _assert_once(table.column_names)
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        return decided(frame_table(columnar.layout, frame, told=told)).to_arrow()
    if hasattr(table, "iloc") and hasattr(table, "columns"):  # pandas, and what is derived from it
        _assert_once(table.columns)
        cells = {str(name): _cells(table[name]) for name in table.columns}
        found = decided(column_table(columnar.layout, cells, len(table), told=told)).to_pandas()
        return found.set_index(table.index)
    if isinstance(table, Mapping):
        cells = _columns(table)
        height = len(next(iter(cells.values()))) if cells else 0
        return decided(column_table(columnar.layout, cells, height, told=told)).to_dict(as_series=False)
    if isinstance(table, Sequence) and not isinstance(table, bytes):
        if any(isinstance(row, Case) or (isinstance(row, Mapping) and "facts" in row) for row in table):
            return decided(_cases(policy, table)).to_dicts()
        cells = _rows(table)
        return decided(column_table(columnar.layout, cells, len(table), told=told)).to_dicts()
    raise UsageError(
        "a table is a dict of lists, rows, a Polars, pandas or pyarrow table, or a file's path, and this is "
        + kind(table)
    )


def _assert_once(names: Any) -> None:
    """Raise :class:`UsageError` for a name that two columns have."""
    seen: set[str] = set()
    for name in map(str, names):
        if name in seen:
            raise UsageError(f"two columns of the table are called `{name}`")
        seen.add(name)


def _cells(column: Any) -> list[Any]:
    """The cells of a column of pandas: None for what is missing, lists for arrays."""
    return [
        None if missing is True else cell.tolist() if hasattr(cell, "tolist") else cell
        for cell, missing in zip(column.tolist(), column.isna().tolist(), strict=True)
    ]


def _columns(table: Mapping[Any, Any]) -> dict[str, Sequence[Any]]:
    """The columns of a dict of lists, all of one length."""
    cells: dict[str, Sequence[Any]] = {}
    for name, column in table.items():
        column = column.tolist() if hasattr(column, "tolist") else column
        if isinstance(column, str | bytes) or not isinstance(column, Sequence):
            raise UsageError(f"the column `{name}` of a table is a list of cells, and this is {kind(column)}")
        cells[str(name)] = column
    lengths = {name: len(column) for name, column in cells.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"`{name}` has {length}" for name, length in list(lengths.items())[:8])
        raise UsageError(f"the columns of a table are of one length: {shown}")
    return cells


def _rows(rows: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """The columns of rows; a row that lacks one has no value there."""
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise UsageError(f"a row of a table is a mapping, and row {number} is {kind(row)}")
    names = dict.fromkeys(name for row in rows for name in row)
    return {str(name): [row.get(name) for row in rows] for name in names}


def _cases(policy: Policy, rows: Sequence[Any]) -> pl.DataFrame:
    """The cases that `decide` would take, as a table."""
    faults = Faults(_IN_MEMORY, "row")
    found: list[Case] = []
    for number, row in enumerate(rows):
        try:
            found.append(case_of(policy.compiled, row))
        except CaseError as error:
            for fault in error.faults:
                faults.add(fault, number)
    if faults:
        raise faults.error()
    return policy.columnar.frame(found)
