"""Small slips that an author could make: a policy with one of them each, for its examples and claims to notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from safecot_dsl.artifact import CompiledPolicy, Rule, Verdict
from safecot_dsl.artifact.policy import compute_digest
from safecot_dsl.engine import show_condition
from safecot_dsl.testing.mutants_conditions import CONDITION_OPERATORS, Place, constants_of, parts


@dataclass(frozen=True)
class Mutant:
    """A policy with one slip in it.

    `operator` is what kind of slip, `rule` the rule that has it (None for `default` and `unsure`), `key` its place in
    the source map of the policy. `before` and `after` are what was written and what stands there now, as an author
    writes it, `after` empty where something was left out. `policy` is a whole artifact with a digest of its own; of a
    rule that was left out, the exceptions to it alone are left out too, and its claims may still name it.
    """

    operator: str
    rule: str | None
    key: str
    before: str
    after: str
    policy: CompiledPolicy

    @property
    def sentence(self) -> str:
        """What was changed, and in which rule, in words."""
        changed = f"`{self.before}` → `{self.after}`" if self.after else f"`{self.before}` left out"
        # A change of a whole declaration names it already.
        return f"{changed} in rule `{self.rule}`" if "." in self.key else changed


def mutants(policy: CompiledPolicy) -> Iterator[Mutant]:
    """Every mutant of the policy, rules in their order, `default` and `unsure` last; none twice.

    The table is `RULE_OPERATORS` with `mutants_conditions.CONDITION_OPERATORS`, and `POLICY_OPERATORS`.
    """
    seen: set[Rule] = set()
    for rule in policy.rules:
        for operator, change in _rule_changes(policy, rule):
            if change.rule is None:
                yield _mutant(operator, rule, change, _without(policy, rule))
            elif change.rule != rule and change.rule not in seen:
                seen.add(change.rule)
                rules = tuple(change.rule if other is rule else other for other in policy.rules)
                yield _mutant(operator, rule, change, _changed(policy, rules=rules))
    for name in ("default", "unsure"):
        verdict: Verdict = getattr(policy, name)
        for other in _neighbours(verdict):
            made = _changed(policy, **{name: other})
            yield Mutant(f"{name} changed", None, name, f"{name} {verdict}", f"{name} {other}", made)


def _mutant(operator: str, rule: Rule, change: Change, made: CompiledPolicy) -> Mutant:
    return Mutant(operator, rule.name, f"rule:{rule.name}{change.part}", change.before, change.after, made)


@dataclass(frozen=True)
class Change:
    """What an operator makes of a rule: another one, or None where it is left out. Its place's key ends in `part`."""

    rule: Rule | None
    before: str
    after: str
    part: str = ""


RuleOperator = Callable[[CompiledPolicy, Rule], Iterator[Change]]


def _rule_changes(policy: CompiledPolicy, rule: Rule) -> Iterator[tuple[str, Change]]:
    for name, operator in RULE_OPERATORS.items():
        for change in operator(policy, rule):
            yield name, change
    place = Place(policy, constants_of(policy))
    for part in ("when", "unless"):
        condition = getattr(rule, part)
        if condition is None:
            continue
        for node in parts(condition):
            for name, operator in CONDITION_OPERATORS.items():
                for slip in operator(place, node.condition):
                    changed = rule.model_copy(update={part: node.rebuilt(slip.condition)})
                    after = "" if slip.dropped is not None else node.shown(slip.condition)
                    before = show_condition(slip.dropped) if slip.dropped is not None else node.shown(node.condition)
                    yield name, Change(changed, before, after, f".{part}")


# --- rules -----------------------------------------------------------------------------------------------------------


def _declared(rule: Rule, parents: tuple[str, ...] | None = None) -> str:
    parents = rule.exception_to if parents is None else parents
    return f"exception {rule.name} to {', '.join(parents)}" if parents else f"rule {rule.name}"


def _left_out(policy: CompiledPolicy, rule: Rule) -> Iterator[Change]:
    del policy
    kind = "exception" if rule.exception_to else "rule"
    yield Change(None, f"{kind} {rule.name}", "")


