"""Cases that meet a goal, asked of the solver."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from safecot_dsl.analysis.asking import Answer, Asker
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.logic import any_of, negation, same, signed
from safecot_dsl.analysis.partial import PartialEncoding
from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.testing.coverage_goals import Ambiguous, Decides, Goal, NoRule, Turns

if TYPE_CHECKING:
    import z3


class Finder:
    """Finds cases of a policy. Every question has `seconds` to be answered in.

    All but ambiguous ones are complete: what an incomplete case exercises, a completion of it does too.
    """

    def __init__(self, policy: CompiledPolicy, seconds: float) -> None:
        self._policy, self._seconds = policy, seconds

    @cached_property
    def _complete(self) -> tuple[Encoding, Asker]:
        encoding = Encoding(self._policy)
        return encoding, Asker(encoding, seconds_each=self._seconds, seconds_in_all=float("inf"))

    @cached_property
    def _incomplete(self) -> tuple[PartialEncoding, Asker]:
        encoding = PartialEncoding(self._policy)
        return encoding, Asker(encoding, seconds_each=self._seconds, seconds_in_all=float("inf"))

    def find(self, goal: Goal) -> Answer:
        """The plainest case that meets the goal."""
        if isinstance(goal, Ambiguous):
            encoding, asker = self._incomplete
            claims = [encoding.ambiguous(self._policy)]
            if goal.rule is not None:
                claims.append(encoding.matters(self._policy, goal.rule))
            return asker.ask(*claims)
        encoding, asker = self._complete
        return asker.ask(*self._claims(encoding, goal))

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
