"""Conditions under a case."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat

from safecot_dsl.artifact import And, AtLeast, Atom, Condition, Not, Or, TreeAtom, Value
from safecot_dsl.engine.operators import OPERATORS
from safecot_dsl.engine.truth import Literal, Truth, at_least, conjunction, disjunction

#: What each kind of atom says of the known value of its fact; for those on a choice see :func:`evaluate`.
_HOLDS = {atom: operator.holds for atom, operator in OPERATORS.items()}
_UNKNOWN = object()


def evaluate(condition: Condition, known: Mapping[str, Value]) -> Truth:
    """A condition under the known facts. Every atom that reads an unknown fact is maybe, and so is one that asks for a
    node of a taxonomy where the value lies above it: the truth is somewhere below the value."""
    holds = _HOLDS.get(type(condition))
    if holds is not None:
        value = known.get(condition.fact, _UNKNOWN)  # pyright: ignore[reportAttributeAccessIssue]
        if value is _UNKNOWN:
            return Truth.MAYBE
        if holds(condition, value):
            return Truth.YES
        return Truth.MAYBE if isinstance(condition, TreeAtom) and value in condition.above else Truth.NO
    # Neither patterns nor generators, which take half as long again: most of what is decided is decided here.
    if isinstance(condition, And):
        return conjunction(map(evaluate, condition.items, repeat(known)))
    if isinstance(condition, Not):
        return ~evaluate(condition.item, known)
    if isinstance(condition, Or):
        return disjunction(map(evaluate, condition.items, repeat(known)))
    if isinstance(condition, AtLeast):
        return at_least(condition.count, [evaluate(item, known) for item in condition.items])
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