def _without_unless(policy: CompiledPolicy, rule: Rule) -> Iterator[Change]:
    del policy
    if rule.unless is not None:
        before = f"unless {show_condition(rule.unless)}"
        yield Change(rule.model_copy(update={"unless": None}), before, "", ".unless")


def _other_verdict(policy: CompiledPolicy, rule: Rule) -> Iterator[Change]:
    del policy
    for verdict in _neighbours(rule.verdict):
        changed = rule.model_copy(update={"verdict": verdict})
        yield Change(changed, f"verdict {rule.verdict}", f"verdict {verdict}", ".verdict")


def _other_unsure(policy: CompiledPolicy, rule: Rule) -> Iterator[Change]:
    if rule.unsure is None:
        return
    before = f"unsure {rule.unsure}"
    for verdict in _neighbours(rule.unsure):
        yield Change(rule.model_copy(update={"unsure": verdict}), before, f"unsure {verdict}", ".unsure")
    if rule.unsure is not policy.unsure:
        yield Change(rule.model_copy(update={"unsure": None}), before, "", ".unsure")


def _other_parents(policy: CompiledPolicy, rule: Rule) -> Iterator[Change]:
    """An exception to one rule less, to the next rule instead, and to none: a rule of its own."""
    below = _below(policy, rule)
    names = [other.name for other in policy.rules if other.name not in below]
    for parent in rule.exception_to:
        others = tuple(name for name in rule.exception_to if name != parent)
        if others:
            yield _reparented(rule, others)
        later = names[names.index(parent) + 1 :] + names[: names.index(parent)]
        chosen = next((name for name in later if name not in rule.exception_to), None)
        if chosen is not None:
            yield _reparented(rule, tuple(chosen if name == parent else name for name in rule.exception_to))
    if rule.exception_to:
        yield _reparented(rule, ())


def _reparented(rule: Rule, parents: tuple[str, ...]) -> Change:
    changed = rule.model_copy(update={"exception_to": parents})
    return Change(changed, _declared(rule), _declared(rule, parents))


RULE_OPERATORS: Mapping[str, RuleOperator] = {
    "rule left out": _left_out,
    "`unless` left out": _without_unless,
    "verdict relaxed or tightened": _other_verdict,
    "rule's `unsure` changed": _other_unsure,
    "exception to other rules": _other_parents,
}
#: With `mutants`, which makes them: what is changed of the policy itself.
POLICY_OPERATORS = ("default changed", "unsure changed")


def _neighbours(verdict: Verdict) -> list[Verdict]:
    """The next laxer verdict and the next stricter one, where there are such."""
    return [other for other in Verdict if abs(other.strictness - verdict.strictness) == 1]


# --- policies --------------------------------------------------------------------------------------------------------


def _changed(policy: CompiledPolicy, **changes: object) -> CompiledPolicy:
    # A copy would keep what the policy has cached of its rules.
    values: dict[str, Any] = {name: getattr(policy, name) for name in CompiledPolicy.model_fields} | changes
    made = CompiledPolicy.model_construct(None, **values)
    return CompiledPolicy.model_construct(None, **values | {"digest": compute_digest(made)})


def _without(policy: CompiledPolicy, rule: Rule) -> CompiledPolicy:
    """Without a rule, and without the exceptions that are to nothing then."""
    gone = {rule.name}
    rules = [other for other in policy.rules if other is not rule]
    while True:
        orphans = {other.name for other in rules if other.exception_to and gone.issuperset(other.exception_to)}
        if not orphans:
            break
        gone |= orphans
        rules = [other for other in rules if other.name not in orphans]
    kept = tuple(
        other.model_copy(update={"exception_to": tuple(name for name in other.exception_to if name not in gone)})
        for other in rules
    )
    tables = tuple(
        table.model_copy(update={"rows": tuple(row for row in table.rows if row not in gone)})
        for table in policy.tables
    )
    return _changed(policy, rules=kept, tables=tables)


def _below(policy: CompiledPolicy, rule: Rule) -> set[str]:
    """The rule, the exceptions to it, and to these, downwards."""
    found = {rule.name}
    while True:
        more = {other.name for other in policy.rules if found.intersection(other.exception_to)} - found
        if not more:
            return found
        found |= more
