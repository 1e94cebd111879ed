"""Many complete cases side by side: what a policy says of all of them at once, a bit for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from random import Random

from safecot_dsl.analysis.draws import ValueDraws
from safecot_dsl.analysis.space import Space
from safecot_dsl.artifact import And, AtLeast, CompiledPolicy, Condition, Fact, Not, Or, Rule, SetType, Value, Verdict
from safecot_dsl.engine import Truth, evaluate
from safecot_dsl.engine.columns import at_least_of
from safecot_dsl.engine.meaning import fold
from safecot_dsl.engine.operators import meaning
from safecot_dsl.engine.order import parents_first


def draw_columns(space: Space, samples: int, seed: int) -> PackedCases:
    """So many cases drawn from a space; equal seeds draw equal cases."""
    draws, random = ValueDraws(space), Random(seed)
    values = {name: [draws.value(name, random) for _ in range(samples)] for name in space.facts}
    return PackedCases(space.facts, values, samples)


@dataclass(frozen=True, slots=True)
class Flipped:
    """A member that a set gains where it has not got it, and loses where it has."""

    member: str


#: What becomes of a fact in many cases: it has this value in all of them, or a member is flipped in each.
Edit = Value | Flipped


class PackedCases:
    """Many complete cases side by side: a condition comes to an integer with a bit for each case that it holds of."""

    def __init__(self, facts: Mapping[str, Fact], values: Mapping[str, Sequence[Value]], count: int) -> None:
        self._facts = facts
        self.every = (1 << count) - 1
        # Of a set the cases that have each member, of any other fact the cases that have each value.
        self._places: dict[str, dict[Value, int]] = {}
        for name, column in values.items():
            bits: dict[Value, bytearray] = {}
            for place, value in enumerate(column):
                for key in value if isinstance(value, frozenset) else (value,):
                    bits.setdefault(key, bytearray(count // 8 + 1))[place >> 3] |= 1 << (place & 7)
            self._places[name] = {value: int.from_bytes(mask, "little") for value, mask in bits.items()}
        self._known: dict[str, dict[Condition, int]] = {name: {} for name in values}  # by the fact that they read

    def changed(self, fact: str, edit: Edit) -> PackedCases:
        """The same cases with one fact changed in all of them."""
        places: dict[Value, int] = {}
        if isinstance(edit, Flipped):
            places |= self._places[fact]
            places[edit.member] = self.every ^ places.get(edit.member, 0)
        else:
            places |= dict.fromkeys(edit if isinstance(edit, frozenset) else (edit,), self.every)
        changed = copy(self)
        changed._places = {**self._places, fact: places}
        changed._known = {**self._known, fact: {}}
        return changed

    def column(self, condition: Condition) -> int:
        """The cases that the condition holds of."""
        match condition:
            case Not(item=item):
                return self.every & ~self.column(item)
            case And(items=items):
                return self._at_least(len(items), items)
            case Or(items=items):
                return self._at_least(1, items)
            case AtLeast(count=count, items=items):
                return self._at_least(count, items)
            case _:
                known = self._known[condition.fact]  # pyright: ignore[reportAttributeAccessIssue] - as below
                found = known.get(condition)
                if found is None:
                    found = known[condition] = self._atom(condition)
                return found

    def _atom(self, atom: Condition) -> int:
        fact: str = atom.fact  # pyright: ignore[reportAttributeAccessIssue] - rules are about facts
        places, of = self._places[fact], self._facts[fact]
        if not isinstance(of.type, SetType):
            return union(column for value, column in places.items() if evaluate(atom, {fact: value}) is Truth.YES)
        return fold(
            meaning(atom, of),  # pyright: ignore[reportArgumentType]
            lambda test: places.get(test.operand, 0),
            lambda least, columns: at_least_of(least, columns, self.every, 0),
            lambda column: self.every & ~column,
        )

    def _at_least(self, count: int, items: Sequence[Condition]) -> int:
        return at_least_of(count, map(self.column, items), self.every, 0)

    def own(self, rule: Rule) -> int:
        """The cases of which the rule's `when` holds and its `unless` does not."""
        column = self.column(rule.when)
        return column if rule.unless is None else column & ~self.column(rule.unless)

    def applies(self, policy: CompiledPolicy) -> dict[str, int]:
        """The cases that each rule applies to, by its name; parents stand before the exceptions to them."""
        applies: dict[str, int] = {}
        for rule in parents_first(policy):
            column = self.own(rule)
            if rule.exception_to:
                column &= union(applies[parent] for parent in rule.exception_to)
            applies[rule.name] = column
        return applies

    def effective(self, policy: CompiledPolicy, applies: Mapping[str, int]) -> dict[str, int]:
        """The cases in which each rule is effective, by its name, from what :meth:`applies` says."""
        effective = dict(applies)
        for rule in policy.rules:
            for parent in rule.exception_to:
                effective[parent] &= ~applies[rule.name]
        return effective

    def verdicts(self, policy: CompiledPolicy, effective: Mapping[str, int]) -> dict[Verdict, int]:
        """The cases of each verdict, from what :meth:`effective` says."""
        found: dict[Verdict, int] = {}
        left = self.every
        for verdict in reversed(Verdict):
            column = union(effective[rule.name] for rule in policy.rules if rule.verdict is verdict)
            found[verdict] = left & column
            left &= ~column
        found[policy.default] |= left
        return found


def union(columns: Iterable[int]) -> int:
    """The cases that are in any of the columns."""
    result = 0
    for column in columns:
        result |= column
    return result
