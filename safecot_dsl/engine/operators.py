"""The operators of the language: what each comes to, what it is made of, and how it is written.

An operator is a class of atoms (:mod:`safecot_dsl.artifact.conditions`) and one entry of :data:`OPERATORS`. What it
comes to stands there twice, on purpose: `holds` is what the interpreter asks of one value, `meaning` what the columnar
engine and the solver are made from, and the tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import ge, gt, le, lt
from typing import Any, Generic, TypeVar

from safecot_dsl.artifact import (
    Between,
    Compare,
    Contains,
    Empty,
    Fact,
    FactAtom,
    FlagIs,
    Has,
    Is,
    Matches,
    SetType,
    TreeAtom,
    Within,
)
from safecot_dsl.engine.meaning import Meaning, Negation, Primitive, every, primitives, some
from safecot_dsl.engine.texts import normalise, normalised_phrase, search
from safecot_dsl.engine.values import show_value

A = TypeVar("A", bound=FactAtom)


class Notation:
    """How what atoms are made of is written: here as an author writes it, by its name where it has one."""

    def number(self, value: float, param: str | None) -> str:
        return param or show_value(value)

    def members(self, fact: str, values: Sequence[str], group: str | None) -> str:
        del fact
        return group or show_value(tuple(values))

    def phrases(self, phrases: Sequence[str], phrase_set: str | None) -> str:
        del phrases
        return str(phrase_set)


@dataclass(frozen=True)
class Operator(Generic[A]):
    """What there is to know of the atoms of one class.

    `holds` says whether an atom is so of a known value, and `meaning` what that is made of; a fact is given for its
    values. `written` is the atom in the language's syntax and `denied` its negation, None where that is a `not` before
    it. `prepared` is `holds` made ready for many values, where that is faster.
    """

    holds: Callable[[A, Any], bool]
    meaning: Callable[[A, Fact], Meaning]
    written: Callable[[A, Notation], str]
    denied: Callable[[A, Notation], str | None] = lambda atom, notation: None
    prepared: Callable[[A], Callable[[Any], bool]] | None = None


# --- flags -----------------------------------------------------------------------------------------------------------

_FLAG = Operator[FlagIs](
    holds=lambda atom, value: value,
    meaning=lambda atom, fact: Primitive("flag"),
    written=lambda atom, notation: atom.fact,
)


# --- one of ----------------------------------------------------------------------------------------------------------


def _is(atom: Is, notation: Notation) -> str:
    if len(atom.named) == 1 and atom.group is None:
        return f"{atom.fact} is {atom.named[0]}"
    return f"{atom.fact} in {notation.members(atom.fact, atom.named, atom.group)}"


def _is_not(atom: Is, notation: Notation) -> str:
    if len(atom.named) == 1 and atom.group is None:
        return f"{atom.fact} is not {atom.named[0]}"
    return f"{atom.fact} not in {notation.members(atom.fact, atom.named, atom.group)}"


def _among(atom: TreeAtom) -> Callable[[Any], bool]:
    return frozenset(atom.values).__contains__


_IS = Operator[Is](
    holds=lambda atom, value: value in atom.values,
    meaning=lambda atom, fact: Primitive("one of", atom.values),
    written=_is,
    denied=_is_not,
    prepared=_among,
)

_WITHIN = Operator[Within](
    holds=lambda atom, value: value in atom.values,
    meaning=lambda atom, fact: Primitive("one of", atom.values),
    written=lambda atom, notation: f"{atom.fact} is within {atom.node}",
    denied=lambda atom, notation: f"{atom.fact} is not within {atom.node}",
    prepared=_among,
)


# --- sets ------------------------------------------------------------------------------------------------------------


def _has_meaning(atom: Has, fact: Fact) -> Meaning:
    del fact
    members = (Primitive("has", value) for value in atom.values)
    return some(members) if atom.quantifier == "any" else every(members)


def _has(atom: Has, notation: Notation) -> str:
    if len(atom.values) == 1 and atom.group is None:
        return f"{atom.fact} has {atom.values[0]}"
    return f"{atom.fact} has {atom.quantifier} of {notation.members(atom.fact, atom.values, atom.group)}"


def _has_not(atom: Has, notation: Notation) -> str | None:
    if atom.quantifier == "all":
        return None
    return f"{atom.fact} has none of {notation.members(atom.fact, atom.values, atom.group)}"


def _held(atom: Has) -> Callable[[Any], bool]:
    # A set's own test goes over the smaller of two sets, and over all of anything else.
    values = frozenset(atom.values)
    if atom.quantifier == "any":
        return lambda value: not values.isdisjoint(value)
    return values.issubset


_HAS = Operator[Has](
    holds=lambda atom, value: (
        not value.isdisjoint(atom.values) if atom.quantifier == "any" else value.issuperset(atom.values)
    ),
    meaning=_has_meaning,
    written=_has,
    denied=_has_not,
    prepared=_held,
)


def _empty_meaning(atom: Empty, fact: Fact) -> Meaning:
    del atom
    assert isinstance(fact.type, SetType)
    return Negation(some(Primitive("has", value.name) for value in fact.type.values))


_EMPTY = Operator[Empty](
    holds=lambda atom, value: not value,
    meaning=_empty_meaning,
    written=lambda atom, notation: f"{atom.fact} is empty",
    denied=lambda atom, notation: f"{atom.fact} is not empty",
)


# --- numbers ---------------------------------------------------------------------------------------------------------

_RELATIONS: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def _compare_meaning(atom: Compare, fact: Fact) -> Meaning:
    del fact
    bound = Primitive("at least" if atom.operator in (">=", "<") else "more", atom.value)
    return bound if atom.operator in (">=", ">") else Negation(bound)


def _compared(atom: Compare) -> Callable[[Any], bool]:
    relation, bound = _RELATIONS[atom.operator], atom.value
    return lambda value: relation(value, bound)


_COMPARE = Operator[Compare](
    holds=lambda atom, value: _RELATIONS[atom.operator](value, atom.value),
    meaning=_compare_meaning,
    written=lambda atom, notation: f"{atom.fact} {atom.operator} {notation.number(atom.value, atom.param)}",
    prepared=_compared,
)

_BETWEEN = Operator[Between](
    holds=lambda atom, value: atom.low <= value <= atom.high,
    meaning=lambda atom, fact: every((Primitive("at least", atom.low), Negation(Primitive("more", atom.high)))),
    written=lambda atom, notation: (
        f"{atom.fact} between {notation.number(atom.low, atom.low_param)}"
        f" and {notation.number(atom.high, atom.high_param)}"
    ),
)


# --- texts -----------------------------------------------------------------------------------------------------------


def _contained(atom: Contains, value: str) -> bool:
    text = normalise(value)
    return any(normalised_phrase(phrase) in text for phrase in atom.phrases)


def _contains(atom: Contains, notation: Notation) -> str:
    if len(atom.phrases) == 1 and atom.phrase_set is None:
        return f"{atom.fact} contains {show_value(atom.phrases[0], text=True)}"
    return f"{atom.fact} contains any of {notation.phrases(atom.phrases, atom.phrase_set)}"


_CONTAINS = Operator[Contains](
    holds=_contained,
    meaning=lambda atom, fact: Primitive("contains", atom.phrases),
    written=_contains,
)


def _matches(atom: Matches, notation: Notation) -> str:
    escaped = atom.pattern.replace("/", "\\/")
    return f"{atom.fact} matches /{escaped}/{'i' if atom.ignore_case else ''}"


_MATCHES = Operator[Matches](
    holds=lambda atom, value: search(atom.pattern, atom.ignore_case, value),
    meaning=lambda atom, fact: Primitive("matches", (atom.pattern, atom.ignore_case)),
    written=_matches,
)


OPERATORS: Mapping[type, Operator[Any]] = {
    FlagIs: _FLAG,
    Is: _IS,
    Within: _WITHIN,
    Has: _HAS,
    Empty: _EMPTY,
    Compare: _COMPARE,
    Between: _BETWEEN,
    Contains: _CONTAINS,
    Matches: _MATCHES,
}


def prepared(atom: FactAtom) -> Callable[[Any], bool]:
    """Whether the atom is so of a known value, made ready for many values."""
    operator = OPERATORS[type(atom)]
    return partial(operator.holds, atom) if operator.prepared is None else operator.prepared(atom)


def meaning(atom: FactAtom, fact: Fact) -> Meaning:
    """What the atom asks of a known value of its fact."""
    return OPERATORS[type(atom)].meaning(atom, fact)


def bounds(atom: FactAtom, fact: Fact) -> list[Primitive]:
    """Where an atom on a number tells its values apart: tests of the kinds `at least` and `more`."""
    return [test for test in primitives(meaning(atom, fact)) if test.kind in ("at least", "more")]


def thresholds(atoms: Sequence[FactAtom], fact: Fact) -> set[float]:
    """The numbers that atoms on a number compare it with."""
    return {test.operand for atom in atoms for test in bounds(atom, fact)}
