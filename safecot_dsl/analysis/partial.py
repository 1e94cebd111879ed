"""What a policy says of cases in which facts are unknown, as Boolean formulas.

A condition in strong Kleene logic is two formulas: that it is yes, and that it is yes or maybe. The numbers in
comments are those of the language charter's *semantics*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import z3

from safecot_dsl.analysis.logic import at_least, negation, variable
from safecot_dsl.analysis.space import Space
from safecot_dsl.artifact import And, AtLeast, CompiledPolicy, Condition, Not, Or, Proposed, Rule, Value, Verdict
from safecot_dsl.engine import Truth, evaluate
from safecot_dsl.engine.order import parents_first


class KleeneFormula(NamedTuple):
    """`yes`: it is yes. `may`: it is yes or maybe."""

    yes: z3.BoolRef
    may: z3.BoolRef


class PartialEncoding(Space):
    """The cases of one policy, or of several, with any of the facts unknown, and what each policy says of them."""

    def __init__(
        self,
        *policies: CompiledPolicy,
        conditions: Iterable[Condition] = (),
        prefix: str = "",
        context: z3.Context | None = None,
    ) -> None:
        super().__init__(*policies, prefix=prefix, context=context)
        self.known = {name: variable(f"{prefix}{name} known", self.context) for name in self.facts}
        self._kleene: dict[tuple[object, ...], KleeneFormula] = {}
        self._supposed = {
            id(policy): {
                fact.name: frozenset(fact.assume) if isinstance(fact.assume, tuple) else fact.assume
                for fact in policy.facts
                if fact.assume is not None
            }
            for policy in policies
        }
        for condition in conditions:
            self.condition(condition)
        for policy in policies:
            order = parents_first(policy)
            for rule in order:
                self.applies(policy, rule)
            for rule in reversed(order):
                for verdict in list(Verdict)[1:]:
                    self._laxer(policy, rule, verdict)

    # --- conditions and rules ---

    def truth(self, policy: CompiledPolicy, condition: Condition) -> KleeneFormula:
        """1. A condition over facts, with the policy's suppositions filled in."""
        match condition:
            case Not(item=item):
                yes, may = self.truth(policy, item)
                return KleeneFormula(negation(may), negation(yes))
            case And(items=items):
                parts = [self.truth(policy, item) for item in items]
                return KleeneFormula(self._all(*(p.yes for p in parts)), self._all(*(p.may for p in parts)))
            case Or(items=items):
                parts = [self.truth(policy, item) for item in items]
                return KleeneFormula(self._any(p.yes for p in parts), self._any(p.may for p in parts))
            case AtLeast(count=count, items=items):
                parts = [self.truth(policy, item) for item in items]
                return KleeneFormula(at_least(count, (p.yes for p in parts)), at_least(count, (p.may for p in parts)))
            case Proposed():
                raise TypeError("a proposition is no condition over facts")
            case atom:
                known = self.known[atom.fact]
                supposed: Value | None = self._supposed[id(policy)].get(atom.fact)
                truth = Truth.MAYBE if supposed is None else evaluate(atom, {atom.fact: supposed})
                return KleeneFormula(
                    self._known_or(known, self.condition(atom), truth is Truth.YES),
                    self._known_or(known, self.domains[atom.fact].may(atom), truth is not Truth.NO),
                )

    def _known_or(self, known: z3.BoolRef, holds: z3.BoolRef, otherwise: bool) -> z3.BoolRef:
        """Where the fact is known what its value says, elsewhere what is supposed."""
        return self._any((negation(known), holds)) if otherwise else self._all(known, holds)

    def _named(self, key: tuple[object, ...], formula: Callable[[], KleeneFormula]) -> KleeneFormula:
        if key not in self._kleene:
            yes, may = formula()
            self._kleene[key] = KleeneFormula(
                self._defined((*key, "yes"), lambda: yes), self._defined((*key, "may"), lambda: may)
            )
        return self._kleene[key]

    def applies(self, policy: CompiledPolicy, rule: Rule) -> KleeneFormula:
        """2. The rule applies."""

        def formula() -> KleeneFormula:
            parts = [self.truth(policy, rule.when)]
            if rule.unless is not None:
                parts.append(self.truth(policy, Not(item=rule.unless)))
            if rule.exception_to:
                parents = [self.applies(policy, policy.rule_index[name]) for name in rule.exception_to]
                parts.append(KleeneFormula(self._any(p.yes for p in parents), self._any(p.may for p in parents)))
            return KleeneFormula(self._all(*(p.yes for p in parts)), self._all(*(p.may for p in parts)))

        return self._named(("applies", id(policy), rule.name), formula)

    def effective(self, policy: CompiledPolicy, rule: Rule) -> KleeneFormula:
        """3. The rule applies and no exception to it does."""
        exceptions = self._exceptions[id(policy)][rule.name]
        if not exceptions:
            return self.applies(policy, rule)

        def formula() -> KleeneFormula:
            own = self.applies(policy, rule)
            against = [self.applies(policy, exception) for exception in exceptions]
            return KleeneFormula(
                self._all(own.yes, *(negation(a.may) for a in against)),
                self._all(own.may, *(negation(a.yes) for a in against)),
            )

        return self._named(("effective", id(policy), rule.name), formula)

    def maybe_effective(self, policy: CompiledPolicy, rule: Rule) -> z3.BoolRef:
        """4. The rule is in M."""
        yes, may = self.effective(policy, rule)
        return self._all(may, negation(yes))

    # --- bounds and verdict ---

    def in_force(self, policy: CompiledPolicy) -> z3.BoolRef:
        """4. S is not empty: some rule applies for certain."""
        return self._defined(
            ("in force", id(policy)), lambda: self._any(self.applies(policy, rule).yes for rule in policy.rules)
        )

    def _laxer(self, policy: CompiledPolicy, rule: Rule, verdict: Verdict) -> z3.BoolRef:
        """4. Of the rule and what may replace it, one in C or M is laxer than the verdict."""
        if verdict is Verdict.COMPLY:
            return self._any(())  # and no chain of exceptions is walked for it

        def formula() -> z3.BoolRef:
            parts = [
                self._all(self.applies(policy, exception).may, self._laxer(policy, exception, verdict))
                for exception in self._exceptions[id(policy)][rule.name]
            ]
            if rule.verdict.strictness < verdict.strictness:
                parts.append(self.effective(policy, rule).may)
            return self._any(parts)

        return self._defined(("laxer", id(policy), rule.name, verdict), formula)

    def _some_may(self, policy: CompiledPolicy, verdicts: Iterable[Verdict]) -> z3.BoolRef:
        """Some rule with one of these verdicts is in C or M."""
        return self._any(
            self._defined(
                ("may", id(policy), verdict),
                lambda verdict=verdict: self._any(
                    self.effective(policy, rule).may for rule in policy.rules if rule.verdict is verdict
                ),
            )
            for verdict in verdicts
        )

    def lower_at_least(self, policy: CompiledPolicy, verdict: Verdict) -> z3.BoolRef:
        """4. `lower` is this verdict or a stricter one."""

        def formula() -> z3.BoolRef:
            held = self._any(
                self._all(self.applies(policy, rule).yes, negation(self._laxer(policy, rule, verdict)))
                for rule in policy.rules
            )
            if policy.default.strictness < verdict.strictness:
                return held
            laxer = [v for v in Verdict if v.strictness < verdict.strictness]
            return self._any(
                (held, self._all(negation(self.in_force(policy)), negation(self._some_may(policy, laxer))))
            )

        return self._defined(("lower", id(policy), verdict), formula)

    def upper_at_least(self, policy: CompiledPolicy, verdict: Verdict) -> z3.BoolRef:
        """4. `upper` is this verdict or a stricter one."""

        def formula() -> z3.BoolRef:
            parts = [self._some_may(policy, (v for v in Verdict if v.strictness >= verdict.strictness))]
            if policy.default.strictness >= verdict.strictness:
                parts.append(negation(self.in_force(policy)))
            return self._any(parts)

        return self._defined(("upper", id(policy), verdict), formula)

    def ambiguous(self, policy: CompiledPolicy) -> z3.BoolRef:
        """5. `lower` is laxer than `upper`."""
        return self._defined(
            ("ambiguous", id(policy)),
            lambda: self._any(
                self._all(self.upper_at_least(policy, verdict), negation(self.lower_at_least(policy, verdict)))
                for verdict in list(Verdict)[1:]
            ),
        )

    def matters(self, policy: CompiledPolicy, rule: Rule) -> z3.BoolRef:
        """5. The rule is one of those of M whose `unsure` counts, where the case is ambiguous."""
        return self._defined(
            ("matters", id(policy), rule.name),
            lambda: self._all(
                self.maybe_effective(policy, rule),
                self._any((negation(self.in_force(policy)), negation(self.lower_at_least(policy, rule.verdict)))),
            ),
        )

    def verdict_at_least(self, policy: CompiledPolicy, verdict: Verdict) -> z3.BoolRef:
        """5. The verdict of the case is this one or a stricter one."""

        def formula() -> z3.BoolRef:
            unsure = self._any(
                self.matters(policy, rule)
                for rule in policy.rules
                if (rule.unsure or policy.unsure).strictness >= verdict.strictness
            )
            return self._any((self.lower_at_least(policy, verdict), self._all(self.ambiguous(policy), unsure)))

        return self._defined(("verdict", id(policy), verdict), formula)

    def certainly(self, policy: CompiledPolicy, verdict: Verdict) -> z3.BoolRef:
        """Both bounds are this verdict."""
        above = [v for v in Verdict if v.strictness == verdict.strictness + 1]
        return self._all(
            self.lower_at_least(policy, verdict), *(negation(self.upper_at_least(policy, v)) for v in above)
        )

    def decides(self, policy: CompiledPolicy, rule: Rule) -> z3.BoolRef:
        """6. The rule is in C, and the case is certain and has its verdict."""
        return self._all(self.effective(policy, rule).yes, self.certainly(policy, rule.verdict))

    def bits(self) -> list[z3.BoolRef]:
        return [bit for name, each in self.domains.items() for bit in (self.known[name], *each.bits)]

    def is_known(self, name: str, holds: Callable[[z3.BoolRef], bool]) -> bool:
        return holds(self.known[name])
