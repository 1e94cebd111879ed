"""Random policies and cases in chunks, each of which follows from its seed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from safecot_dsl.artifact import CompiledPolicy
from tests.strategies import policies, skeletons

from .compare import NOTHING, Compared, compare, random_cases

#: In a chunk: so many policies, and at most so many cases of each (a policy of one flag has three).
POLICIES = 100
CASES = 150

ANY_POLICY = st.one_of(policies(), policies(), skeletons())


def compare_chunk(number: int, *, count: int = POLICIES, cases: int = CASES) -> Compared:
    """Compares the accounts on up to `cases` cases of each of `count` policies, the same for equal numbers.

    Raises `Disagreement` where two differ, after Hypothesis has made the policy smaller.
    """
    results: list[Compared] = []
    seen: set[str] = set()

    def one(policy: CompiledPolicy) -> None:
        if policy.digest not in seen:
            results.append(compare(policy, random_cases(policy, cases, Random(f"{number}/{policy.digest}"))))
            seen.add(policy.digest)

    over_policies(number, count, one)
    return sum(results, NOTHING)


def over_policies(
    number: int,
    count: int,
    check: Callable[[CompiledPolicy], Any],
    strategy: SearchStrategy[CompiledPolicy] = ANY_POLICY,
) -> None:
    """Calls `check` with `count` random policies, and on failure with ever smaller ones that fail."""

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(policy: CompiledPolicy) -> None:
        check(policy)

    run()
