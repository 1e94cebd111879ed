"""Mutated conditions: what each operator makes of one part of a condition."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

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
class ConditionPart:
    """A part of a condition; `rebuilt` gives the whole with another in its place. Where a `not` stands before it,
    `negated` says so: it is shown with it."""

    condition: Condition
    rebuilt: Callable[[Condition], Condition]
    negated: bool = False

    def shown(self, condition: Condition) -> str:
        return show_condition(_negation(condition) if self.negated else condition)


@dataclass(frozen=True)
class MutatedCondition:
    """What stands in the place of a part; `dropped` is what was left out, where that is what happened."""

    condition: Condition
    dropped: Condition | None = None


def parts(condition: Condition) -> Iterator[ConditionPart]:
    """A condition and all that it consists of, in source order."""
    return _parts(ConditionPart(condition, lambda other: other))


def _parts(whole: ConditionPart) -> Iterator[ConditionPart]:
    yield whole
    match whole.condition:
        case Not(item=item):
            yield from _parts(ConditionPart(item, lambda other: whole.rebuilt(_negation(other)), negated=True))
        case And(items=items) | Or(items=items) | AtLeast(items=items) as joined:
            for index, item in enumerate(items):

                def rebuilt(other: Condition, index: int = index) -> Condition:
                    changed = (*items[:index], other, *items[index + 1 :])
                    return whole.rebuilt(joined.model_copy(update={"items": changed}))

                yield from _parts(ConditionPart(item, rebuilt))
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

ConditionOperator = Callable[[Place, Condition], Iterator[MutatedCondition]]


def _part_left_out(place: Place, condition: Condition) -> Iterator[MutatedCondition]:
    """`a and b` without one of the two; and so for `or`."""
    del place
    if not isinstance(condition, And | Or):
        return
    for index, item in enumerate(condition.items):
        rest = (*condition.items[:index], *condition.items[index + 1 :])
        if rest:
            yield MutatedCondition(rest[0] if len(rest) == 1 else condition.model_copy(update={"items": rest}), item)


def _negated(place: Place, condition: Condition) -> Iterator[MutatedCondition]:
    """An atom, or what stands behind a `not`."""
    del place
    if not isinstance(condition, And | Or | AtLeast):
        yield MutatedCondition(_negation(condition))


def _other_bound(place: Place, atom: Compare) -> Iterator[MutatedCondition]:
    for other in _beside(place, atom.fact, atom.value):
        yield MutatedCondition(atom.model_copy(update={"value": other, "param": None}))


def _other_ends(place: Place, atom: Between) -> Iterator[MutatedCondition]:
    for other in _beside(place, atom.fact, atom.low):
        if other <= atom.high:
            yield MutatedCondition(atom.model_copy(update={"low": other, "low_param": None}))
    for other in _beside(place, atom.fact, atom.high):
        if atom.low <= other:
            yield MutatedCondition(atom.model_copy(update={"high": other, "high_param": None}))


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


def _strictness(place: Place, atom: Compare) -> Iterator[MutatedCondition]:
    del place
    other = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}[atom.operator]
    yield MutatedCondition(atom.model_copy(update={"operator": other}))


def _quantifier(place: Place, atom: Has) -> Iterator[MutatedCondition]:
    del place
    if len(set(atom.values)) > 1:
        yield MutatedCondition(atom.model_copy(update={"quantifier": "all" if atom.quantifier == "any" else "any"}))


def _values(
    naming: Callable[[Any, Fact, tuple[str, ...]], Condition],
) -> Callable[[Place, Any], Iterator[MutatedCondition]]:
    """A value less, of several; and one more: the one that is declared after the last of them. `naming` gives the atom
    with other values."""

    def mutated(place: Place, atom: Is | Has) -> Iterator[MutatedCondition]:
        fact = place.policy.fact_index[atom.fact]
        assert isinstance(fact.type, OneOfType | SetType)
        values = tuple(dict.fromkeys(atom.named))
        if len(values) > 1:
            for value in values:
                yield MutatedCondition(naming(atom, fact, tuple(other for other in values if other != value)))
        names = [value.name for value in fact.type.values]
        last = max((names.index(value) for value in values), default=-1)
        added = next((name for name in names[last + 1 :] + names if name not in atom.listed), None)
        if added is not None:
            yield MutatedCondition(naming(atom, fact, (*values, added)))

    return mutated


def _with_values(atom: Has, fact: Fact, values: tuple[str, ...]) -> Condition:
    del fact
    return atom.model_copy(update={"values": values, "group": None})


def _node(place: Place, atom: Within) -> Iterator[MutatedCondition]:
    fact = place.policy.fact_index[atom.fact]
    assert isinstance(fact.type, OneOfType)
    below = [value.name for value in fact.type.values if value.parent == atom.node]
    for node in (*below, *fact.type.above(atom.node)[:1]):
        yield MutatedCondition(is_within(fact, node))


def _count(place: Place, condition: Condition) -> Iterator[MutatedCondition]:
    """`at least` one less, and one more."""
    del place
    if isinstance(condition, AtLeast):
        for count in (condition.count - 1, condition.count + 1):
            if 1 <= count <= len(condition.items):
                yield MutatedCondition(condition.model_copy(update={"count": count}))


#: What goes wrong in the atoms of each class.
_OF_ATOMS: Mapping[type, Mapping[str, Callable[[Place, Any], Iterator[MutatedCondition]]]] = {
    Is: {"value added or removed": _values(lambda atom, fact, values: is_one_of(fact, values))},
    Within: {"node widened or narrowed": _node},
    Has: {"`any` for `all`": _quantifier, "value added or removed": _values(_with_values)},
    Compare: {"threshold moved": _other_bound, "`<` for `<=`": _strictness},
    Between: {"threshold moved": _other_ends},
}


def _of_atoms(name: str) -> ConditionOperator:
    """The operator of this name on every class of atoms that has it."""

    def operator(place: Place, condition: Condition) -> Iterator[MutatedCondition]:
        mutated = _OF_ATOMS.get(type(condition), {}).get(name)
        return iter(()) if mutated is None else mutated(place, condition)

    return operator


#: By their names, as reports list them: `<` for `<=`, `any` for `all`; a number a little lower and a little higher; a
#: value less and one more; the node above, and each right below; one part more or less.
CONDITION_OPERATORS: Mapping[str, ConditionOperator] = {
    "part of a condition left out": _part_left_out,
    "condition negated": _negated,
    "threshold moved": _of_atoms("threshold moved"),
    "`<` for `<=`": _of_atoms("`<` for `<=`"),
    "`any` for `all`": _of_atoms("`any` for `all`"),
    "value added or removed": _of_atoms("value added or removed"),
    "node widened or narrowed": _of_atoms("node widened or narrowed"),
    "`at least` one more or less": _count,
}
