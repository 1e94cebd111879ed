"""Conditions under a case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import re2

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Atom,
    Between,
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
    Value,
    Within,
)
from safecot_dsl.engine.truth import Literal, Truth, at_least, conjunction, disjunction


def normalise(text: str) -> str:
    """The form in which `contains` compares: NFKC, case folding, NFKC again (Unicode 16, D145 with NFKC)."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


# Phrases are the policy's, few and short; texts are a case's, and not kept.
_normalised_phrase = lru_cache(maxsize=4096)(normalise)


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str, ignore_case: bool) -> Any:
    """The RE2 program of a pattern; raises `re2.error` for one that RE2 rejects."""
    options = re2.Options()
    options.log_errors = False  # RE2 would write to standard error besides
    options.case_sensitive = not ignore_case
    return re2.compile(pattern, options)


def _search(pattern: str, ignore_case: bool, text: str) -> bool:
    # A lone surrogate, which JSON can carry, has no UTF-8 form; a pattern meets the replacement character instead.
    return compile_pattern(pattern, ignore_case).search(_SURROGATE.sub("\ufffd", text)) is not None


_SURROGATE = re.compile("[\ud800-\udfff]")

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _has(atom: Has, value: frozenset[str]) -> bool:
    present = (member in value for member in atom.values)
    return any(present) if atom.quantifier == "any" else all(present)


def _contains(atom: Contains, value: str) -> bool:
    text = normalise(value)
    return any(_normalised_phrase(phrase) in text for phrase in atom.phrases)


#: What each kind of atom says of the known value of its fact; for those on a choice see :func:`evaluate`.
_ATOMS: dict[type, Callable[[Any, Any], bool]] = {
    FlagIs: lambda atom, value: value,
    Is: lambda atom, value: value in atom.values,
    Within: lambda atom, value: value in atom.values,
    Has: _has,
    Empty: lambda atom, value: not value,
    Compare: lambda atom, value: _COMPARE[atom.operator](value, atom.value),
    Between: lambda atom, value: atom.low <= value <= atom.high,
    Contains: _contains,
    Matches: lambda atom, value: _search(atom.pattern, atom.ignore_case, value),
}
_UNKNOWN = object()


def evaluate(condition: Condition, known: Mapping[str, Value]) -> Truth:
    """A condition under the known facts. Every atom that reads an unknown fact is maybe, and so is one that asks for a
    node of a taxonomy where the value lies above it: the truth is somewhere below the value."""
    holds = _ATOMS.get(type(condition))
    if holds is not None:
        value = known.get(condition.fact, _UNKNOWN)  # pyright: ignore[reportAttributeAccessIssue]
        if value is _UNKNOWN:
            return Truth.MAYBE
        if holds(condition, value):
            return Truth.YES
        return Truth.MAYBE if isinstance(condition, Is | Within) and value in condition.above else Truth.NO
    match condition:
        case Not(item=item):
            return ~evaluate(item, known)
        case And(items=items):
            return conjunction([evaluate(item, known) for item in items])
        case Or(items=items):
            return disjunction([evaluate(item, known) for item in items])
        case AtLeast(count=count, items=items):
            return at_least(count, [evaluate(item, known) for item in items])
        case _:
            raise TypeError("a proposition is no condition over facts")


def maybe_atoms(condition: Condition, known: Mapping[str, Value]) -> list[Atom]:
    """The maybe atoms that one reaches from a condition down its maybe parts."""
    return _reached(condition, known)[1]


def _reached(condition: Condition, known: Mapping[str, Value]) -> tuple[Truth, list[Atom]]:
    """What a condition comes to, and its maybe atoms; none where it is not maybe."""
    match condition:
        case Not(item=item):
            truth, found = _reached(item, known)
            return ~truth, found
        case And(items=items) | Or(items=items) | AtLeast(items=items):
            parts = [_reached(item, known) for item in items]
            truths = [part for part, _ in parts]
            if isinstance(condition, AtLeast):
                truth = at_least(condition.count, truths)
            else:
                truth = conjunction(truths) if isinstance(condition, And) else disjunction(truths)
            return truth, [atom for _, atoms in parts for atom in atoms] if truth is Truth.MAYBE else []
        case _:
            truth = evaluate(condition, known)
            return truth, [condition] if truth is Truth.MAYBE else []


def literals(condition: Condition, positive: bool = True) -> list[Literal]:
    """The atoms of a condition in source order, each with its sign once every `not` is pushed down to it."""
    match condition:
        case Not(item=item):
            return literals(item, not positive)
        case And(items=items) | Or(items=items) | AtLeast(items=items):
            return [literal for item in items for literal in literals(item, positive)]
        case _:
            return [Literal(condition, positive)]
