"""One cell of a table as the value of a fact, the way people write tables.

| fact        | what a cell may hold                                                                          |
|-------------|-----------------------------------------------------------------------------------------------|
| any         | nothing (nobody looked), `unknown` (somebody looked and could not tell; a text is a text)      |
| `flag`      | yes, no, true, false, 1, 0, in any case                                                       |
| `one of`    | the value's name, in any case; spaces and hyphens stand for `_`                               |
| `set of`    | names with `;` between them, or a list of them; `{}` for none                                 |
| number      | a number, or a text that is one                                                               |
| text        | any text; a number as it is written                                                           |

A name that is none of the fact's is refused with the nearest one.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from typing import Any

from safecot_dsl.artifact import (
    UNKNOWN,
    CaseError,
    Fact,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    TextType,
    Unknown,
    Value,
)
from safecot_dsl.artifact.case import FLAG_WORDS, read_value
from safecot_dsl.diagnostics import closest

_BETWEEN_WORDS = re.compile(r"[\s\-]+")
#: What people write between several values.
_SEVERAL = re.compile(r"[;,|/+]")
_LONGEST = 80  # characters of a cell that a message shows
_LISTED = 12  # values that a message lists


class CellError(ValueError):
    """What stands in a cell is no value of its fact; the message says what is, and what was probably meant."""


def read_cell(fact: Fact, raw: Any) -> Value | Unknown | None:
    """The value of a fact that a cell says; None where the cell is empty: nobody looked.

    `raw` is a text, number, Boolean, list or None, or a case's JSON form (`{"unknown": true}`). Raises
    :class:`CellError` for anything that the fact cannot be.
    """
    if isinstance(raw, Mapping):
        # `== True` would let 1 and 1.0 pass.
        if len(raw) == 1 and raw.get("unknown") is True:
            return UNKNOWN
        raise CellError('an object has to be {"unknown": true}')
    if raw is None or _is_nan(raw):
        return None
    if isinstance(fact.type, TextType):
        return _text(fact, raw)
    if isinstance(raw, str):
        raw = raw.strip()
        if not raw:
            return None
        if raw.lower() == "unknown":
            return UNKNOWN
    match fact.type:
        case FlagType():
            return _flag(raw)
        case NumberType():
            return _number(fact, raw)
        case OneOfType():
            return _value(fact, _named(fact, raw))
        case SetType():
            return _value(fact, [_named(fact, member) for member in _members(raw)])


def _is_nan(raw: Any) -> bool:
    """Whether it is what pandas writes for an absent value."""
    return isinstance(raw, float) and math.isnan(raw)


def _flag(raw: Any) -> bool:
    key = str(int(raw)) if isinstance(raw, float) and raw in (0.0, 1.0) else str(raw).lower()
    if key in FLAG_WORDS and not isinstance(raw, list):
        return FLAG_WORDS[key]
    raise CellError(f"{shown(raw)} is not yes or no (nor true, false, 1 or 0)")


def _number(fact: Fact, raw: Any) -> Value:
    assert isinstance(fact.type, NumberType)
    number: Any = raw
    if isinstance(raw, str):
        number = _parsed(raw)
        if number is None:
            comma = raw.count(",") == 1 and "." not in raw and _parsed(raw.replace(",", ".")) is not None
            point = f"; write {raw.replace(',', '.')}" if comma else ""
            raise CellError(f"{shown(raw)} is not a number{point}")
    try:
        return read_value(fact, number)
    except CaseError:
        raise CellError(f"{shown(raw)} is not a number from {fact.type.low:g} to {fact.type.high:g}") from None


def _parsed(text: str) -> float | None:
    """The number that a text is; Python's own `1_000` is none."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _text(fact: Fact, raw: Any) -> Value | None:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise CellError(f"{shown(raw)} is not a text")
    # A sheet makes a number of what looks like one.
    return _value(fact, str(int(raw)) if isinstance(raw, float) and raw.is_integer() else str(raw))


def _members(raw: Any) -> list[Any]:
    if isinstance(raw, list | tuple | set | frozenset):
        return list(raw)
    if not isinstance(raw, str):
        return [raw]
    if raw.replace(" ", "") == "{}":
        return []
    return [member for part in raw.strip("{}").split(";") if (member := part.strip())]


def _named(fact: Fact, raw: Any) -> str:
    """The value's name that a word stands for. Whether it is one of the fact's own is :func:`_value`'s to say."""
    assert isinstance(fact.type, OneOfType | SetType)
    if not isinstance(raw, str):
        raise CellError(f"{shown(raw)} is no name of a value{_values(fact)}")
    names = [value.name for value in fact.type.values]
    if raw in names:
        return raw
    word = _BETWEEN_WORDS.sub("_", raw.strip().lower())
    if word in names:
        return word
    # Advised before a likeness is: "opioid" for "prescription;opioid" would drop half of what was seen.
    several = [_BETWEEN_WORDS.sub("_", part.strip().lower()) for part in _SEVERAL.split(raw)]
    if len(several) > 1 and all(part in names for part in several):
        if isinstance(fact.type, SetType):
            raise CellError(f"{shown(raw)} is no value of the fact; write `;` between the members of a set")
        raise CellError(f"{shown(raw)} are {len(several)} values, and the fact has one")
    meant = next((value.name for value in fact.type.values if value.phrase.lower() == raw.strip().lower()), None)
    meant = meant or closest(word, names)
    if meant is None and isinstance(fact.type, SetType) and "," in raw:
        raise CellError(f"{shown(raw)} is no value of the fact; write `;` between the members of a set")
    raise CellError(
        f"{shown(raw)} is no value of the fact" + (f"; did you mean `{meant}`?" if meant else _values(fact))
    )


def _value(fact: Fact, raw: Any) -> Value:
    try:
        return read_value(fact, raw)
    except CaseError as error:
        raise CellError(str(error).removeprefix(f"`{fact.name}`: ")) from None


def _values(fact: Fact) -> str:
    assert isinstance(fact.type, OneOfType | SetType)
    names = [value.name for value in fact.type.values]
    return f": one of {', '.join(names[:_LISTED])}{', …' * (len(names) > _LISTED)}"


def shown(raw: Any) -> str:
    """What stands in a cell, as a message shows it."""
    if isinstance(raw, datetime.datetime | datetime.date | datetime.time):
        return f"the date or time {raw.isoformat()}"
    try:
        text = raw if isinstance(raw, str) else repr(raw)
    except ValueError:  # an int of more digits than Python converts (4300)
        return "a number of thousands of digits"
    return f"`{text if len(text) <= _LONGEST else text[: _LONGEST - 3] + '...'}`"
