"""Runs what a policy says of itself: its examples, properties and laws. The pytest plugin and `safecotc test` share it.

Equal policies, settings and seeds give equal outcomes, unless a proof takes longer than it may.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Example, Law, Property, read_case
from safecot_dsl.diagnostics import Span
from safecot_dsl.engine import Interpreter, explain, reasons
from safecot_dsl.testing.examples import show_example
from safecot_dsl.workspace import Opened
from safecot_dsl.workspace.check import failure
from safecot_dsl.workspace.places import Places

if TYPE_CHECKING:
    from safecot_dsl.testing.runner_claims import ClaimsUnderTest


class CheckKind(StrEnum):
    EXAMPLE = "example"
    PROPERTY = "property"
    LAW = "law"


class Status(StrEnum):
    """What became of a test.

    `undecided`: a claim that was not proved in time, and that no drawn case refutes. `disagreement`: the proof and the
    interpreter contradict each other, so that this program has an error.
    """

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    DISAGREEMENT = "disagreement"


@dataclass(frozen=True)
class TestSettings:
    """How claims are tested: each on so many drawn `examples` (0: none), and with `proofs` each for so many seconds."""

    examples: int = 200
    proofs: bool = True
    seconds: float = 10.0
    seed: int = 0


USUAL_SETTINGS = TestSettings()


@dataclass(frozen=True)
class Test:
    """Something that is tested, and where it stands, in a file named as it is to people."""

    __test__ = False  # not a test of pytest's own

    kind: CheckKind
    name: str
    span: Span
    claim: Example | Property | Law

    @property
    def title(self) -> str:
        """`example: mixing at home`; no two tests of a policy have the same."""
        return f"{self.kind}: {self.name}"


@dataclass(frozen=True)
class Exhibit:
    """A case that shows something, what is decided of it, and why, line by line."""

    case: Case
    decision: Decision
    why: tuple[str, ...]


@dataclass(frozen=True)
class TestOutcome:
    """What became of a test.

    `message` says in a line what is wrong, or of a test that passed what is odd; None where there is nothing to say.
    `evidence` says what a claim rests on. Where the test failed, `exhibits` are the case that shows it (of a law the
    one before the change, and the one after), and `counterexample` is an example to paste, with `advice` on it.
    """

    test: Test
    status: Status
    message: str | None = None
    evidence: str | None = None
    exhibits: tuple[Exhibit, ...] = ()
    advice: str | None = None
    counterexample: str | None = None
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        return self.status in (Status.FAILED, Status.DISAGREEMENT)


class PolicyTests:
    """The tests of a policy that compiles. Raises ValueError for one that does not, and for a library."""

    def __init__(self, opened: Opened, settings: TestSettings = USUAL_SETTINGS) -> None:
        if opened.policy is None:
            raise ValueError(f"{opened.path} is not a policy that compiles")
        self.opened = opened
        self.policy: CompiledPolicy = opened.policy
        self.settings = settings
        self._interpreter = Interpreter(self.policy)
        self._places = Places(opened)

    @cached_property
    def tests(self) -> Sequence[Test]:
        """All of them: examples, properties and laws, each in the order in which they are declared."""
        policy = self.policy
        kinds: tuple[tuple[CheckKind, Sequence[Example | Property | Law]], ...] = (
            (CheckKind.EXAMPLE, policy.examples),
            (CheckKind.PROPERTY, policy.properties),
            (CheckKind.LAW, policy.laws),
        )
        return [Test(kind, claim.name, self._places.of(claim.key), claim) for kind, claims in kinds for claim in claims]

    def run(self, test: Test) -> TestOutcome:
        """Run one of the tests."""
        began = time.monotonic()
        claim = test.claim
        outcome = self._example(test, claim) if isinstance(claim, Example) else self._claims.outcome(test, claim)
        return replace(outcome, seconds=time.monotonic() - began)

    def exhibit(self, case: Case) -> Exhibit:
        explanation = explain(self._interpreter, case)
        return Exhibit(case, explanation.decision, tuple(reasons(explanation, self.policy)))

    @cached_property
    def _claims(self) -> ClaimsUnderTest:
        # Only now: examples need no solver.
        from safecot_dsl.testing.runner_claims import ClaimsUnderTest

        return ClaimsUnderTest(self.policy, self.settings, self.exhibit)

    def _example(self, test: Test, example: Example) -> TestOutcome:
        case = read_case(self.policy, {"facts": example.given})
        message = failure(example, self._interpreter.decide(case))
        if message is None:
            return TestOutcome(test, Status.PASSED)
        shown = self.exhibit(case)
        return TestOutcome(
            test,
            Status.FAILED,
            message,
            exhibits=(shown,),
            advice="if the policy is right, the example is",
            counterexample=show_example(self.policy, case, shown.decision, example.name),
        )


def run_policy(
    opened: Opened, settings: TestSettings = USUAL_SETTINGS, *, wanted: Callable[[Test], bool] = lambda test: True
) -> Iterator[TestOutcome]:
    """Run the wanted tests of a policy that compiles, one after another."""
    tests = PolicyTests(opened, settings)
    for test in tests.tests:
        if wanted(test):
            yield tests.run(test)
