"""Slips in conditions: what each operator makes of one part of a condition."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Between,
    Compare,
    CompiledPolicy,
    Condition,
    Fact,
    Has,
    Is,
    Not,
    NumberType,
    OneOfType,
    Or,
    SetType,
    Within,
    fact_atoms,
    is_one_of,
    is_within,
)
from safecot_dsl.engine import show_condition
from safecot_dsl.engine.operators import thresholds

#: A threshold moves by this part of the range of its fact.
SHARE_OF_RANGE = 100


class Place:
    """What operators have to know of the policy: with its facts, the numbers that each fact is compared with."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self.policy = policy
        self.constants = constants_of(policy)


@dataclass(frozen=True)
class Part:
    """A part of a condition; `rebuilt` gives the whole with another in its place. Where a `not` stands before it,
    `negated` says so: it is shown with it."""

    condition: Condition
    rebuilt: Callable[[Condition], Condition]
    negated: bool = False

    def shown(self, condition: Condition) -> str:
        return show_condition(_negation(condition) if self.negated else condition)


@dataclass(frozen=True)
class Slip:
    """What stands in the place of a part; `dropped` is what was left out, where that is what happened."""

    condition: Condition
    dropped: Condition | None = None


def parts(condition: Condition) -> Iterator[Part]:
    """A condition and all that it consists of, in source order."""
    return _parts(Part(condition, lambda other: other))


def _parts(whole: Part) -> Iterator[Part]:
    yield whole
    match whole.condition:
        case Not(item=item):
            yield from _parts(Part(item, lambda other: whole.rebuilt(_negation(other)), negated=True))
        case And(items=items) | Or(items=items) | AtLeast(items=items) as joined:
            for index, item in enumerate(items):

                def rebuilt(other: Condition, index: int = index) -> Condition:
                    changed = (*items[:index], other, *items[index + 1 :])
                    return whole.rebuilt(joined.model_copy(update={"items": changed}))

                yield from _parts(Part(item, rebuilt))
        case _:
            return


def _negation(condition: Condition) -> Condition:
    return condition.item if isinstance(condition, Not) else Not(item=condition)


def constants_of(policy: CompiledPolicy) -> dict[str, list[float]]:
    """The numbers that the rules compare each fact with, and the ends of its range, ascending."""
    found: dict[str, set[float]] = {}
    read = [atom for rule in policy.rules for atom in fact_atoms(rule.when, rule.unless)]
    for fact in policy.facts:
        if isinstance(fact.type, NumberType):
            compared = thresholds([atom for atom in read if atom.fact == fact.name], fact)
            found[fact.name] = {fact.type.low, fact.type.high, *compared}
    return {name: sorted(numbers) for name, numbers in found.items()}


# --- operators -------------------------------------------------------------------------------------------------------

ConditionOperator = Callable[[Place, Condition], Iterator[Slip]]


def _part_left_out(place: Place, condition: Condition) -> Iterator[Slip]:
    """`a and b` without one of the two; and so for `or`."""
    del place
    if not isinstance(condition, And | Or):
        return
    for index, item in enumerate(condition.items):
        rest = (*condition.items[:index], *condition.items[index + 1 :])
        if rest:
            yield Slip(rest[0] if len(rest) == 1 else condition.model_copy(update={"items": rest}), item)


def _negated(place: Place, condition: Condition) -> Iterator[Slip]:
    """An atom, or what stands behind a `not`."""
    del place
    if not isinstance(condition, And | Or | AtLeast):
        yield Slip(_negation(condition))


def _moved_threshold(place: Place, condition: Condition) -> Iterator[Slip]:
    """A number a little lower and a little higher."""
    match condition:
        case Compare(fact=fact, value=value):
            for other in _beside(place, fact, value):
                yield Slip(condition.model_copy(update={"value": other, "param": None}))
        case Between(fact=fact, low=low, high=high):
            for other in _beside(place, fact, low):
                if other <= high:
                    yield Slip(condition.model_copy(update={"low": other, "low_param": None}))
            for other in _beside(place, fact, high):
                if low <= other:
                    yield Slip(condition.model_copy(update={"high": other, "high_param": None}))
        case _:
            return


