"""Properties and laws, put to the solver and to drawn cases. The two know the policy by different ways."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from safecot_dsl import __version__
from safecot_dsl.analysis.claims import Proof, law_proof, property_proof
from safecot_dsl.analysis.examination import Examination, UnconfirmedError, said
from safecot_dsl.analysis.limits import Limits
from safecot_dsl.artifact import Case, CompiledPolicy, Law, Property
from safecot_dsl.engine import Interpreter, Truth, show_case
from safecot_dsl.testing.examples import write_example
from safecot_dsl.testing.runner import Exhibit, Status, Test, TestOutcome, TestSettings
from safecot_dsl.testing.suggestions import shortened

if TYPE_CHECKING:
    from safecot_dsl.testing.runner_draws import ClaimDraws, DrawnCases


class ClaimsUnderTest:
    """The properties and laws of one policy under test."""

    def __init__(self, policy: CompiledPolicy, settings: TestSettings, exhibit: Callable[[Case], Exhibit]) -> None:
        self._policy, self._settings, self._exhibit = policy, settings, exhibit
        self._interpreter = Interpreter(policy)
        self._took = 0.0  # by the last proof, in seconds

    @cached_property
    def _examination(self) -> Examination:
        return Examination(self._policy, Limits(self._settings.seconds, float("inf")))

    @cached_property
    def _draws(self) -> ClaimDraws | None:
        if not self._settings.examples:
            return None
        # Only now: proofs can do without Hypothesis, which comes with an extra.
        from safecot_dsl.testing.runner_draws import ClaimDraws

        return ClaimDraws(self._policy, self._settings.examples, self._settings.seed)

    def outcome(self, test: Test, claim: Property | Law) -> TestOutcome:
        """Prove the claim, and where that refutes nothing, look for a case among drawn ones all the same."""
        began = time.monotonic()
        try:
            proof = self._proof(claim)
            self._took = time.monotonic() - began
            if proof is not None and proof.outcome == "refuted":
                return self._refuted(test, claim, proof)
        except UnconfirmedError as error:
            return self._disagreement(test, "the solver has a case that the interpreter decides otherwise", str(error))
        try:
            drawn = self._draws.of(claim) if self._draws is not None else None
        except AssertionError as error:
            return self._disagreement(
                test, "a case that was asked of the solver is not as it was asked for", str(error)
            )
        if drawn is None or not drawn.broken:
            return self._held(test, proof, drawn)
        found = tuple(self._exhibit(case) for case in drawn.cases)
        if proof is not None and proof.outcome == "proved":
            given = "; ".join(show_case(shown.case) for shown in found)
            return replace(
                self._disagreement(test, "the solver proves it, and the interpreter refutes it", given), exhibits=found
            )
        if isinstance(claim, Property):
            found = (self._exhibit(self._shortened(claim, found[0].case)),)
        return self._failed(test, claim, found, "refuted by a drawn case")

    # --- the solver ---

    def _proof(self, claim: Property | Law) -> Proof | None:
        if not self._settings.proofs:
            return None
        if isinstance(claim, Property):
            return property_proof(self._examination, claim)
        return law_proof(self._examination, claim)

    def _refuted(self, test: Test, claim: Property | Law, proof: Proof) -> TestOutcome:
        found = tuple(self._exhibit(case) for case in (proof.case, proof.other) if case is not None)
        return self._failed(test, claim, found, "refuted by the solver, confirmed by the interpreter")

    # --- what is shown ---

    def _shortened(self, claim: Property, case: Case) -> Case:
        """Without facts that do not matter: whatever they are, the property fails."""

        def fails(case: Case) -> bool:
            trace = self._interpreter.trace(case)
            speaks = claim.given is None or trace.truth(claim.given) is Truth.YES
            return speaks and trace.decision.certain and trace.decision.verdict not in claim.expect

        return shortened(case, fails)

    def _held(self, test: Test, proof: Proof | None, drawn: DrawnCases | None) -> TestOutcome:
        of = "pairs of cases" if isinstance(test.claim, Law) else "cases"
        tried = f"{drawn.count} drawn {of} agree" if drawn is not None and drawn.count else None
        # What is true of no case is true of all, and seldom meant.
        message = "no case is as its `given` says" if drawn is not None and drawn.vacuous else None
        if proof is None:
            return TestOutcome(
                test, Status.PASSED, message, tried or f"not proved; no {of} that it speaks of were drawn"
            )
        if proof.outcome == "proved":
            return TestOutcome(test, Status.PASSED, message, "proved" + (f"; {tried}" if tried else ""))
        if self._took >= self._settings.seconds:
            message = f"not proved within {self._settings.seconds:g} seconds"
        else:
            message = "not proved, as no text was found that fits its patterns, and none ruled out"
        return TestOutcome(test, Status.UNDECIDED, message, tried or f"no {of} that it speaks of were drawn")

    def _failed(self, test: Test, claim: Property | Law, found: tuple[Exhibit, ...], evidence: str) -> TestOutcome:
        last = found[-1]
        if isinstance(claim, Property):
            expected = " or ".join(f"`{verdict}`" for verdict in claim.expect)
            message = f"expected {expected}, a case is decided {said(last.decision)}"
            right, more = claim.expect[0], claim.expect[1:]
            also = f" ({' or '.join(f'`{verdict}`' for verdict in more)} would do too)" if more else ""
        else:
            before = found[0].decision.verdict
            message = f"the verdict goes from `{before}` to `{last.decision.verdict}` where {_change(claim, found)}"
            right = before
            also = f" (`{before}` or {'stricter' if claim.never == 'laxer' else 'laxer'} would do)"
        return TestOutcome(
            test,
            Status.FAILED,
            message,
            evidence,
            found,
            advice=f"if the {test.kind} is right, this example fails until the rules are mended{also}",
            counterexample=write_example(self._policy, last.case, right.value, self._free_name(claim.name)),
        )

    def _disagreement(self, test: Test, message: str, details: str) -> TestOutcome:
        return TestOutcome(
            test,
            Status.DISAGREEMENT,
            f"an error of safecot, not of the policy: {message}",
            evidence=f"{details} [safecot {__version__}, seed {self._settings.seed}, {self._policy.digest}]",
            advice="please report it, with the policy and these lines",
        )

    def _free_name(self, name: str) -> str:
        taken = {example.name for example in self._policy.examples}
        names = (name if n == 1 else f"{name} ({n})" for n in range(1, len(taken) + 2))
        return next(free for free in names if free not in taken)


def _change(law: Law, found: tuple[Exhibit, ...]) -> str:
    """`context.minor = yes` of the second case, in the words of the law."""
    before, after = (shown.case.known[law.fact] for shown in found)
    match before, after:
        case frozenset(), frozenset():
            return f"`{law.fact}` gains `{next(iter(after - before))}`"
        case _:
            return f"`{show_case(Case({law.fact: before}))}` becomes `{show_case(Case({law.fact: after}))}`"
