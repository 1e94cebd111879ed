"""The reference interpreter. The numbers in comments are those of the language charter's *semantics*."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from safecot_dsl.artifact import Case, CompiledPolicy, Condition, Decision, Rule, Value, Verdict, laxest, strictest
from safecot_dsl.engine.evaluate import evaluate, maybe_atoms
from safecot_dsl.engine.nearest import Nearest, changes
from safecot_dsl.engine.order import exceptions_of, parents_first
from safecot_dsl.engine.truth import Truth, conjunction, disjunction


@dataclass(frozen=True)
class Trace:
    """What a decision rests on: the case with suppositions filled in, and what became of every rule. Where the verdict
    is not certain, `matter` has the rules whose `unsure` set it."""

    case: Case
    decision: Decision
    applies: dict[str, Truth]
    effective: dict[str, Truth]
    matter: tuple[Rule, ...] = ()

    def truth(self, condition: Condition) -> Truth:
        """Any condition over facts, under this case."""
        return evaluate(condition, self.case.known)


class Interpreter:
    """A policy prepared for many cases. Stateless between calls."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self.policy = policy
        self.exceptions = exceptions_of(policy)
        self._order = parents_first(policy)
        self._severity = self._severities()
        self._suppositions = {fact.name: fact.assume for fact in policy.facts if fact.assume is not None}

    def _severities(self) -> dict[str, float]:
        severity: dict[str, float] = {}
        for rule in self._order:
            if rule.hazard is not None:
                severity[rule.name] = self.policy.hazards[rule.hazard].severity
            else:
                severity[rule.name] = max((severity[parent] for parent in rule.exception_to), default=0.0)
        return severity

    def severity(self, rule: Rule) -> float:
        """The severity of a rule's hazard; an exception without one has its parents' most severe, a rule 0."""
        return self._severity[rule.name]

    def suppose(self, case: Case) -> tuple[Case, dict[str, Any]]:
        """The case with suppositions filled in for unknown facts, and these suppositions in JSON form."""
        assumed = {name: value for name, value in self._suppositions.items() if name not in case.known}
        if not assumed:
            return case, {}
        known: dict[str, Value] = dict(case.known)
        for name, value in assumed.items():
            known[name] = frozenset(value) if isinstance(value, tuple) else value
        as_json = {name: sorted(v) if isinstance(v, tuple) else v for name, v in sorted(assumed.items())}
        return Case(known, case.cannot_tell - assumed.keys()), as_json

    def decide(self, case: Case) -> Decision:
        """The decision on a well-typed case (see :func:`safecot_dsl.artifact.read_case`). Never fails on one."""
        return self.trace(case).decision

    def trace(self, case: Case) -> Trace:
        """The decision with everything that it rests on."""
        case, assumed = self.suppose(case)
        known = case.known
        policy = self.policy

        # 2. A rule applies as its `when` and not its `unless`; an exception also needs a rule that it is to.
        applies: dict[str, Truth] = {}
        for rule in self._order:
            truth = evaluate(rule.when, known)
            if rule.unless is not None:
                truth = conjunction((truth, ~evaluate(rule.unless, known)))
            if rule.exception_to:
                truth = conjunction((truth, disjunction(applies[parent] for parent in rule.exception_to)))
            applies[rule.name] = truth

        # 3. A rule is effective as it applies and no exception to it applies.
        effective = {
            name: conjunction((applies[name], *(~applies[exception.name] for exception in exceptions)))
            if exceptions
            else applies[name]
            for name, exceptions in self.exceptions.items()
        }

        # 4. The bounds.
        certain_rules = [rule for rule in policy.rules if effective[rule.name] is Truth.YES]  # C
        maybe_rules = [rule for rule in policy.rules if effective[rule.name] is Truth.MAYBE]  # M
        in_force = [rule for rule in policy.rules if applies[rule.name] is Truth.YES]  # S
        replacing = {rule.name: self._may_replace(rule, applies) for rule in in_force}
        if in_force:
            lower = strictest(
                laxest(r.verdict for r in (rule, *replacing[rule.name]) if effective[r.name] is not Truth.NO)
                for rule in in_force
            )
            upper = strictest(rule.verdict for rule in (*certain_rules, *maybe_rules))
        else:
            lower = laxest((policy.default, *(rule.verdict for rule in maybe_rules)))
            upper = strictest((policy.default, *(rule.verdict for rule in maybe_rules)))

        # 5. and 6. The verdict, and who decided it.
        certain = lower is upper
        deciding: list[Rule] = []
        unsettled: set[str] = set()
        matter: list[Rule] = []
        if certain:
            verdict = lower
            if in_force:
                deciding = [rule for rule in certain_rules if rule.verdict is verdict]
                if not deciding:
                    reachable = {r.name for rule in in_force for r in (rule, *replacing[rule.name])}
                    deciding = [rule for rule in maybe_rules if rule.verdict is verdict and rule.name in reachable]
            speaker = self._speaker(deciding)
        else:
            matter = [r for r in maybe_rules if not in_force or r.verdict.strictness > lower.strictness]
            verdict = with_unsure(lower, matter, policy)
            unsettled = self._unsettled(matter, applies, case)
            speaker = "unsure"

        decision = Decision(
            verdict=verdict,
            lower=lower,
            upper=upper,
            certain=certain,
            deciding=_names(deciding),
            effective=_names(certain_rules),
            undecided=_names(maybe_rules),
            unsettled=tuple(sorted(unsettled)),
            speaker=speaker,
            assumed=assumed,
            policy=policy.digest,
        )
        return Trace(case, decision, applies, effective, tuple(matter))

    def _may_replace(self, rule: Rule, applies: dict[str, Truth]) -> list[Rule]:
        """The exceptions to `rule` that apply (yes or maybe), and what may replace those, downwards."""
        found: dict[str, Rule] = {}
        pending = [rule]
        while pending:
            for exception in self.exceptions[pending.pop().name]:
                if exception.name not in found and applies[exception.name] is not Truth.NO:
                    found[exception.name] = exception
                    pending.append(exception)
        return list(found.values())

    def _unsettled(self, matter: Iterable[Rule], applies: dict[str, Truth], case: Case) -> set[str]:
        """The facts that the maybe atoms read which one reaches from the rules that matter."""
        rules = self.policy.rule_index
        facts: set[str] = set()
        pending = [r for rule in matter for r in (rule, *self.exceptions[rule.name])]
        seen: set[str] = set()
        while pending:
            rule = pending.pop()
            if rule.name in seen or applies[rule.name] is not Truth.MAYBE:
                continue
            seen.add(rule.name)
            for condition in rule.conditions:
                facts.update(atom.fact for atom in maybe_atoms(condition, case.known))  # pyright: ignore[reportAttributeAccessIssue]
            if all(applies[parent] is not Truth.YES for parent in rule.exception_to):
                pending.extend(rules[parent] for parent in rule.exception_to)
        return facts

    def _speaker(self, deciding: list[Rule]) -> str:
        if not deciding:
            return "default"
        return min(deciding, key=lambda rule: (-self._severity[rule.name], rule.name)).name

    def nearest_rule(self, case: Case) -> Nearest | None:
        """Of the rules stricter than the default, the one that would apply by changing the fewest atoms.

        An atom that is so costs 0, any other 1; an exception adds its cheapest parent. Ties go to the strictest, the
        most severe, the first name. None where no rule is stricter than the default.
        """
        known = self.suppose(case)[0].known
        cost: dict[str, int] = {}
        for rule in self._order:
            cost[rule.name] = changes(rule.when, known)
            if rule.unless is not None:
                cost[rule.name] += changes(rule.unless, known, positive=False)
            if rule.exception_to:
                cost[rule.name] += min(cost[parent] for parent in rule.exception_to)
        candidates = [r for r in self.policy.rules if r.verdict.strictness > self.policy.default.strictness]
        if not candidates:
            return None
        rule = min(candidates, key=lambda r: (cost[r.name], -r.verdict.strictness, -self._severity[r.name], r.name))
        return Nearest(rule, cost[rule.name])


def with_unsure(lower: Verdict, matter: Iterable[Rule], policy: CompiledPolicy) -> Verdict:
    """The verdict where it is not certain, by the `unsure` of the rules that matter and the policy's own (charter,
    *semantics*, 6)."""
    return strictest((lower, *(rule.unsure or policy.unsure for rule in matter)))


def decide(policy: CompiledPolicy, case: Case) -> Decision:
    """The decision on one case; for many, prepare an :class:`Interpreter` once."""
    return Interpreter(policy).decide(case)


def _names(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(sorted(rule.name for rule in rules))
