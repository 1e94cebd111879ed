"""A table as it comes, to the columns of a policy's facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import Fact, FlagType, NumberType, OneOfType, SetType, TextType
from safecot_dsl.diagnostics import closest
from safecot_dsl.engine.columnar.errors import FrameError
from safecot_dsl.engine.columnar.inputs import values_of
from safecot_dsl.engine.columnar.schema import WORD, Layout, fact_columns, set_columns

if TYPE_CHECKING:
    import polars as pl

_SUBJECTS = ("image.", "query.", "context.")


class _RowError(Exception):
    """A value that a fact cannot have, in that row of the table."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row


def check_names(layout: Layout, names: Iterable[str]) -> None:
    """Raises :class:`FrameError` for a column that is named as a fact is, and is none of the policy's."""
    known = {*layout.cases, *layout.facts}
    for name in names:
        if name.startswith(_SUBJECTS) and name not in known:
            hint = closest(name, layout.facts)
            also = f"; did you mean `{hint}`?" if hint else ""
            raise FrameError(f"the column `{name}` is no fact of the policy{also}; rename or drop it")


def prepare(layout: Layout, table: pl.DataFrame, first: int = 0) -> pl.DataFrame:
    """The table's facts in the columns of `layout.cases`, `cannot_tell` apart, which decisions do not depend on.

    A column that is missing has no value in any case. Names of values stand for `one of` facts, and lists of them for
    sets; whole numbers stand for numbers. Raises :class:`FrameError` for a column of another type, or a value that the
    fact cannot have, with its row: `first` is the number of the table's first.
    """
    import polars as pl

    columns: list[pl.Series] = []
    for fact in layout.policy.facts:
        try:
            columns += _prepared(fact, table)
        except _RowError as error:
            raise FrameError(f"`{fact.name}`, row {first + error.row}: {error}") from None
    return pl.DataFrame(columns)


def _prepared(fact: Fact, table: pl.DataFrame) -> list[pl.Series]:
    import polars as pl

    types = fact_columns(fact)
    given = [name for name in types if name in table.columns]
    if not given and fact.name in table.columns:
        return _masks(fact, table[fact.name])  # a wide set as lists
    if not given:
        return [pl.Series(name, [None], dtype=type_).new_from_index(0, table.height) for name, type_ in types.items()]
    if missing := [name for name in types if name not in given]:
        raise FrameError(f"`{fact.name}`: the column `{missing[0]}` is missing, and `{given[0]}` is there")
    found = [table[name] for name in types]
    match fact.type:
        case OneOfType():
            return [_one_of(fact, found[0], types[fact.name])]
        case NumberType(low=low, high=high):
            if not found[0].dtype.is_numeric() and found[0].dtype != pl.Null:
                raise _type_error(fact, found[0], "numbers")
            numbers = found[0].cast(pl.Float64)
            _check_range(fact, numbers, low, high)
            return [numbers]
        case SetType():
            if isinstance(found[0].dtype, pl.List | pl.Array):
                return _masks(fact, found[0])
            return [_mask_word(fact, word, series, types[series.name]) for word, series in enumerate(found)]
        case FlagType():
            if not isinstance(found[0].dtype, pl.Boolean | pl.Null):
                raise _type_error(fact, found[0], "true and false")
        case TextType():
            if not isinstance(found[0].dtype, pl.String | pl.Null | pl.Categorical | pl.Enum):
                raise _type_error(fact, found[0], "texts")
    return [found[0].cast(types[fact.name])]


def _check_range(fact: Fact, numbers: pl.Series, low: float, high: float) -> None:
    import numpy as np

    values = values_of(numbers)
    # A NaN is in no range; what stands in the place of a null is not asked.
    with np.errstate(invalid="ignore"):
        if len(values) and not (values.min() >= low and values.max() <= high):
            wrong = ~((values >= low) & (values <= high)) & ~numbers.is_null().to_numpy()
            if wrong.any():
                row = int(wrong.argmax())
                raise _RowError(row, f"{values[row]} is not a number from {low:g} to {high:g}")


