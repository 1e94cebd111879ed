"""Metamorphic laws: what must hold between the decisions on two cases, or of two policies, whatever the right one is.

    from safecot_dsl.testing import laws

    @pytest.mark.parametrize("law", laws.all_of(policy), ids=str)
    def test_laws(law):
        laws.check(policy, law)

The laws of the language hold of every policy by its design; here they test what decides: the reference interpreter, or
any other `engine`, such as the service that runs the policy. Laws that a policy declares, and those that :func:`never`,
:data:`EXCEPTIONS_SOFTEN` and :func:`merging_with` make, are claims about the policy, and may fail.

What is tried here is a sample. `safecotc check` proves declared laws over all pairs of complete cases.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.testing.laws_changes import (
    EXCEPTIONS_SOFTEN,
    MORE_REFUSALS,
    REWORDING,
    SOFTENING,
    merged,
    merging_with,
    only_softens,
    without_exception,
)
from safecot_dsl.testing.laws_claims import declared, never
from safecot_dsl.testing.laws_language import KNOWLEDGE_NARROWS, ONE_DECISION, ORDER, SOUNDNESS, UNSETTLED_SETTLE
from safecot_dsl.testing.laws_trials import (
    Decider,
    Engine,
    LawBrokenError,
    LawTrial,
    PolicyLaw,
    PolicyUnderTest,
    reference_engine,
)

__all__ = [
    "EXCEPTIONS_SOFTEN",
    "KNOWLEDGE_NARROWS",
    "LANGUAGE",
    "MORE_REFUSALS",
    "ONE_DECISION",
    "ORDER",
    "REWORDING",
    "SOFTENING",
    "SOUNDNESS",
    "UNSETTLED_SETTLE",
    "Decider",
    "Engine",
    "LawBrokenError",
    "LawTrial",
    "PolicyLaw",
    "all_of",
    "check",
    "declared",
    "merged",
    "merging_with",
    "never",
    "only_softens",
    "trials",
    "without_exception",
]

#: What holds of every policy.
LANGUAGE = (
    SOUNDNESS,
    KNOWLEDGE_NARROWS,
    UNSETTLED_SETTLE,
    ORDER,
    ONE_DECISION,
    REWORDING,
    MORE_REFUSALS,
    SOFTENING,
)


def all_of(policy: CompiledPolicy) -> tuple[PolicyLaw, ...]:
    """The laws of the language, and those that the policy declares."""
    return (*LANGUAGE, *map(declared, policy.laws))


def trials(policy: CompiledPolicy, law: PolicyLaw, *, engine: Engine = reference_engine) -> SearchStrategy[LawTrial]:
    """A strategy for `@given`: what the law comes to of drawn cases. `trial.fault` is None where it holds."""
    return law.trials(PolicyUnderTest(policy, engine))


def check(
    policy: CompiledPolicy, *laws: PolicyLaw, examples: int = 200, seed: int = 0, engine: Engine = reference_engine
) -> None:
    """Tries each law (by default all of :func:`all_of`) on so many examples, the same for equal seeds.

    Raises :class:`LawBrokenError` at the first that does not hold, with a small counterexample; what the engine raises
    passes through.
    """
    __tracebackhide__ = True
    tested = PolicyUnderTest(policy, engine)
    for law in laws or all_of(policy):
        try:
            _check(law.trials(tested), examples, seed)
        except LawBrokenError as broken:
            # Anew: Hypothesis has added the trial to its notes, and it is the message already.
            raise LawBrokenError(broken.trial) from None


_CHECKS = [
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.nested_given,
]


def _check(tried: SearchStrategy[LawTrial], examples: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        suppress_health_check=_CHECKS,
    )
    @given(tried)
    def holds(trial: LawTrial) -> None:
        if trial.fault is not None:
            raise LawBrokenError(trial)

    holds()
