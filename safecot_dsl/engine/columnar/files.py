"""Files of cases, read a part at a time, and the Parquet file of decisions.

- Parquet and Arrow files have a column for each fact, as :mod:`safecot_dsl.engine.columnar.schema` describes them or
  in a readable form: names for `one of` facts, lists of names for sets.
- CSV files have the same columns in text: `true` or `false`, names, numbers, texts; of a set the members with `;`
  between them, `{}` where it is empty. An empty cell is a fact that is not known.
- JSONL files have a case a line, as :func:`safecot_dsl.artifact.read_case` takes it; `id` becomes a column.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import CaseError, Fact, FlagType, NumberType, SetType, read_case
from safecot_dsl.engine.columnar.cases import frame_of
from safecot_dsl.engine.columnar.errors import FrameError
from safecot_dsl.engine.columnar.schema import Layout

if TYPE_CHECKING:
    import polars as pl

_LINES = 1 << 14  # of JSONL, whose cases are Python objects for a while


def read_tables(layout: Layout, path: Path, rows: int) -> Iterator[pl.DataFrame]:
    """The cases of a file in tables of at most `rows` rows. Raises :class:`FrameError` for a file that is no such."""
    readers = {
        ".parquet": _parquet,
        ".arrow": _arrow,
        ".feather": _arrow,
        ".csv": _csv,
        ".jsonl": _jsonl,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise FrameError(f"{path}: the file's name has to end in one of {', '.join(readers)}")
    return _gathered(reader(layout, path, rows), rows)


def _gathered(tables: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same rows in tables of `rows` rows or a few less, but for the last: a file's own parts may be small."""
    import polars as pl

    waiting: list[pl.DataFrame] = []
    height = 0
    for table in tables:
        if waiting and height + table.height > rows:
            yield pl.concat(waiting)
            waiting, height = [], 0
        waiting.append(table)
        height += table.height
    if waiting:
        yield pl.concat(waiting)


def count_cases(path: Path) -> int | None:
    """How many cases a file has, None where only reading it would tell."""
    if path.suffix.lower() != ".parquet":
        return None
    import pyarrow as pa
    import pyarrow.parquet as parquet

    with contextlib.suppress(pa.ArrowInvalid):
        return parquet.read_metadata(path).num_rows
    return None


def _parquet(layout: Layout, path: Path, rows: int) -> Iterator[pl.DataFrame]:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    del layout
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(rows):
                yield _table(batch)
            if not file.metadata.num_rows:
                yield _table(schema=file.schema_arrow)
    except pa.ArrowInvalid as error:
        raise FrameError(f"{path} is no Parquet file: {error}") from None


def _arrow(layout: Layout, path: Path, rows: int) -> Iterator[pl.DataFrame]:
    import pyarrow as pa

    del layout
    try:
        with pa.memory_map(str(path)) as mapped, pa.ipc.open_file(mapped) as file:
            if not file.num_record_batches:
                yield _table(schema=file.schema)
            for number in range(file.num_record_batches):
                table = _table(file.get_batch(number))
                yield from (table.slice(start, rows) for start in range(0, table.height, rows))
    except pa.ArrowInvalid as error:
        raise FrameError(f"{path} is no Arrow file: {error}") from None


def _table(batch: Any = None, *, schema: Any = None) -> pl.DataFrame:
    """A part of a file as a table, an empty one without."""
    import polars as pl
    import pyarrow as pa

    table = pl.from_arrow(schema.empty_table() if batch is None else pa.Table.from_batches([batch]))
    assert isinstance(table, pl.DataFrame)
    # Other parts of the file may have other categories.
    return table.with_columns(pl.col(pl.Categorical).cast(pl.String))


def _csv(layout: Layout, path: Path, rows: int) -> Iterator[pl.DataFrame]:
    import pyarrow as pa
    from pyarrow import csv

    strings = dict.fromkeys(layout.facts, pa.string())
    convert = csv.ConvertOptions(column_types=strings, strings_can_be_null=True, null_values=[""])
    del rows  # a block of bytes is read at a time
    done = 0
    try:
        with csv.open_csv(path, convert_options=convert) as reader:
            for batch in reader:
                table = _table(batch)
                for fact in layout.policy.facts:
                    if fact.name in table.columns:
                        table = table.with_columns(_from_text(fact, table[fact.name], done))
                yield table
                done += table.height
    except pa.ArrowInvalid as error:
        raise FrameError(f"{path} cannot be read as CSV: {error}") from None


def _from_text(fact: Fact, texts: pl.Series, first: int) -> pl.Series:
    """A column of CSV in the readable form of its fact."""
    import polars as pl

    match fact.type:
        case FlagType():
            truths = {"true": True, "false": False}
            values = texts.replace_strict(truths, default=None, return_dtype=pl.Boolean)
            wanted = "true or false"
        case NumberType():
            values = texts.cast(pl.Float64, strict=False)
            wanted = "a number"
        case SetType():
            empty = pl.lit([], pl.List(pl.String))
            members = pl.when(texts == "{}").then(empty).otherwise(texts.str.split(";"))
            return pl.select(members.alias(fact.name)).to_series()
        case _:
            return texts
    if values.null_count() != texts.null_count():
        row = int((values.is_null() & texts.is_not_null()).arg_max() or 0)
        raise FrameError(f"`{fact.name}`, row {first + row}: {texts[row]!r} is not {wanted}")
    return values


def _jsonl(layout: Layout, path: Path, rows: int) -> Iterator[pl.DataFrame]:
    import polars as pl

    with path.open("rb") as lines:
        numbered = enumerate(lines, start=1)
        while some := list(islice(numbered, min(rows, _LINES))):
            cases: list[Any] = []
            ids: list[str | None] = []
            for number, line in some:
                if not line.strip():
                    continue
                try:
                    data = json.loads(line.decode("utf-8"))
                    cases.append(read_case(layout.policy, data))
                except (ValueError, RecursionError) as error:
                    what = "" if isinstance(error, CaseError) else "not JSON: "
                    raise FrameError(f"{path}, line {number}: {what}{error}") from None
                ids.append(None if data.get("id") is None else str(data["id"]))
            table = frame_of(layout, cases)
            yield table if not any(ids) else table.insert_column(0, pl.Series("id", ids, dtype=pl.String))


class ParquetTarget:
    """A Parquet file of tables of equal columns, that is there once all are written, and not before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def __enter__(self) -> ParquetTarget:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._partial = tempfile.NamedTemporaryFile(
            dir=self._path.parent, prefix=f".{self._path.name}.partial-", delete=False
        )
        return self

    @property
    def begun(self) -> bool:
        """Whether any table was written."""
        return self._writer is not None

    def write(self, table: pl.DataFrame) -> None:
        import pyarrow.parquet as parquet

        rows = table.to_arrow()
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._partial, rows.schema, compression="zstd")
        self._writer.write_table(rows.cast(self._writer.schema))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        partial = Path(self._partial.name)
        try:
            if self._writer is not None:
                self._writer.close()
            self._partial.close()
            if error is None:
                partial.chmod(0o644)
                partial.replace(self._path)
        finally:
            partial.unlink(missing_ok=True)
