"""Two complete cases that differ in one fact at most."""

from __future__ import annotations

from collections.abc import Iterable

import z3

from safecot_dsl.analysis.domains import NumberDomain, OneOfDomain, SetDomain
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.logic import all_of, any_of, at_most, implies, negation, same, variable
from safecot_dsl.artifact import CompiledPolicy, Condition, Law, Verdict, is_one_of


class CasePair:
    """`one` case and the `other`; `changed` says of each fact whether it may differ, and of one at most it may."""

    def __init__(self, policy: CompiledPolicy, conditions: Iterable[Condition]) -> None:
        self.policy = policy
        conditions = tuple(conditions)
        self.one = Encoding(policy, conditions=conditions)
        self.other = Encoding(policy, conditions=conditions, prefix="other ", context=self.one.context)
        self.changed = {name: variable(f"changed {name}", self.one.context) for name in self.one.facts}
        # Everything that conditions read has its variables by now: the two have the same ones.
        for name, may_differ in self.changed.items():
            self.other.axioms += [
                implies(negation(may_differ), same(a, b))
                for a, b in zip(self.one.domains[name].bits, self.other.domains[name].bits, strict=True)
            ]
        if len(self.changed) > 1:
            self.other.axioms.append(at_most(1, self.changed.values()))

    def only(self, fact: str) -> list[z3.BoolRef]:
        """No other fact differs."""
        return [negation(may_differ) for name, may_differ in self.changed.items() if name != fact]

    def laxer(self) -> z3.BoolRef:
        """The other case's verdict is laxer than the one's."""
        return self._below(self.other, self.one)

    def stricter(self) -> z3.BoolRef:
        """The other case's verdict is stricter than the one's."""
        return self._below(self.one, self.other)

    def _below(self, low: Encoding, high: Encoding) -> z3.BoolRef:
        steps = [
            all_of(
                (high.verdict_at_least(self.policy, verdict), negation(low.verdict_at_least(self.policy, verdict))),
                high.context,
            )
            for verdict in list(Verdict)[1:]
        ]
        return any_of(steps, high.context)

    def change(self, law: Law) -> z3.BoolRef:
        """The fact of a law changes from the one case to the other as the law says."""
        one, other = self.one.domains[law.fact], self.other.domains[law.fact]
        context = self.one.context
        match one, other:
            case SetDomain(), SetDomain():
                # One member more, and it is one of the law's.
                gained = {m: all_of((negation(bit), other.has[m]), context) for m, bit in one.has.items()}
                kept = [implies(bit, other.has[m]) for m, bit in one.has.items()]
                some = any_of((gained[m] for m in law.values if m in gained), context)
                return all_of((*kept, some, at_most(1, gained.values())), context)
            case NumberDomain(), NumberDomain():
                low, high = (one, other) if law.change == "rises" else (other, one)
                passed = [all_of((negation(a), b), context) for a, b in zip(low.bits, high.bits, strict=True)]
                return any_of(passed, context)
            case OneOfDomain(), OneOfDomain():
                return other.atom(is_one_of(self.one.facts[law.fact], law.values))
            case _:
                yes = other.bits[0]
                return yes if law.values == ("yes",) else negation(yes)
