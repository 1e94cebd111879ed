"""Small slips that an author could make: a policy with one of them each, for its examples and claims to notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from safecot_dsl.artifact import CompiledPolicy, Rule, Verdict
from safecot_dsl.artifact.policy import compute_digest
from safecot_dsl.engine import show_condition
from safecot_dsl.testing.mutants_conditions import CONDITION_OPERATORS, Place, parts


@dataclass(frozen=True)
class Mutant:
    """A policy with one slip in it.

    `operator` is what kind of slip, `rule` the rule that has it (None for `default` and `unsure`), `key` its place in
    the source map of the policy. `before` and `after` are what was written and what stands there now, as an author
    writes it, `after` empty where something was left out. `slip` is what makes the one policy of the other.
    """

    operator: str
    rule: str | None
    key: str
    before: str
    after: str
    original: CompiledPolicy = field(repr=False, compare=False)
    slip: Rule | Verdict | None = field(repr=False)

    @cached_property
    def policy(self) -> CompiledPolicy:
        """The policy with the slip in it: a whole artifact with a digest of its own.

        Of a rule that was left out, the exceptions to it alone are left out too; examples may still name it.
        """
        draft = self.draft()
        return draft.with_content(digest=compute_digest(draft))

    def draft(self) -> CompiledPolicy:
        """The same, but with the digest of the policy that it was made from: it decides alike, and is made in a tenth
        of the time."""
        rule = None if self.rule is None else self.original.rule_index[self.rule]
        if rule is None:
            return self.original.with_content(**{self.key: self.slip})
        if self.slip is None:
            return _without(self.original, rule)
        return self.original.with_content(rules=tuple(self.slip if r is rule else r for r in self.original.rules))

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
    surroundings = Surroundings(policy)
    seen: set[Rule] = set(policy.rules)
    for rule in policy.rules:
        for operator, change in _rule_changes(surroundings, rule):
            if change.rule is None or change.rule not in seen:
                key = f"rule:{rule.name}{change.part}"
                yield Mutant(operator, rule.name, key, change.before, change.after, policy, change.rule)
            if change.rule is not None:
                seen.add(change.rule)
    for name in ("default", "unsure"):
        verdict: Verdict = getattr(policy, name)
        for other in _neighbours(verdict):
            yield Mutant(f"{name} changed", None, name, f"{name} {verdict}", f"{name} {other}", policy, other)


@dataclass(frozen=True)
class Change:
    """What an operator makes of a rule: another one, or None where it is left out. Its place's key ends in `part`."""

    rule: Rule | None
    before: str
    after: str
    part: str = ""


class Surroundings(Place):
    """What operators have to know of the policy, with the exceptions to each rule."""

    def __init__(self, policy: CompiledPolicy) -> None:
        super().__init__(policy)
        self._exceptions: dict[str, list[str]] = {rule.name: [] for rule in policy.rules}
        for rule in policy.rules:
            for parent in rule.exception_to:
                self._exceptions[parent].append(rule.name)

    def below(self, rule: Rule) -> set[str]:
        """The rule, the exceptions to it, and to these, downwards."""
        found, pending = {rule.name}, [rule.name]
        while pending:
            more = [name for name in self._exceptions[pending.pop()] if name not in found]
            found.update(more)
            pending += more
        return found


RuleOperator = Callable[[Surroundings, Rule], Iterator[Change]]


def _rule_changes(surroundings: Surroundings, rule: Rule) -> Iterator[tuple[str, Change]]:
    for name, operator in RULE_OPERATORS.items():
        for change in operator(surroundings, rule):
            yield name, change
    for part in ("when", "unless"):
        condition = getattr(rule, part)
        if condition is None:
            continue
        for node in parts(condition):
            for name, operator in CONDITION_OPERATORS.items():
                for slip in operator(surroundings, node.condition):
                    changed = rule.model_copy(update={part: node.rebuilt(slip.condition)})
                    after = "" if slip.dropped is not None else node.shown(slip.condition)
                    before = show_condition(slip.dropped) if slip.dropped is not None else node.shown(node.condition)
                    yield name, Change(changed, before, after, f".{part}")


# --- rules -----------------------------------------------------------------------------------------------------------


def _declared(rule: Rule, parents: tuple[str, ...] | None = None) -> str:
    parents = rule.exception_to if parents is None else parents
    return f"exception {rule.name} to {', '.join(parents)}" if parents else f"rule {rule.name}"


def _left_out(surroundings: Surroundings, rule: Rule) -> Iterator[Change]:
    del surroundings
    kind = "exception" if rule.exception_to else "rule"
    yield Change(None, f"{kind} {rule.name}", "")


def _without_unless(surroundings: Surroundings, rule: Rule) -> Iterator[Change]:
    del surroundings
    if rule.unless is not None:
        before = f"unless {show_condition(rule.unless)}"
        yield Change(rule.model_copy(update={"unless": None}), before, "", ".unless")


def _other_verdict(surroundings: Surroundings, rule: Rule) -> Iterator[Change]:
    del surroundings
    for verdict in _neighbours(rule.verdict):
        changed = rule.model_copy(update={"verdict": verdict})
        yield Change(changed, f"verdict {rule.verdict}", f"verdict {verdict}", ".verdict")


def _other_unsure(surroundings: Surroundings, rule: Rule) -> Iterator[Change]:
    if rule.unsure is None:
        return
    before = f"unsure {rule.unsure}"
    for verdict in _neighbours(rule.unsure):
        yield Change(rule.model_copy(update={"unsure": verdict}), before, f"unsure {verdict}", ".unsure")
    if rule.unsure is not surroundings.policy.unsure:
        yield Change(rule.model_copy(update={"unsure": None}), before, "", ".unsure")


def _other_parents(surroundings: Surroundings, rule: Rule) -> Iterator[Change]:
    """An exception to one rule less, to the next rule instead, and to none: a rule of its own."""
    if not rule.exception_to:
        return
    below = surroundings.below(rule)
    names = [other.name for other in surroundings.policy.rules if other.name not in below]
    for parent in rule.exception_to:
        others = tuple(name for name in rule.exception_to if name != parent)
        if others:
            yield _reparented(rule, others)
        later = names[names.index(parent) + 1 :] + names[: names.index(parent)]
        chosen = next((name for name in later if name not in rule.exception_to), None)
        if chosen is not None:
            yield _reparented(rule, tuple(chosen if name == parent else name for name in rule.exception_to))
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


def _without(policy: CompiledPolicy, rule: Rule) -> CompiledPolicy:
    """Without a rule, and without the exceptions that are to nothing then."""
    gone = {rule.name}
    pending = [other for other in policy.rules if other.exception_to]
    while orphans := [other for other in pending if gone.issuperset(other.exception_to)]:
        gone.update(other.name for other in orphans)
        pending = [other for other in pending if other.name not in gone]
    kept = tuple(
        other.model_copy(update={"exception_to": tuple(name for name in other.exception_to if name not in gone)})
        for other in policy.rules
        if other.name not in gone
    )
    tables = tuple(
        table.model_copy(update={"rows": tuple(row for row in table.rows if row not in gone)})
        for table in policy.tables
    )
    return policy.with_content(rules=kept, tables=tables)
