"""Random policies and cases in chunks, each of which follows from its seed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from safecot_dsl.artifact import CompiledPolicy
from tests.strategies import policies, skeletons

from .compare import Compared, compare, random_cases

#: In a chunk: so many policies, and at most so many cases of each (a policy of one flag has three). What is made once
#: for a policy, its formulas above all, takes as long as two hundred cases do.
POLICIES = 100
CASES = 400

ANY_POLICY = st.one_of(policies(), policies(), skeletons())


def compare_chunk(
    number: int, *, count: int = POLICIES, cases: int = CASES, seen: Collection[str] = frozenset()
) -> dict[str, Compared]:
    """Compares the accounts on up to `cases` cases of each of `count` policies, the same for equal numbers; policies
    whose digests are in `seen` are left out. Returns what was compared, by the policy's digest.

    Raises `Disagreement` where two differ, after Hypothesis has made the policy smaller.
    """
    results: dict[str, Compared] = {}

    def one(policy: CompiledPolicy) -> None:
        if policy.digest not in results and policy.digest not in seen:
            drawn = random_cases(policy, cases, Random(policy.digest))
            results[policy.digest] = compare(policy, drawn)

    over_policies(number, count, one)
    return results


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
