"""The conditions of rules as their literals stand in them, prepared for many cases."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import Any

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Condition,
    FactAtom,
    Not,
    Or,
    Proposed,
    Rule,
    TreeAtom,
    Value,
)
from safecot_dsl.engine import Truth
from safecot_dsl.engine.operators import prepared
from safecot_dsl.engine.truth import at_least, conjunction, disjunction

# A member of an enumeration takes Python longer to find than to use.
_YES, _MAYBE = Truth.YES, Truth.MAYBE


@dataclass(frozen=True, eq=False)
class Reading:
    """A literal where it stands: `key` is the clause of the rule that reads it, such as `rule:NAME.when`."""

    atom: FactAtom
    positive: bool
    rule: Rule
    key: str


class Leaf:
    """One literal. `number` is equal for equal literals, and for them only."""

    __slots__ = ("_above", "_holds", "_no", "_yes", "fact", "number", "reading")

    def __init__(self, number: int, reading: Reading) -> None:
        self.number = number
        self.reading = reading
        self.fact = reading.atom.fact
        self._holds = prepared(reading.atom)
        self._above = frozenset(reading.atom.above) if isinstance(reading.atom, TreeAtom) else None
        self._yes, self._no = (Truth.YES, Truth.NO) if reading.positive else (Truth.NO, Truth.YES)

    def truth(self, known: Mapping[str, Value]) -> Truth:
        value = known.get(self.fact)
        if value is None:
            return _MAYBE
        if self._above and value in self._above:
            return _MAYBE  # the truth lies somewhere below
        return self._yes if self._holds(value) else self._no

    def cost(self, known: Mapping[str, Value]) -> int:
        return 0 if self.truth(known) is _YES else 1

    def leaves(self) -> Iterator[Leaf]:
        yield self

    def that(self, known: Mapping[str, Value], wanted: Truth) -> Iterator[Leaf]:
        if self.truth(known) is wanted:
            yield self

    def settling(self, known: Mapping[str, Value], supposed: Collection[str], in_order: bool = False) -> list[Leaf]:
        del known, supposed, in_order
        return [self]


class Inner:
    """At least `count` of `items`: all of them for `and`, one for `or`. A `not` is pushed down to the literals.

    `number` is equal for nodes that ask the same, and for them only.
    """

    __slots__ = ("count", "items", "number")

    def __init__(self, number: int, count: int, items: tuple[LiteralNode, ...]) -> None:
        self.number = number
        self.count = count
        self.items = items

    def truth(self, known: Mapping[str, Value]) -> Truth:
        truths = map(methodcaller("truth", known), self.items)
        if self.count == len(self.items):
            return conjunction(truths)
        return disjunction(truths) if self.count == 1 else at_least(self.count, list(truths))

    def cost(self, known: Mapping[str, Value]) -> int:
        """The fewest literals to change for it to hold, as :meth:`Interpreter.nearest_rule` counts."""
        return least(self.count, [item.cost(known) for item in self.items])

    def leaves(self) -> Iterator[Leaf]:
        """Its literals, in the order in which they are read."""
        for item in self.items:
            yield from item.leaves()

    def that(self, known: Mapping[str, Value], wanted: Truth) -> Iterator[Leaf]:
        """The literals that make it `wanted`: those one reaches down such parts only."""
        if self.truth(known) is wanted:
            for item in self.items:
                yield from item.that(known, wanted)

    def settling(self, known: Mapping[str, Value], supposed: Collection[str], in_order: bool = False) -> list[Leaf]:
        """The literals that settle what it comes to, and no more (language charter, *weigh*): of an `and` all, or only
        the first part that fails; of an `or` the first that holds, or all; of `at least N` the first N that hold, or
        all. Where there is a choice, a part that rests on facts that are only `supposed` comes after the others.

        With `in_order`, before the part of an `and` that fails those that stand before it and hold, without literals on
        facts that are only `supposed`: nothing hangs on these.
        """
        truths = [item.truth(known) for item in self.items]
        truth = at_least(self.count, truths)
        wanted = list(self.items)
        before: list[LiteralNode] = []
        if truth is Truth.NO and self.count == len(truths):
            failing = [item for item, of in zip(self.items, truths, strict=True) if of is Truth.NO]
            wanted = _first(1, failing, known, supposed)
            if in_order:
                until = self.items.index(wanted[0])
                before = [item for item, of in zip(self.items[:until], truths[:until], strict=True) if of is _YES]
        elif truth is Truth.YES and self.count < len(truths):
            holding = [item for item, of in zip(self.items, truths, strict=True) if of is _YES]
            wanted = _first(self.count, holding, known, supposed)
        holds = [leaf for item in before for leaf in item.settling(known, supposed) if leaf.fact not in supposed]
        return [*holds, *(leaf for item in wanted for leaf in item.settling(known, supposed, in_order))]


LiteralNode = Leaf | Inner


def _first(
    count: int, items: list[LiteralNode], known: Mapping[str, Value], supposed: Collection[str]
) -> list[LiteralNode]:
    """The first `count` of the items; those that rest on facts that are only supposed come after the others."""
    if count < len(items) and supposed:
        rests = [any(leaf.fact in supposed for leaf in item.settling(known, supposed)) for item in items]
        items = [item for _, item in sorted(zip(rests, items, strict=True), key=lambda pair: pair[0])]
    return items[:count]


def least(count: int, costs: Sequence[int]) -> int:
    """The least that `count` of the items cost together."""
    if count == len(costs):
        return sum(costs)
    return min(costs) if count == 1 else sum(sorted(costs)[:count])


def asked_of(node: LiteralNode) -> LiteralNode | None:
    """What a condition asks of the request alone, with everything else taken to be as it needs it; None for nothing.

    It is no where the condition is no whatever is seen and known besides, and else not.
    """
    if isinstance(node, Leaf):
        return node if node.fact.startswith("query.") else None
    parts = [part for item in node.items if (part := asked_of(item)) is not None]
    needed = node.count - (len(node.items) - len(parts))
    return Inner(node.number, needed, tuple(parts)) if needed > 0 else None


class Literals:
    """Makes nodes of the conditions of one policy."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def clauses(self, rule: Rule) -> tuple[LiteralNode, ...]:
        """The rule's own condition, whatever the rules that it is an exception to: `when`, and not `unless`. Each of
        them has to hold."""
        when = self._node(rule.when, True, rule, f"rule:{rule.name}.when")
        if rule.unless is None:
            return (when,)
        return when, self._node(rule.unless, False, rule, f"rule:{rule.name}.unless")

    def condition(self, rule: Rule) -> LiteralNode:
        """The same as one node."""
        parts = self.clauses(rule)
        if len(parts) == 1:
            return parts[0]
        return Inner(self._number((len(parts), *(part.number for part in parts))), len(parts), parts)

    def _node(self, condition: Condition, positive: bool, rule: Rule, key: str) -> LiteralNode:
        match condition:
            case Not(item=item):
                return self._node(item, not positive, rule, key)
            case And(items=items):
                count = len(items) if positive else 1
            case Or(items=items):
                count = 1 if positive else len(items)
            case AtLeast(count=asked, items=items):
                # Not at least N of K: at least K - N + 1 of the negations.
                count = asked if positive else len(items) - asked + 1
            case Proposed():
                raise TypeError("a proposition is no condition over facts")
            case _:
                return Leaf(self._number((condition, positive)), Reading(condition, positive, rule, key))
        nodes = tuple([self._node(item, positive, rule, key) for item in items])
        return Inner(self._number((count, *(node.number for node in nodes))), count, nodes)

    def _number(self, key: Any) -> int:
        return self._numbers.setdefault(key, len(self._numbers))
