"""What the rules of a policy come to on many cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from safecot_dsl.artifact import CompiledPolicy, Condition, TextType, Value, atoms
from safecot_dsl.engine import Truth
from safecot_dsl.engine.order import parents_first
from safecot_dsl.render.keeping import is_short
from safecot_dsl.render.literals import Inner, Leaf, Node, at_least, least
from safecot_dsl.render.reasons import Grounds

#: The values of all facts in the order of declaration; None for one that is unknown.
Values = tuple[Value | None, ...]

T = TypeVar("T")
_YES = Truth.YES


class Projection:
    """The values of some facts, as a key: equal keys, equal values. `names` are the facts, each once."""

    def __init__(self, policy: CompiledPolicy, names: Sequence[str]) -> None:
        places = {fact.name: place for place, fact in enumerate(policy.facts)}
        self.names = tuple(names)
        self._texts = [places[n] for n in names if isinstance(policy.fact_index[n].type, TextType)]
        self.key: Callable[[Values], Any] = itemgetter(*map(places.__getitem__, names)) if names else _no_key

    def is_short(self, values: Values) -> bool:
        """Whether the key is worth keeping: a case's texts can be of any length."""
        return all(is_short(values[place]) for place in self._texts)


def _no_key(values: Values) -> None:
    del values


def facts_of(*conditions: Condition | None) -> list[str]:
    """The facts that conditions read, each once."""
    found = (atom for condition in conditions if condition is not None for atom in atoms(condition))
    return list(dict.fromkeys(atom.fact for atom in found))  # pyright: ignore[reportAttributeAccessIssue] - rules are about facts


class Standings:
    """The rules of one policy as a table of what their conditions ask: every question stands in it once, after those
    that it is made of, and is answered once for a case."""

    def __init__(self, grounds: Grounds) -> None:
        policy = grounds.policy
        self._leaves: list[Leaf] = []
        self._inner: list[tuple[int, Callable[[Sequence[Any]], Sequence[Any]]]] = []
        places: dict[int, int] = {}
        clauses = {rule.name: grounds.clauses(rule) for rule in parents_first(policy)}
        nodes = list(_nodes(part for parts in clauses.values() for part in parts))
        for leaf in nodes:
            if isinstance(leaf, Leaf) and leaf.number not in places:
                places[leaf.number] = len(places)
                self._leaves.append(leaf)
        for node in nodes:
            if isinstance(node, Inner) and node.number not in places:
                places[node.number] = len(places)
                self._inner.append((node.count, _taking([places[item.number] for item in node.items])))
        #: A rule, the place of its condition, and what it is an exception to; parents before their exceptions.
        self._rules: list[tuple[str, int, tuple[str, ...]]] = []
        for rule in parents_first(policy):
            found = [places[part.number] for part in clauses[rule.name]]
            if len(found) > 1:
                self._inner.append((len(found), _taking(found)))
                found = [len(self._leaves) + len(self._inner) - 1]
            self._rules.append((rule.name, found[0], rule.exception_to))
        stricter = [rule for rule in policy.rules if rule.verdict.strictness > policy.default.strictness]
        severity = grounds.interpreter.severity
        stricter.sort(key=lambda rule: (-rule.verdict.strictness, -severity(rule), rule.name))
        self._stricter = [rule.name for rule in stricter]

    def nearest(self, known: Mapping[str, Value]) -> str | None:
        """The name of the rule that :meth:`Interpreter.nearest_rule` gives."""
        costs = [0 if leaf.truth(known) is _YES else 1 for leaf in self._leaves]
        for count, taken in self._inner:
            costs.append(least(count, taken(costs)))
        of_rule: dict[str, int] = {}
        for name, place, parents in self._rules:
            cost = costs[place]
            of_rule[name] = cost + min([of_rule[parent] for parent in parents]) if parents else cost
        # They stand in the order in which ties are broken.
        return min(self._stricter, key=of_rule.__getitem__, default=None)

    def applies(self, known: Mapping[str, Value]) -> dict[str, Truth]:
        """What :attr:`Trace.applies` is."""
        truths = [leaf.truth(known) for leaf in self._leaves]
        for count, taken in self._inner:
            truths.append(at_least(count, taken(truths)))
        of_rule: dict[str, Truth] = {}
        for name, place, parents in self._rules:
            truth = truths[place]
            of_rule[name] = min(truth, max([of_rule[parent] for parent in parents])) if parents else truth
        return of_rule


def _nodes(tops: Iterable[Node]) -> Iterator[Node]:
    """The nodes of conditions, each after those that it is made of."""
    for node in tops:
        if isinstance(node, Inner):
            yield from _nodes(node.items)
        yield node


def _taking(places: Sequence[int]) -> Callable[[Sequence[T]], Sequence[T]]:
    """Takes what stands at these places."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda found: [found[place] for place in places]
