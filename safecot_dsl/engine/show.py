"""Conditions and cases in the language's own syntax."""

from __future__ import annotations

from safecot_dsl.artifact import And, AtLeast, Atom, Case, Condition, Not, Or, Proposed
from safecot_dsl.engine.operators import OPERATORS, Notation
from safecot_dsl.engine.values import show_value

_NOTATION = Notation()
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
    operator = OPERATORS.get(type(item))
    return None if operator is None else operator.denied(item, _NOTATION)


def _atom(atom: Atom) -> str:
    return atom.name if isinstance(atom, Proposed) else OPERATORS[type(atom)].written(atom, _NOTATION)


def show_case(case: Case, texts: frozenset[str] = frozenset()) -> str:
    """The case as the `given` of an example; `texts` names the facts whose type is text."""
    parts = [f"{name} = {show_value(value, text=name in texts)}" for name, value in sorted(case.known.items())]
    parts += [f"{name} = unknown" for name in sorted(case.cannot_tell)]
    return ", ".join(sorted(parts))
