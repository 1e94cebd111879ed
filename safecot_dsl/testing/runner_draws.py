"""Claims tried on cases that Hypothesis draws and the interpreter decides."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from safecot_dsl.artifact import Case, CompiledPolicy, Law, Property
from safecot_dsl.engine import Truth, evaluate
from safecot_dsl.errors import NoSuchCaseError, UndecidedError
from safecot_dsl.testing import laws
from safecot_dsl.testing.laws_language import Tried
from safecot_dsl.testing.laws_trials import PolicyUnderTest
from safecot_dsl.testing.strategies import cases


@dataclass(frozen=True)
class DrawnCases:
    """What came of drawing: how many cases (of a law: pairs) a claim speaks of were drawn, and if it is `broken` the
    plainest that break it: of a law the case before the change, and the one after. It is `vacuous` where the solver
    rules out every case of which it speaks."""

    count: int
    vacuous: bool = False
    cases: tuple[Case, ...] = ()

    @property
    def broken(self) -> bool:
        return bool(self.cases)


class ClaimDraws:
    """Draws `examples` cases for each claim on a policy, the same for equal seeds."""

    def __init__(self, policy: CompiledPolicy, examples: int, seed: int) -> None:
        self._policy, self._examples, self._seed = policy, examples, seed
        self._tested = PolicyUnderTest(policy)

    def of(self, claim: Property | Law) -> DrawnCases:
        """Raises AssertionError where a case is not as it was asked of the solver."""
        count = 0

        def counted(tried: Tried) -> Tried:
            nonlocal count
            shown = tried[1]
            # A fact that cannot change as a law says makes no pair.
            count += bool(shown) and (len(shown) == 1 or shown[0].case != shown[1].case)
            return tried

        tries = self._property(claim) if isinstance(claim, Property) else self._law(claim)
        law = laws.PolicyLaw(claim.name, lambda tested: tries.map(counted))
        try:
            laws.check(self._policy, law, examples=self._examples, seed=self._seed)
        except laws.LawBrokenError as error:
            return DrawnCases(count, cases=tuple(shown.case for shown in error.trial.shown))
        except UndecidedError:
            pass  # nobody can say in time which cases it speaks of
        return DrawnCases(count, vacuous=not count and self._speaks_of_none(claim))

    def _speaks_of_none(self, claim: Property | Law) -> bool:
        try:
            cases(self._policy, where=claim.given)
        except NoSuchCaseError:
            return True
        except UndecidedError:
            return False
        return False

    def _law(self, claim: Law) -> SearchStrategy[Tried]:
        return laws.declared(claim).attempts(self._tested)

    def _property(self, claim: Property) -> SearchStrategy[Tried]:
        @st.composite
        def tried(draw: DrawFn) -> Tried:
            case = draw(drawn)
            if claim.given is not None and evaluate(claim.given, case.known) is not Truth.YES:
                return None, ()
            decision = self._tested.decide(case)
            fault = None if decision.verdict in claim.expect else f"the verdict is `{decision.verdict}`"
            return fault, (self._tested.shown(claim.name, case, decision),)

        drawn = self._tested.complete
        if claim.given is not None:
            # Some are drawn freely, so that the solver cannot keep out a case that it takes to be none of these.
            with suppress(NoSuchCaseError, UndecidedError):
                drawn = st.one_of(cases(self._policy, where=claim.given), drawn)
        return tried()
