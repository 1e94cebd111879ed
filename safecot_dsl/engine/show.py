"""Conditions and cases in the language's own syntax."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Between,
    Case,
    Compare,
    Condition,
    Contains,
    Empty,
    FlagIs,
    Has,
    Is,
    Matches,
    Not,
    Or,
    Proposed,
    Within,
)

# How tightly a form binds: a part that binds more loosely than its place needs brackets.
_OR, _AND, _NOT, _ATOM = range(4)


def show_condition(condition: Condition) -> str:
    """The condition as an author would write it."""
    return _show(condition, _OR)


def _show(condition: Condition, place: int) -> str:
    match condition:
        case Or(items=items):
            text, binds = " or ".join(_show(item, _AND) for item in items), _OR
        case And(items=items):
            text, binds = " and ".join(_show(item, _NOT) for item in items), _AND
        case Not(item=item):
            negative = _negative(item)
            text, binds = (negative, _ATOM) if negative else (f"not {_show(item, _NOT)}", _NOT)
        case AtLeast(count=count, items=items):
            text, binds = f"at least {count} of ({', '.join(_show(item, _OR) for item in items)})", _ATOM
        case _:
            text, binds = _atom(condition), _ATOM
    return f"({text})" if binds < place else text


def _negative(item: Condition) -> str | None:
    """The negative form that the language has for some atoms."""
    match item:
        case Is(fact=fact, named=(value,), group=None):
            return f"{fact} is not {value}"
        case Is(fact=fact):
            return f"{fact} not in {_members(item.group, item.named)}"
        case Within(fact=fact, node=node):
            return f"{fact} is not within {node}"
        case Empty(fact=fact):
            return f"{fact} is not empty"
        case Has(fact=fact, quantifier="any"):
            return f"{fact} has none of {_members(item.group, item.values)}"
        case _:
            return None


def _atom(atom: Condition) -> str:
    match atom:
        case FlagIs(fact=fact):
            return fact
        case Proposed(name=name):
            return name
        case Is(fact=fact, named=(value,), group=None):
            return f"{fact} is {value}"
        case Is(fact=fact):
            return f"{fact} in {_members(atom.group, atom.named)}"
        case Within(fact=fact, node=node):
            return f"{fact} is within {node}"
        case Has(fact=fact, values=(value,), group=None):
            return f"{fact} has {value}"
        case Has(fact=fact, quantifier=quantifier):
            return f"{fact} has {quantifier} of {_members(atom.group, atom.values)}"
        case Empty(fact=fact):
            return f"{fact} is empty"
        case Compare(fact=fact, operator=operator):
            return f"{fact} {operator} {atom.param or show_value(atom.value)}"
        case Between(fact=fact):
            low, high = atom.low_param or show_value(atom.low), atom.high_param or show_value(atom.high)
            return f"{fact} between {low} and {high}"
        case Contains(fact=fact, phrase_set=None, phrases=(phrase,)):
            return f"{fact} contains {show_value(phrase, text=True)}"
        case Contains(fact=fact):
            return f"{fact} contains any of {atom.phrase_set}"
        case Matches(fact=fact, pattern=pattern):
            escaped = pattern.replace("/", "\\/")
            return f"{fact} matches /{escaped}/{'i' if atom.ignore_case else ''}"
        case _:
            raise TypeError(f"not an atom: {atom!r}")


def _members(group: str | None, values: tuple[str, ...]) -> str:
    return group or show_value(values)


def show_value(value: Any, *, text: bool = False) -> str:
    """A fact's value as it is written in an example; `text` says that a string is a text, not a name."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        # The language has no exponents: the shortest digits that give the same double, written out.
        shown = format(Decimal(repr(float(value))), "f")
        return shown.rstrip("0").rstrip(".") if "." in shown else shown
    if isinstance(value, str):
        if not text:
            return value
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    members = sorted(value)
    return "{ " + ", ".join(members) + " }" if members else "{}"


def show_case(case: Case, texts: frozenset[str] = frozenset()) -> str:
    """The case as the `given` of an example; `texts` names the facts whose type is text."""
    parts = [f"{name} = {show_value(value, text=name in texts)}" for name, value in sorted(case.known.items())]
    parts += [f"{name} = unknown" for name in sorted(case.cannot_tell)]
    return ", ".join(sorted(parts))
