"""Which rules of two policies are the same in meaning, whatever they are written like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from safecot_dsl.artifact import CompiledPolicy, Condition, Rule

# What a condition was written with; its meaning is in the values beside it.
_LABELS = {"group", "param", "low_param", "high_param", "phrase_set", "node"}
_UNORDERED = {"values", "phrases"}


def meaning(condition: Condition) -> Any:
    """A condition without the labels of what it was written with: equal for conditions that are written alike but for
    names of groups, params and phrase sets, and the order of values."""
    return _without_labels(condition.model_dump(mode="json"))


def _without_labels(value: Any) -> Any:
    if not isinstance(value, dict):
        return tuple(_without_labels(item) for item in value) if isinstance(value, list) else value
    return tuple(
        (key, tuple(sorted(item)) if key in _UNORDERED else _without_labels(item))
        for key, item in sorted(value.items())
        if key not in _LABELS
    )


def applying_alike(old: CompiledPolicy, new: CompiledPolicy) -> tuple[str, ...]:
    """The rules of both policies that apply to the same cases because they are written so, as are those that they are
    exceptions to; sorted. Others may apply alike too."""
    alike = {
        name
        for name, before in old.rule_index.items()
        if (after := new.rule_index.get(name)) is not None
        and _condition(before) == _condition(after)
        and set(before.exception_to) == set(after.exception_to)
    }
    while below := {name for name in alike if not alike.issuperset(old.rule_index[name].exception_to)}:
        alike -= below
    return tuple(sorted(alike))


def _condition(rule: Rule) -> Any:
    return meaning(rule.when), None if rule.unless is None else meaning(rule.unless)


@dataclass(frozen=True)
class RuleChanges:
    """Names of rules, sorted; a rule is changed where its conditions, its verdict, its own `unsure` or what it is an
    exception to is written otherwise. A rule that was renamed is removed and added."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def rule_changes(old: CompiledPolicy, new: CompiledPolicy) -> RuleChanges:
    before, after = _deciding(old)[0], _deciding(new)[0]
    return RuleChanges(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(sorted(name for name in before.keys() & after.keys() if before[name] != after[name])),
    )


def decide_alike(old: CompiledPolicy, new: CompiledPolicy) -> bool:
    """Both are written to give every case, complete or not, the same decision: no solver is needed to see it."""
    return _deciding(old) == _deciding(new)


def _deciding(policy: CompiledPolicy) -> Any:
    rules = {
        rule.name: (*_condition(rule), frozenset(rule.exception_to), rule.verdict, rule.unsure) for rule in policy.rules
    }
    facts = {fact.name: (_domain(fact.type.model_dump(mode="json")), fact.assume) for fact in policy.facts}
    return rules, facts, policy.default, policy.unsure


def _domain(type_: dict[str, Any]) -> Any:
    return {key: frozenset(v["name"] for v in item) if key == "values" else item for key, item in type_.items()}