def _type_error(fact: Fact, series: pl.Series, wanted: str) -> FrameError:
    return FrameError(f"`{fact.name}`: a column of {wanted} is needed, and this is of type {series.dtype}")


def _one_of(fact: Fact, series: pl.Series, type_: pl.DataType) -> pl.Series:
    import polars as pl

    if series.dtype == type_:
        return series
    if not isinstance(series.dtype, pl.String | pl.Null | pl.Categorical | pl.Enum):
        raise _type_error(fact, series, "names")
    names = series.cast(pl.String)
    values = names.cast(type_, strict=False)
    if values.null_count() != names.null_count():
        row = int((values.is_null() & names.is_not_null()).arg_max() or 0)
        raise _no_value(fact, names[row], row)
    return values


def _no_value(fact: Fact, name: Any, row: Any) -> _RowError:
    assert isinstance(fact.type, OneOfType | SetType)
    domain = [value.name for value in fact.type.values]
    hint = closest(str(name), domain)
    shown = str(name) if len(str(name)) <= 80 else f"{str(name)[:77]}..."
    also = f"; did you mean `{hint}`?" if hint else f": one of {', '.join(domain[:12])}{', …' * (len(domain) > 12)}"
    return _RowError(row, f"`{shown}` is no value of the fact{also}")


def _mask_word(fact: Fact, word: int, series: pl.Series, type_: pl.DataType) -> pl.Series:
    import polars as pl

    assert isinstance(fact.type, SetType)
    if not series.dtype.is_integer() and series.dtype != pl.Null:
        raise _type_error(fact, series, "bit masks, or lists of names,")
    bits = min(WORD, len(fact.type.values) - WORD * word)
    largest, least = series.max(), series.min()
    if (largest is not None and largest >> bits) or (least is not None and least < 0):  # pyright: ignore
        row = ((series < 0) | (series > (1 << bits) - 1)).arg_max()
        raise _RowError(int(row or 0), f"the mask has bits beyond the fact's {len(fact.type.values)} values")
    return series.cast(type_)


def _masks(fact: Fact, lists: pl.Series) -> list[pl.Series]:
    """Lists of names as masks."""
    import numpy as np
    import polars as pl

    assert isinstance(fact.type, SetType)
    if not isinstance(lists.dtype, pl.List | pl.Array):
        raise _type_error(fact, lists, "lists of names")
    if isinstance(lists.dtype, pl.Array):
        lists = lists.arr.to_list()
    lengths = lists.list.len().fill_null(0).to_numpy()
    rows = np.repeat(np.arange(len(lists)), lengths)
    members = lists.filter(pl.Series(lengths > 0)).explode().cast(pl.String)
    places = members.cast(pl.Enum([value.name for value in fact.type.values]), strict=False).to_physical()
    if places.null_count():
        place = places.is_null().arg_max()
        assert place is not None
        raise _no_value(fact, members[place], rows[place])
    bits = places.to_numpy().astype(np.uint64)
    known = pl.Series(lists.is_not_null())
    words: list[pl.Series] = []
    for word, (name, type_) in enumerate(fact_columns(fact).items()):
        mask = np.zeros(len(lists), dtype=np.uint64)
        here = bits // WORD == word
        np.bitwise_or.at(mask, rows[here], np.uint64(1) << (bits[here] % WORD))
        values = pl.Series(name, mask).cast(type_)
        words.append(values if known.all() else values.zip_with(known, pl.Series(name, [None], dtype=type_)))
    return words


def columns_read(layout: Layout, names: Iterable[str]) -> list[str]:
    """Which of a table's columns hold facts."""
    wide = {column for fact in layout.policy.facts if isinstance(fact.type, SetType) for column in set_columns(fact)}
    return [name for name in names if name in layout.cases or name in layout.facts or name in wide]
