"""Where a policy and a mutant of it decide differently, and which claims the mutant breaks: asked of the solver."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from safecot_dsl.analysis.asking import Satisfiability, Solver, SolverAnswer
from safecot_dsl.analysis.claims import law_proof, property_proof
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.examination import Examination
from safecot_dsl.analysis.limits import Limits
from safecot_dsl.analysis.logic import all_of, any_of, negation, same
from safecot_dsl.analysis.partial import PartialEncoding
from safecot_dsl.artifact import CompiledPolicy, Law, Property, Verdict

if TYPE_CHECKING:
    import z3

NO_LIMIT = float("inf")


def refuted(policy: CompiledPolicy, seconds: float) -> Property | Law | None:
    """A property or law of the policy that does not hold of it, as far as that is found in time."""
    if not policy.properties and not policy.laws:
        return None
    examination = Examination(policy, Limits(seconds, NO_LIMIT))
    for claim in policy.properties:
        if property_proof(examination, claim).outcome == "refuted":
            return claim
    return next((law for law in policy.laws if law_proof(examination, law).outcome == "refuted"), None)


class MutantComparison:
    """A policy and a mutant of it, over one set of variables. Every question has `seconds` to be answered in."""

    def __init__(self, policy: CompiledPolicy, mutant: CompiledPolicy, seconds: float) -> None:
        self._policy, self._mutant, self._seconds = policy, mutant, seconds
        #: Whether it stayed open if the two give every case the same verdict.
        self.undecided = False

    @cached_property
    def _complete(self) -> Encoding:
        given = [claim.given for claim in self._policy.properties if claim.given is not None]
        return Encoding(self._policy, self._mutant, conditions=given)

    @cached_property
    def _asker(self) -> Solver:
        return Solver(self._complete, seconds_each=self._seconds, seconds_in_all=NO_LIMIT)

    def other_verdict(self) -> SolverAnswer:
        """A complete case of which the two give different verdicts."""
        return self._noted(self._asker.ask(_differ(self._complete, self._policy, self._mutant)))

    def _noted(self, answer: SolverAnswer) -> SolverAnswer:
        self.undecided |= answer.outcome is Satisfiability.UNDECIDED
        return answer

    def breaking(self, claims: tuple[Property, ...]) -> SolverAnswer:
        """A complete case that shows that the mutant breaks one of the properties."""
        encoding = self._complete
        broken = any_of(
            (
                all_of(
                    [
                        *([] if claim.given is None else [encoding.condition(claim.given)]),
                        *(negation(encoding.verdict_is(self._mutant, verdict)) for verdict in claim.expect),
                    ],
                    encoding.context,
                )
                for claim in claims
            ),
            encoding.context,
        )
        return self._asker.ask(broken)

    def broken_law(self, laws: tuple[Law, ...]) -> Law | None:
        """The first law that the mutant breaks, as far as there was time to find one."""
        examination = Examination(self._mutant, Limits(self._seconds, NO_LIMIT))
        return next((law for law in laws if law_proof(examination, law).outcome == "refuted"), None)

    def other_verdict_in_ignorance(self) -> SolverAnswer:
        """A case, with any facts unknown, of which the two give different verdicts."""
        encoding = PartialEncoding(self._policy, self._mutant)
        asker = Solver(encoding, seconds_each=self._seconds, seconds_in_all=NO_LIMIT)
        return self._noted(asker.ask(_differ(encoding, self._policy, self._mutant)))

    def other_deciders(self) -> SolverAnswer:
        """A complete case that different rules decide in the two."""
        encoding, ours, theirs = self._complete, self._policy.rule_index, self._mutant.rule_index
        turned = [
            negation(same(encoding.decides(self._policy, ours[name]), encoding.decides(self._mutant, theirs[name])))
            for name in ours
            if name in theirs
        ]
        turned += [encoding.decides(self._policy, rule) for name, rule in ours.items() if name not in theirs]
        return self._asker.ask(any_of(turned, encoding.context))


def _differ(encoding: Encoding | PartialEncoding, policy: CompiledPolicy, mutant: CompiledPolicy) -> z3.BoolRef:
    return any_of(
        (
            negation(same(encoding.verdict_at_least(policy, verdict), encoding.verdict_at_least(mutant, verdict)))
            for verdict in list(Verdict)[1:]
        ),
        encoding.context,
    )
