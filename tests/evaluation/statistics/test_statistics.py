"""Intervals and tests against published and hand-made values."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.evaluation import Paired, Rate, RateDifference, holm, mcnemar, wilson
from tests.strategies import examples


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, 857-872, Table I, method 3 (score, without continuity correction).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_the_published_interval(successes: int, n: int, low: float, high: float) -> None:
    """Newcombe's four examples, to his four digits."""
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_at_one_half_by_hand() -> None:
    """5 of 10, with z² = 3.84146: the centre is 1/2 and the half width 0.263406."""
    # √(0.25/10 + 3.84146/400) = √0.0346036 = 0.186021; times z = 1.959964 is 0.364594; over 1.384146 is 0.263407
    low, high = wilson(5, 10)
    assert low == pytest.approx(0.5 - 0.263406, abs=1e-5)
    assert high == pytest.approx(0.5 + 0.263406, abs=1e-5)


def test_wilson_knows_nothing_without_observations_and_keeps_the_ends() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 7)[0] == 0.0
    assert wilson(7, 7)[1] == 1.0


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3)])
def test_wilson_refuses_what_is_no_proportion(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="is no proportion"):
        wilson(successes, n)


@pytest.mark.parametrize(
    ("b", "c", "p"),
    [
        (0, 0, 1.0),  # no discordant pair: nothing speaks against equality
        (0, 5, 2 / 32),  # 2 · 1/2⁵
        (1, 9, 22 / 1024),  # 2 · (1 + 10)/2¹⁰
        (9, 1, 22 / 1024),  # symmetric
        (5, 5, 1.0),  # twice the tail exceeds 1
        (2, 4, 44 / 64),  # 2 · (1 + 6 + 15)/2⁶
    ],
)
def test_mcnemar_by_hand(b: int, c: int, p: float) -> None:
    assert mcnemar(b, c) == pytest.approx(p)


def test_a_rate_counts_and_shows_itself() -> None:
    rate = Rate.of([True] * 81 + [False] * 182)
    assert (rate.value, rate.n) == (81 / 263, 263)
    assert str(rate) == "30.8 [25.5, 36.6]"
    assert Rate.of([]) == Rate(value=None, low=0, high=1, n=0)
    assert str(Rate.of([])) == "no cases"


def test_pairs_are_counted_by_who_alone_was_right() -> None:
    pairs = [(True, True), (True, False), (True, False), (False, True), (False, False)]
    # 3 discordant pairs, the smaller count 1: 2 · (1 + 3)/8 = 1
    found = Paired.of("a", "b", pairs)
    assert (found.first, found.second, found.only_first, found.only_second, found.n, found.p) == (
        "a",
        "b",
        2,
        1,
        5,
        1.0,
    )
    assert found.test == "mcnemar"
    assert found.difference == RateDifference.of([a for a, _ in pairs], [b for _, b in pairs])
    assert found.difference.value == pytest.approx(1 / 5)


def test_holm_by_hand() -> None:
    """Smallest first: 4 · 0.005, 3 · 0.01, 2 · 0.03, and 0.04, which may not be below the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.4, 0.6]) == pytest.approx((0.8, 0.8))
    assert holm([]) == ()


@examples(40)
@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_lies_between_none_and_bonferroni(p_values: list[float]) -> None:
    """No test gets better, none worse than by Bonferroni, the order stays, and equal values stay equal."""
    adjusted = holm(p_values)
    for p, value in zip(p_values, adjusted, strict=True):
        assert p <= value <= min(1.0, len(p_values) * p) + 1e-12
    for (p, a), (q, b) in itertools.pairwise(sorted(zip(p_values, adjusted, strict=True))):
        assert a <= b
        assert (a == b) or p != q
