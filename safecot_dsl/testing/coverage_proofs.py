"""Cases that meet a goal, asked of the solver."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from safecot_dsl.analysis.asking import Satisfiability, Solver, SolverAnswer
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.logic import all_of, any_of, negation, same, signed
from safecot_dsl.analysis.partial import PartialEncoding
from safecot_dsl.artifact import CompiledPolicy, Rule
from safecot_dsl.engine.order import parents_first
from safecot_dsl.testing.coverage_goals import Ambiguous, Decides, Goal, NoRule, Turns

if TYPE_CHECKING:
    import z3


class Finder:
    """Finds cases of a policy. Every question has `seconds` to be answered in.

    All but ambiguous ones are complete where they can be: what an incomplete case exercises, a completion of it mostly
    does too. Not where a condition is yes of every value and maybe of none: then `default` may speak, or a rule decide,
    only for as long as nobody knows the value.
    """

    def __init__(self, policy: CompiledPolicy, seconds: float) -> None:
        self._policy, self._seconds = policy, seconds

    @cached_property
    def _complete(self) -> tuple[Encoding, Solver]:
        encoding = Encoding(self._policy)
        return encoding, Solver(encoding, seconds_each=self._seconds, seconds_in_all=float("inf"))

    @cached_property
    def _incomplete(self) -> tuple[PartialEncoding, Solver]:
        encoding = PartialEncoding(self._policy)
        return encoding, Solver(encoding, seconds_each=self._seconds, seconds_in_all=float("inf"))

    def find(self, goal: Goal) -> SolverAnswer:
        """The plainest case that meets the goal."""
        if isinstance(goal, Ambiguous):
            encoding, asker = self._incomplete
            claims = [encoding.ambiguous(self._policy)]
            if goal.rule is not None:
                claims.append(encoding.matters(self._policy, goal.rule))
            return asker.ask(*claims)
        encoding, asker = self._complete
        answer = asker.ask(*self._claims(encoding, goal))
        if answer.outcome is not Satisfiability.UNSAT or isinstance(goal, Turns):
            return answer
        encoding, asker = self._incomplete
        if isinstance(goal, Decides):
            return asker.ask(self._decides(encoding, goal.rule))
        return asker.ask(negation(encoding.ambiguous(self._policy)), negation(encoding.in_force(self._policy)))

    def _decides(self, encoding: PartialEncoding, rule: Rule) -> z3.BoolRef:
        """Semantics 6, of an incomplete case: the rule is one of C with the verdict or, where C has none of these, one
        of M with it that is in S or may replace one in S."""
        policy, context = self._policy, encoding.context
        in_c = [encoding.effective(policy, other).yes for other in policy.rules if other.verdict is rule.verdict]
        from_m = all_of(
            [
                negation(any_of(in_c, context)),
                encoding.maybe_effective(policy, rule),
                self._standing(encoding, rule),
            ],
            context,
        )
        decided = any_of([encoding.effective(policy, rule).yes, from_m], context)
        return all_of([encoding.certainly(policy, rule.verdict), decided], context)

    def _standing(self, encoding: PartialEncoding, rule: Rule) -> z3.BoolRef:
        """Semantics 4: the rule is in S, or may replace one in S."""
        policy = self._policy
        standing: dict[str, z3.BoolRef] = {}
        for each in parents_first(policy):
            yes, may = encoding.applies(policy, each)
            above = any_of([standing[name] for name in each.exception_to], encoding.context)
            standing[each.name] = any_of([yes, all_of([may, above], encoding.context)], encoding.context)
        return standing[rule.name]

    def _claims(self, encoding: Encoding, goal: Decides | Turns | NoRule) -> list[z3.BoolRef]:
        policy = self._policy
        match goal:
            case Decides(rule=rule):
                return [encoding.decides(policy, rule)]
            case NoRule():
                return [encoding.default_holds(policy)]
            case Turns(rule=rule):
                claims = [
                    signed(encoding.condition(goal.atom), goal.yes),
                    negation(same(encoding.condition(goal.with_yes), encoding.condition(goal.with_no))),
                ]
                if rule.exception_to:
                    parents = (encoding.applies(policy, policy.rule_index[name]) for name in rule.exception_to)
                    claims.append(any_of(parents, encoding.context))
                return claims
