"""What hangs together tells less: effective sizes, Student's t, exact tests over clusters."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.evaluation import Paired, Rate, RateDifference, mcnemar, wilson
from safecot_dsl.evaluation.statistics.clusters import (
    clustered_variance,
    effective_size,
    flip_test,
    t_quantile,
    t_test,
    t_within,
)
from tests.strategies import examples


@pytest.mark.parametrize(
    ("degrees", "t"),
    # Student's table (Fisher and Yates 1938, Table III): two-sided 5 %.
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)],
)
def test_quantiles_of_t_are_the_table_s(degrees: int, t: float) -> None:
    assert t_quantile(degrees) == pytest.approx(t, abs=6e-4)


def test_t_with_one_and_two_degrees_by_hand() -> None:
    """Cauchy: 2/π · atan t. Two degrees: t/√(2 + t²)."""
    assert t_within(1.0, 1) == pytest.approx(0.5)
    assert t_within(2.0, 2) == pytest.approx(2 / math.sqrt(6))
    with pytest.raises(ValueError, match="at least one degree"):
        t_within(1.0, 0)


def test_items_alone_are_worth_their_number() -> None:
    assert effective_size([True, False, False], [[1, 2, 3]]) == 3
    assert Rate.of([True, False, False], ["a", "b", "c"]) == Rate.of([True, False, False])


def test_copies_are_worth_one_item_each() -> None:
    """Sixty cases, each twice: the design effect is 2·60/59 (residuals double, the variance of a mean over clusters),
    so 120 observations are worth 59, less for Student's t with 59 degrees of freedom."""
    hits = [number % 3 == 0 for number in range(60) for _ in range(2)]
    keys = [number for number in range(60) for _ in range(2)]
    assert effective_size(hits, [keys]) == pytest.approx(59 * (1.959964 / 2.000995) ** 2, rel=1e-5)


def test_at_the_ends_clusters_are_what_counts() -> None:
    """Three of three clusters: no variance can be seen, and nine copies tell no more than three."""
    rate = Rate.of([True] * 9, [1, 1, 1, 2, 2, 2, 3, 3, 3])
    assert (rate.low, rate.high, rate.n) == (*wilson(3, 3), 9)


def test_one_cluster_tells_next_to_nothing() -> None:
    rate = Rate.of([True, False] * 10, ["same"] * 20)
    assert (rate.low, rate.high) == pytest.approx(wilson(0.5, 1))


def test_two_groupings_by_hand() -> None:
    """Four observations, two groups by two seeds, residuals ±1/2: by group (1, -1), by seed (0, 0), alone ±1/2.

    One grouping's variance is 2/1 · Σ sums²/16: 1/4 by group, 0 by seed; both together 4/3 · 1/16 = 1/12.
    1/4 + 0 - 1/12 is less than 1/4, so that is what counts.
    """
    import numpy as np

    residuals = np.array([0.5, 0.5, -0.5, -0.5])
    groups, seeds = ["a", "a", "b", "b"], [0, 1, 0, 1]
    assert clustered_variance(residuals, [groups]) == pytest.approx(1 / 4)
    assert clustered_variance(residuals, [seeds]) == pytest.approx(0)
    assert clustered_variance(residuals, [groups, seeds]) == pytest.approx(1 / 4)


@examples(30)
@given(st.integers(0, 40), st.integers(0, 40))
def test_single_observations_make_mcnemar_of_the_flips(first: int, second: int) -> None:
    differences = [1] * first + [-1] * second + [0] * 3
    assert flip_test(differences, range(len(differences))) == pytest.approx(mcnemar(first, second))


@examples(25)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 4)), min_size=1, max_size=10))
def test_flips_are_counted_one_by_one(entries: list[tuple[int, int]]) -> None:
    """All signs of all clusters, written out."""
    sums: dict[int, int] = {}
    for difference, key in entries:
        sums[key] = sums.get(key, 0) + difference
    seen = abs(sum(sums.values()))
    totals = [
        abs(sum(sign * value for sign, value in zip(signs, sums.values(), strict=True)))
        for signs in itertools.product((1, -1), repeat=len(sums))
    ]
    expected = sum(total >= seen for total in totals) / len(totals)
    assert flip_test([d for d, _ in entries], [k for _, k in entries]) == pytest.approx(expected)


def test_many_items_are_no_slower_than_they_need_be() -> None:
    """Of 40,000 the chances come from logarithms: McNemar's p is that of the normal limit, and flips agree with it."""
    from statistics import NormalDist

    p = mcnemar(20_300, 19_700)
    assert p == pytest.approx(2 * NormalDist().cdf(-(600 - 1) / 200), rel=2e-3)  # with the correction for continuity
    differences = [1] * 1300 + [-1] * 1200
    assert flip_test(differences, range(2500)) == pytest.approx(mcnemar(1300, 1200), rel=1e-9)


