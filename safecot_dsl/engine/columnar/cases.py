"""Cases to columns, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import Case, Fact, FlagType, NumberType, OneOfType, SetType, TextType, Value
from safecot_dsl.engine.columnar.errors import FrameError
from safecot_dsl.engine.columnar.schema import WORD, Layout, fact_columns, set_columns

if TYPE_CHECKING:
    import polars as pl

_SURROGATE = re.compile("[\ud800-\udfff]")
_LOW = (1 << WORD) - 1


def frame_of(layout: Layout, cases: Iterable[Case]) -> pl.DataFrame:
    """The cases as columns, in order.

    A lone surrogate in a text, which has no UTF-8 form, becomes U+FFFD. Raises :class:`FrameError` for a value that a
    fact cannot have; a case from :func:`safecot_dsl.artifact.read_case` has none.
    """
    import polars as pl

    rows = cases if isinstance(cases, Sequence) else list(cases)
    columns: list[pl.Series] = []
    for fact in layout.policy.facts:
        columns += columns_of(fact, [case.known.get(fact.name) for case in rows])
    place = {name: number for number, name in enumerate(layout.facts)}
    masks: dict[frozenset[str], int] = {}
    for case in rows:
        if case.cannot_tell not in masks:
            masks[case.cannot_tell] = _mask(case.cannot_tell, place, "the case cannot tell")
    cannot_tell = [masks[case.cannot_tell] for case in rows]
    columns += _words(layout.cannot_tell, cannot_tell, pl.UInt64())
    return pl.DataFrame(columns)


def columns_of(fact: Fact, values: list[Any]) -> list[pl.Series]:
    """The columns of a fact, from its values by case; None is not known. Raises :class:`FrameError` for a value that
    the fact cannot have."""
    import polars as pl

    types = fact_columns(fact)
    match fact.type:
        case SetType(values=domain):
            place = {value.name: number for number, value in enumerate(domain)}
            masks: dict[Any, int | None] = {None: None}
            for value in values:
                if value not in masks:
                    masks[value] = _mask(value, place, f"`{fact.name}`")
            return _words(tuple(types), [masks[value] for value in values], next(iter(types.values())))
        case TextType():
            values = [text if text is None or text.isascii() else _SURROGATE.sub("\ufffd", text) for text in values]
        case NumberType():
            values = [None if number is None else float(number) for number in values]
        case FlagType() | OneOfType():
            pass
    (type_,) = types.values()
    try:
        return [pl.Series(fact.name, values, dtype=type_, strict=True)]
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise FrameError(f"`{fact.name}`: {str(error).splitlines()[0]}") from None


def _mask(members: Iterable[str], place: dict[str, int], where: str) -> int:
    mask = 0
    for member in members:
        if member not in place:
            raise FrameError(f"{where}: no `{member}` is declared")
        mask |= 1 << place[member]
    return mask


def _words(names: Sequence[str], masks: Sequence[int | None], type_: pl.DataType) -> list[pl.Series]:
    import polars as pl

    return [
        pl.Series(name, [None if mask is None else mask >> WORD * word & _LOW for mask in masks], dtype=type_)
        for word, name in enumerate(names)
    ]


def cases_of(layout: Layout, frame: pl.DataFrame) -> list[Case]:
    """The cases that the columns hold: the inverse of :func:`frame_of`. `frame` has the layout's types."""
    known: list[dict[str, Value]] = [{} for _ in range(frame.height)]
    for fact in layout.policy.facts:
        for facts, value in zip(known, _values(fact, frame), strict=True):
            if value is not None:
                facts[fact.name] = value
    unknown = MaskReader(layout.facts)
    cannot_tell = [unknown(mask) for mask in read_words(frame, layout.cannot_tell)]
    return [Case(facts, frozenset(looked)) for facts, looked in zip(known, cannot_tell, strict=True)]


def _values(fact: Fact, frame: pl.DataFrame) -> Iterable[Value | None]:
    if not isinstance(fact.type, SetType):
        return frame[fact.name].to_list()
    members = MaskReader([value.name for value in fact.type.values])
    sets: dict[int | None, frozenset[str] | None] = {None: None}
    masks = list(read_words(frame, set_columns(fact)))
    for mask in masks:
        if mask not in sets and mask is not None:
            sets[mask] = frozenset(members(mask))
    return [sets[mask] for mask in masks]


def read_words(frame: pl.DataFrame, names: Sequence[str]) -> Iterable[Any]:
    """The masks whose words are these columns, as integers; None where a word is null."""
    if len(names) == 1:
        return frame[names[0]].to_list()
    words = zip(*(frame[name].to_list() for name in names), strict=True)
    return [None if None in row else sum(word << WORD * place for place, word in enumerate(row)) for row in words]


class MaskReader:
    """Masks to the names of their bits, sorted by code point; what was read is kept."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._read: dict[int, tuple[str, ...]] = {}

    def __call__(self, mask: int) -> tuple[str, ...]:
        found = self._read.get(mask)
        if found is None:
            places = [place for place in range(mask.bit_length()) if mask >> place & 1]
            found = self._read[mask] = tuple(sorted(self._names[place] for place in places))
        return found


def has_surrogate(text: object) -> bool:
    return isinstance(text, str) and not text.isascii() and _SURROGATE.search(text) is not None


def with_names(decided: pl.DataFrame, name: str, words: list[str], read: MaskReader) -> pl.DataFrame:
    """One mask as lists of names, each distinct mask read once."""
    import polars as pl

    distinct = decided.select(words).unique()
    lists = [list(read(mask)) for mask in read_words(distinct, words)]
    named = distinct.with_columns(pl.Series(name, lists, dtype=pl.List(pl.String)))
    joined = decided.select(words).join(named, on=words, how="left", maintain_order="left")
    return decided.with_columns(joined[name].alias(words[0])).rename({words[0]: name}).drop(words[1:])
