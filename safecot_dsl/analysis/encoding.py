"""What a policy says of complete cases, as Boolean formulas."""

from __future__ import annotations

from collections.abc import Iterable

import z3

from safecot_dsl.analysis.asking import Satisfiability, Solver, SolverAnswer
from safecot_dsl.analysis.domains import OneOfDomain
from safecot_dsl.analysis.logic import negation
from safecot_dsl.analysis.space import Space
from safecot_dsl.artifact import CompiledPolicy, Condition, Rule, Verdict
from safecot_dsl.engine.order import parents_first

__all__ = ["Encoding", "Satisfiability", "Solver", "SolverAnswer"]


class Encoding(Space):
    """The complete cases of one policy, or of several, and what each says of them.

    `conditions` are seen from the start besides the policies' own.
    """

    def __init__(
        self,
        *policies: CompiledPolicy,
        conditions: Iterable[Condition] = (),
        prefix: str = "",
        context: z3.Context | None = None,
    ) -> None:
        super().__init__(*policies, prefix=prefix, context=context)
        # A complete case has leaves.
        self.axioms += [each.is_leaf() for each in self.domains.values() if isinstance(each, OneOfDomain)]
        for condition in conditions:
            self.condition(condition)
        for policy in policies:
            # Parents first: no chain of exceptions is as deep as Python's stack.
            for rule in parents_first(policy):
                self.applies(policy, rule)

    def own(self, policy: CompiledPolicy, rule: Rule) -> z3.BoolRef:
        """The rule's `when` and not its `unless`, whether or not a rule that it is an exception to applies."""

        def formula() -> z3.BoolRef:
            when = self.condition(rule.when)
            return when if rule.unless is None else self._all(when, negation(self.condition(rule.unless)))

        return self._defined(("own", id(policy), rule.name), formula)

    def applies(self, policy: CompiledPolicy, rule: Rule) -> z3.BoolRef:
        """Semantics 2: the rule applies."""
        if not rule.exception_to:
            return self.own(policy, rule)
        parents = [policy.rule_index[name] for name in rule.exception_to]
        return self._defined(
            ("applies", id(policy), rule.name),
            lambda: self._all(self.own(policy, rule), self._any(self.applies(policy, parent) for parent in parents)),
        )

    def effective(self, policy: CompiledPolicy, rule: Rule) -> z3.BoolRef:
        """Semantics 3: the rule applies and no exception to it does."""
        exceptions = self._exceptions[id(policy)][rule.name]
        if not exceptions:
            return self.applies(policy, rule)
        return self._defined(
            ("effective", id(policy), rule.name),
            lambda: self._all(
                self.applies(policy, rule), *(negation(self.applies(policy, exception)) for exception in exceptions)
            ),
        )

    def any_effective(self, policy: CompiledPolicy, verdict: Verdict) -> z3.BoolRef:
        """Some rule with this verdict is effective."""
        return self._defined(
            ("any effective", id(policy), verdict),
            lambda: self._any(self.effective(policy, rule) for rule in policy.rules if rule.verdict is verdict),
        )

    def default_holds(self, policy: CompiledPolicy) -> z3.BoolRef:
        """No rule is effective."""
        return self._defined(
            ("default", id(policy)),
            lambda: negation(self._any(self.any_effective(policy, verdict) for verdict in Verdict)),
        )

    def verdict_at_least(self, policy: CompiledPolicy, verdict: Verdict) -> z3.BoolRef:
        """The verdict of the case is this one or a stricter one."""

        def formula() -> z3.BoolRef:
            parts = [self.any_effective(policy, v) for v in Verdict if v.strictness >= verdict.strictness]
            if policy.default.strictness >= verdict.strictness:
                parts.append(self.default_holds(policy))
            return self._any(parts)

        return self._defined(("at least", id(policy), verdict), formula)

    def verdict_is(self, policy: CompiledPolicy, verdict: Verdict) -> z3.BoolRef:
        """The verdict of the case is this one."""
        stricter = [v for v in Verdict if v.strictness == verdict.strictness + 1]
        return self._all(
            self.verdict_at_least(policy, verdict), *(negation(self.verdict_at_least(policy, v)) for v in stricter)
        )

    def decides(self, policy: CompiledPolicy, rule: Rule) -> z3.BoolRef:
        """Semantics 6: the rule is one of the deciding rules."""
        return self._defined(
            ("decides", id(policy), rule.name),
            lambda: self._all(
                self.effective(policy, rule),
                *(
                    negation(self.any_effective(policy, verdict))
                    for verdict in Verdict
                    if verdict.strictness > rule.verdict.strictness
                ),
            ),
        )