def test_copies_convince_nobody() -> None:
    """Five items that the first alone gets right: p = 2/32; ten copies of each leave it there."""
    right = [(True, False)] * 50
    keys = [number for number in range(5) for _ in range(10)]
    assert Paired.of("a", "b", right, keys).p == pytest.approx(2 / 32)
    assert Paired.of("a", "b", right, keys).test == "flips"
    assert Paired.of("a", "b", right).p < 1e-10


def test_seeds_are_tested_by_t() -> None:
    """Two items by three seeds, mean 1/2. Sums of residuals by item -1/2, 1/2: 2/1 · 1/2 / 36 = 1/36; by seed 1, -1, 0:
    3/2 · 2/36 = 1/12; alone 6/5 · 6/4 / 36 = 1/20. The largest, 1/12, is more than the first two less the third, and
    counts: t = 1/2 · √12 = √3, with one degree of freedom (two items) p = 1 - 2/π · atan √3 = 1/3."""
    differences = [1, 0, 0, 1, 0, 1]
    assert t_test(differences, [[1, 1, 1, 2, 2, 2], [0, 1, 2, 0, 1, 2]]) == pytest.approx(1 / 3)
    assert t_test([0, 0], [[1, 2], [0, 1]]) == 1.0
    assert t_test([1, 1, 1], [[1, 2, 3], [0, 1, 2]]) == 2 / 8  # no spread: the sign test of three


def test_a_difference_of_independent_shares_is_newcombe_s() -> None:
    """Uncorrelated answers (12 of 20 and 9 of 15 of each): √ of the sums of squares of the distances to the ends."""
    first = [True] * 6 + [True] * 6 + [False] * 4 + [False] * 4
    second = [True] * 6 + [False] * 6 + [True] * 4 + [False] * 4  # 10 of 20; φ = (6·4 - 6·4)/… = 0
    (l1, u1), (l2, u2) = wilson(12, 20), wilson(10, 20)
    found = RateDifference.of(first, second)
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1 - math.hypot(0.6 - l1, u2 - 0.5))
    assert found.high == pytest.approx(0.1 + math.hypot(u1 - 0.6, 0.5 - l2))
    assert str(found) == f"+10.0 [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"


def test_equal_answers_differ_by_no_more_than_an_interval_is_lopsided() -> None:
    """φ = 1: what moves one share moves the other. At 1/2 Wilson's interval is even, and nothing is left."""
    found = RateDifference.of([True, False], [True, False])
    assert (found.value, found.low, found.high) == pytest.approx((0, 0, 0), abs=1e-7)
    low, high = wilson(3, 4)
    found = RateDifference.of([True, False, True, True], [True, False, True, True])
    assert (-found.low, found.high) == pytest.approx((0.75 - low - (high - 0.75),) * 2)
    assert str(RateDifference.of([], [])) == "no cases"


@pytest.mark.long
@pytest.mark.parametrize(
    ("share", "groups", "size", "seeds", "alike", "between"),
    [(0.3, 100, 1, 1, 0.0, 0.0), (0.05, 50, 4, 1, 0.5, 0.0), (0.1, 20, 5, 1, 0.6, 0.0), (0.3, 100, 1, 5, 0.3, 0.1)],
)
def test_intervals_cover(share: float, groups: int, size: int, seeds: int, alike: float, between: float) -> None:
    """Of 400 drawn evaluations at least 92 % of the intervals hold the true share (95 % less what 400 draws allow);
    Wilson's own, blind to clusters, hold it in as few as half of them."""
    from statistics import NormalDist

    rng, normal = random.Random(1), NormalDist()
    threshold = normal.inv_cdf(share)
    inside = 0
    for _ in range(400):
        by_seed = [math.sqrt(between) * rng.gauss() for _ in range(seeds)]
        hits: list[bool] = []
        keys: list[tuple[int, int]] = []
        for group in range(groups):
            common = math.sqrt(alike) * rng.gauss()
            for _ in range(size):
                for seed in range(seeds):
                    own = math.sqrt(1 - alike - between) * rng.gauss()
                    hits.append(common + by_seed[seed] + own < threshold)
                    keys.append((group, seed))
        groupings = [[group for group, _ in keys], [seed for _, seed in keys]][: 1 if seeds == 1 else 2]
        rate = Rate.of(hits, *groupings)
        inside += rate.low <= share <= rate.high
    assert inside / 400 >= 0.92
