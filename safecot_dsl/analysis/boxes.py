"""Boxes of cases: for each of some facts, a condition on it alone, as wide as a claim allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import z3

from safecot_dsl.analysis.domains import NumberDomain, OneOfDomain
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.logic import all_of
from safecot_dsl.artifact import Case, Compare, Condition, FactAtom, Is, Not, atoms
from safecot_dsl.engine import Truth, evaluate, show_condition
from safecot_dsl.engine.operators import thresholds


@dataclass(frozen=True)
class Box:
    """The cases of which every one of these conditions holds, each on one fact; a fact that is absent may be
    anything."""

    sides: dict[str, tuple[Condition, ...]]

    def formula(self, encoding: Encoding) -> z3.BoolRef:
        sides = (encoding.condition(side) for conditions in self.sides.values() for side in conditions)
        return all_of(sides, encoding.context)

    def shown(self) -> str:
        """As it would stand after `when`."""
        sides = [show_condition(side) for conditions in self.sides.values() for side in conditions]
        return " and ".join(sides) or "whatever the facts are"

    def with_side(self, fact: str, conditions: tuple[Condition, ...]) -> Box:
        return replace(self, sides={name: conditions if name == fact else kept for name, kept in self.sides.items()})

    def without(self, fact: str) -> Box:
        return Box({name: kept for name, kept in self.sides.items() if name != fact})


def box_around(
    encoding: Encoding,
    case: Case,
    facts: Sequence[str],
    read: Iterable[Condition],
    allowed: Callable[[Box], bool],
) -> Box:
    """The box around a case, over these facts, made wider as long as it is `allowed`: whole facts first, the last
    named before the others, then the sides of those that are left.

    `read` are the conditions whose atoms the box is made of.
    """
    found: dict[FactAtom, None] = {}
    for condition in read:
        found |= dict.fromkeys(atoms(condition))  # pyright: ignore[reportAssignmentType] - rules are about facts
    of = {fact: [atom for atom in found if atom.fact == fact] for fact in dict.fromkeys(facts)}
    box = Box({fact: _narrowest(encoding, case, fact, over) for fact, over in of.items() if over})
    for fact in reversed(list(box.sides)):
        if allowed(box.without(fact)):
            box = box.without(fact)
    for fact in box.sides:
        match encoding.domains[fact]:
            case OneOfDomain(leaves=names):
                box = _more_values(box, fact, names, allowed)
            case NumberDomain() as numbers:
                box = _longer_interval(box, fact, numbers, case, of[fact], allowed)
            case _:
                box = _fewer_sides(box, fact, allowed)
    return box


def narrowed(box: Box, spare: Callable[[Box], bool]) -> Box:
    """The box without values of its `one of` facts whose part of it is `spare`, as long as one is left."""
    for fact in box.sides:
        match box.sides[fact]:
            case (Is(values=values),):
                for value in values:
                    (side,) = box.sides[fact]
                    assert isinstance(side, Is)
                    rest = tuple(name for name in side.values if name != value)
                    if rest and spare(box.with_side(fact, (Is(fact=fact, values=(value,)),))):
                        box = box.with_side(fact, (Is(fact=fact, values=rest),))
            case _:
                pass
    return box


def _narrowest(encoding: Encoding, case: Case, fact: str, over: list[FactAtom]) -> tuple[Condition, ...]:
    match encoding.domains[fact]:
        case OneOfDomain():
            return (Is(fact=fact, values=(str(case.known[fact]),)),)
        case NumberDomain() as numbers:
            at = _interval_of(numbers, case)
            return _interval(numbers, at, at, over)
        case _:
            return tuple(atom if evaluate(atom, case.known) is Truth.YES else Not(item=atom) for atom in over)


def _more_values(box: Box, fact: str, names: Sequence[str], allowed: Callable[[Box], bool]) -> Box:
    for name in names:
        (side,) = box.sides[fact]
        assert isinstance(side, Is)
        if name not in side.values:
            values = tuple(n for n in names if n == name or n in side.values)
            wider = box.with_side(fact, (Is(fact=fact, values=values),))
            box = wider if allowed(wider) else box
    return box


def _fewer_sides(box: Box, fact: str, allowed: Callable[[Box], bool]) -> Box:
    for side in reversed(box.sides[fact]):
        wider = box.with_side(fact, tuple(kept for kept in box.sides[fact] if kept is not side))
        box = wider if allowed(wider) else box
    return box


def _longer_interval(
    box: Box, fact: str, numbers: NumberDomain, case: Case, over: list[FactAtom], allowed: Callable[[Box], bool]
) -> Box:
    first = last = _interval_of(numbers, case)
    for step in (-1, 1):
        while (low := first + min(step, 0)) >= 0 and (high := last + max(step, 0)) < len(numbers.intervals()):
            wider = box.with_side(fact, _interval(numbers, low, high, over))
            if not allowed(wider):
                break
            box, first, last = wider, low, high
    return box


def _interval_of(numbers: NumberDomain, case: Case) -> int:
    value = case.known[numbers.fact.name]
    return next(
        i for i, (low, high) in enumerate(numbers.intervals()) if isinstance(value, float) and low <= value <= high
    )


def _interval(numbers: NumberDomain, first: int, last: int, over: list[FactAtom]) -> tuple[Condition, ...]:
    """From the first interval to the last, in the constants that the atoms compare with."""
    fact = numbers.fact.name
    constants = thresholds(over, numbers.fact)
    intervals = numbers.intervals()
    sides: list[Condition] = []
    if first > 0:
        point = intervals[first][0]
        before = math.nextafter(point, -math.inf)
        reached = point in constants or before not in constants
        sides.append(Compare(fact=fact, operator=">=" if reached else ">", value=point if reached else before))
    if last + 1 < len(intervals):
        point = intervals[last + 1][0]
        before = math.nextafter(point, -math.inf)
        reached = point in constants or before not in constants
        sides.append(Compare(fact=fact, operator="<" if reached else "<=", value=point if reached else before))
    return tuple(sides)
