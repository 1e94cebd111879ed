"""Two policies made to read the same facts, so that one case can be put to both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

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
    Rule,
    SetType,
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
    its conditions do not name: no `is`, `in`, `within` or `has` of it is so, and a set that holds it is not empty. A
    number is compared wherever it lies. The digests stay as they were.
    """
    twofold = {change.name for change in fact_changes(old, new) if change.change == "type"}
    return _renamed(old, twofold, "old"), _renamed(new, twofold, "new")


def _renamed(policy: CompiledPolicy, names: set[str], side: Side) -> CompiledPolicy:
    if not names:
        return policy
    new_names = {name: f"{name} ({side})" for name in names}
    facts = tuple(fact.model_copy(update={"name": new_names.get(fact.name, fact.name)}) for fact in policy.facts)
    rules = tuple(_rule(rule, new_names) for rule in policy.rules)
    # Not `model_copy`, which would keep the indexes of the facts and rules before.
    fields: dict[str, Any] = {name: getattr(policy, name) for name in CompiledPolicy.model_fields}
    return CompiledPolicy.model_construct(None, **{**fields, "facts": facts, "rules": rules})


def _rule(rule: Rule, names: Mapping[str, str]) -> Rule:
    unless = None if rule.unless is None else _condition(rule.unless, names)
    return rule.model_copy(update={"when": _condition(rule.when, names), "unless": unless})


def _condition(condition: Condition, names: Mapping[str, str]) -> Condition:
    match condition:
        case Not(item=item):
            return Not(item=_condition(item, names))
        case And(items=items) | Or(items=items) | AtLeast(items=items):
            return condition.model_copy(update={"items": tuple(_condition(item, names) for item in items)})
        case _:
            fact: str = condition.fact  # pyright: ignore[reportAttributeAccessIssue] - rules are about facts
            return condition.model_copy(update={"fact": names.get(fact, fact)})
