"""Two policies made to read the same facts, so that one case can be put to both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from safecot_dsl.artifact import (
    And,
    AtLeast,
    CompiledPolicy,
    Condition,
    Fact,
    Not,
    NumberType,
    OneOfType,
    Or,
    SetType,
    TreeAtom,
    ValueName,
)

Side = Literal["old", "new"]


@dataclass(frozen=True)
class FactChange:
    """A fact that the two policies declare differently.

    `change` is *added* or *removed*, *type* (flag, score, ... : two facts of one name), *values* (`gained` and `lost`
    name them) or *range* (`before` and `after` are the ends).
    """

    name: str
    change: Literal["added", "removed", "type", "values", "range"]
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    before: tuple[float, float] | None = None
    after: tuple[float, float] | None = None


def fact_changes(old: CompiledPolicy, new: CompiledPolicy) -> tuple[FactChange, ...]:
    """What became of the facts, by name."""
    names = sorted(old.fact_index.keys() | new.fact_index.keys())
    found = (_change(name, old.fact_index.get(name), new.fact_index.get(name)) for name in names)
    return tuple(change for change in found if change is not None)


def _change(name: str, old: Fact | None, new: Fact | None) -> FactChange | None:
    if old is None or new is None:
        return FactChange(name, "added" if old is None else "removed")
    match old.type, new.type:
        case (OneOfType(values=before), OneOfType(values=after)) | (SetType(values=before), SetType(values=after)):
            gained, lost = _names_missing(after, before), _names_missing(before, after)
            return FactChange(name, "values", gained, lost) if gained or lost else None
        case NumberType(low=a, high=b), NumberType(low=c, high=d):
            return FactChange(name, "range", before=(a, b), after=(c, d)) if (a, b) != (c, d) else None
        case _:
            return FactChange(name, "type") if old.type.kind != new.type.kind else None


def _names_missing(values: Iterable[ValueName], among: Iterable[ValueName]) -> tuple[str, ...]:
    known = {value.name for value in among}
    return tuple(value.name for value in values if value.name not in known)


def told_apart(old: CompiledPolicy, new: CompiledPolicy) -> tuple[CompiledPolicy, CompiledPolicy]:
    """The two policies with facts of one name and different types as two facts, `NAME (old)` and `NAME (new)`.

    Everything else about a fact can be compared as it is. A value that only one side knows is to the other a value that
    its conditions do not name: no `is`, `in`, `within` or `has` of it is so, and a set that holds it is not empty. But
    a node that only one side's taxonomy has is to the other what it knows above it, so that a kind that is told in
    finer ones changes nothing. A number is compared wherever it lies. The digests stay as they were.
    """
    twofold = {change.name for change in fact_changes(old, new) if change.change == "type"}
    old, new = _renamed(old, twofold, "old"), _renamed(new, twofold, "new")
    both = [name for name in old.fact_index if name in new.fact_index]
    trees = {name: (old.fact_index[name].type, new.fact_index[name].type) for name in both}
    grown = {
        name: (before, after)
        for name, (before, after) in trees.items()
        if isinstance(before, OneOfType)
        and isinstance(after, OneOfType)
        and before.parents != after.parents
        and (before.taxonomy or after.taxonomy)
    }
    if not grown:
        return old, new
    joined = {name: _joined(before, after) for name, (before, after) in grown.items()}
    own = {name: _Grown(before, after, joined[name]) for name, (before, after) in grown.items()}
    others = {name: _Grown(after, before, joined[name]) for name, (before, after) in grown.items()}
    return _over(old, joined, own), _over(new, joined, others)


def _joined(before: OneOfType, after: OneOfType) -> OneOfType:
    """The nodes of both trees; one that both have stands where the new one has it. Parents before children."""
    waiting = {
        value.name: value for value in (*after.values, *(v for v in before.values if v.name not in after.parents))
    }
    placed: dict[str, ValueName] = {}
    while waiting:
        ready = [v for v in waiting.values() if v.parent is None or v.parent in placed]
        # None is ready where the two trees together go in a circle: one of its nodes is made a root.
        for value in ready or [next(iter(waiting.values())).model_copy(update={"parent": None})]:
            placed[value.name] = value
            del waiting[value.name]
    return OneOfType(values=tuple(placed.values()), taxonomy=after.taxonomy or before.taxonomy)


class _Grown:
    """The nodes of one side's taxonomy, and what a node that only the `other` side has is to it."""

    def __init__(self, own: OneOfType, other: OneOfType, joined: OneOfType) -> None:
        self._own, self._other, self._joined = own, other, joined

    def over(self, atom: TreeAtom) -> TreeAtom:
        """A condition of this side, over the nodes of both."""
        at, above = set(atom.values), set(atom.above)
        values = [value.name for value in self._joined.values if self._known(value.name) in at]
        may = [
            value.name
            for value in self._joined.values
            if value.name not in values and (value.name in above or self._holds(value.name, at | above))
        ]
        return atom.model_copy(update={"values": tuple(values), "above": tuple(may)})

    def _known(self, node: str) -> str | None:
        """The node, or the nearest above it that this side knows."""
        return next((name for name in (node, *self._other.above(node)) if name in self._own.parents), None)

    def _holds(self, node: str, nodes: set[str]) -> bool:
        """Whether a node that only the other side has stands above one of these."""
        return node not in self._own.parents and not nodes.isdisjoint(self._other.below((node,)))


def _over(policy: CompiledPolicy, joined: Mapping[str, OneOfType], grown: Mapping[str, _Grown]) -> CompiledPolicy:
    def atom(condition: Condition) -> Condition:
        if isinstance(condition, TreeAtom) and condition.fact in grown:
            return grown[condition.fact].over(condition)
        return condition

    facts = tuple(fact.model_copy(update={"type": joined.get(fact.name, fact.type)}) for fact in policy.facts)
    return _changed(policy, facts, atom)


def _renamed(policy: CompiledPolicy, names: set[str], side: Side) -> CompiledPolicy:
    if not names:
        return policy
    new_names = {name: f"{name} ({side})" for name in names}

    def atom(condition: Condition) -> Condition:
        fact: str = condition.fact  # pyright: ignore[reportAttributeAccessIssue] - rules are about facts
        return condition.model_copy(update={"fact": new_names.get(fact, fact)})

    facts = tuple(fact.model_copy(update={"name": new_names.get(fact.name, fact.name)}) for fact in policy.facts)
    return _changed(policy, facts, atom)


def _changed(policy: CompiledPolicy, facts: tuple[Fact, ...], atom: Callable[[Condition], Condition]) -> CompiledPolicy:
    """The policy with other facts, and with each atom of its rules as `atom` makes it."""
    rules = tuple(
        rule.model_copy(
            update={
                "when": _condition(rule.when, atom),
                "unless": None if rule.unless is None else _condition(rule.unless, atom),
            }
        )
        for rule in policy.rules
    )
    return policy.with_content(facts=facts, rules=rules)


def _condition(condition: Condition, atom: Callable[[Condition], Condition]) -> Condition:
    match condition:
        case Not(item=item):
            return Not(item=_condition(item, atom))
        case And(items=items) | Or(items=items) | AtLeast(items=items):
            return condition.model_copy(update={"items": tuple(_condition(item, atom) for item in items)})
        case _:
            return atom(condition)