def _beside(place: Place, fact: str, value: float) -> Iterator[float]:
    """The numbers a hundredth of the fact's range below and above, or halfway to the next number that rules compare the
    fact with, or the end of its range, where that is no further."""
    numbers = place.constants[fact]
    step = (Decimal(repr(numbers[-1])) - Decimal(repr(numbers[0]))) / SHARE_OF_RANGE
    before, after = bisect_left(numbers, value) - 1, bisect_right(numbers, value)
    for sign, index in ((-1, before), (1, after)):
        if not 0 <= index < len(numbers):
            continue
        apart = abs(Decimal(repr(numbers[index])) - Decimal(repr(value)))
        moved = float(Decimal(repr(value)) + sign * min(step, apart / 2))
        if moved != value:
            yield moved


def _strictness(place: Place, condition: Condition) -> Iterator[Slip]:
    """`<` for `<=`, and so on."""
    del place
    if isinstance(condition, Compare):
        other = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}[condition.operator]
        yield Slip(condition.model_copy(update={"operator": other}))


def _quantifier(place: Place, condition: Condition) -> Iterator[Slip]:
    """`has any of` for `has all of`, and the other way."""
    del place
    if isinstance(condition, Has) and len(set(condition.values)) > 1:
        other = "all" if condition.quantifier == "any" else "any"
        yield Slip(condition.model_copy(update={"quantifier": other}))


def _values(place: Place, condition: Condition) -> Iterator[Slip]:
    """A value less, of several; and one more: the one that is declared after the last of them."""
    if not isinstance(condition, Is | Has):
        return
    fact = place.policy.fact_index[condition.fact]
    assert isinstance(fact.type, OneOfType | SetType)
    values = tuple(dict.fromkeys(condition.named if isinstance(condition, Is) else condition.values))
    if len(values) > 1:
        for value in values:
            yield Slip(_naming(condition, fact, tuple(other for other in values if other != value)))
    names = [value.name for value in fact.type.values]
    last = max((names.index(value) for value in values), default=-1)
    added = next((name for name in names[last + 1 :] + names if name not in condition.values), None)
    if added is not None:
        yield Slip(_naming(condition, fact, (*values, added)))


def _naming(condition: Is | Has, fact: Fact, values: tuple[str, ...]) -> Condition:
    if isinstance(condition, Is):
        return is_one_of(fact, values)
    return condition.model_copy(update={"values": values, "group": None})


def _node(place: Place, condition: Condition) -> Iterator[Slip]:
    """`is within` the node above, and each node right below, in the place of the node."""
    if not isinstance(condition, Within):
        return
    fact = place.policy.fact_index[condition.fact]
    assert isinstance(fact.type, OneOfType)
    below = [value.name for value in fact.type.values if value.parent == condition.node]
    for node in (*below, *fact.type.above(condition.node)[:1]):
        yield Slip(is_within(fact, node))


def _count(place: Place, condition: Condition) -> Iterator[Slip]:
    """`at least` one less, and one more."""
    del place
    if isinstance(condition, AtLeast):
        for count in (condition.count - 1, condition.count + 1):
            if 1 <= count <= len(condition.items):
                yield Slip(condition.model_copy(update={"count": count}))


CONDITION_OPERATORS: Mapping[str, ConditionOperator] = {
    "part of a condition left out": _part_left_out,
    "condition negated": _negated,
    "threshold moved": _moved_threshold,
    "`<` for `<=`": _strictness,
    "`any` for `all`": _quantifier,
    "value added or removed": _values,
    "node widened or narrowed": _node,
    "`at least` one more or less": _count,
}
