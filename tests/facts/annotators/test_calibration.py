"""Scores against labels."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.facts.annotators import calibrate

#: Scores that are often equal, so that ties occur.
PAIRS = st.lists(st.tuples(st.integers(0, 12).map(lambda n: n / 12), st.booleans()), min_size=1, max_size=60)


def of(pairs: list[tuple[float, bool]], **options: float):
    return calibrate([score for score, _ in pairs], [label for _, label in pairs], **options)  # pyright: ignore


def test_a_small_table_by_hand():
    """Four scores: 0.1 no, 0.4 yes, 0.6 no, 0.9 yes.

    Brier: (0.01 + 0.36 + 0.36 + 0.01) / 4. Of the four pairs of a yes and a no, 0.9 beats both, 0.4 only 0.1: 3/4.
    From 0.9 on half of the yes and all of the no are right, 3/4; from 0.4 on all yes and half of the no, 3/4 too: the
    first counts. Two bins: 0.25 on average with half yes, 0.75 with half yes. Rising: 0 at 0.1, then 0.4 and 0.6 pooled
    to 1/2, then 1.
    """
    found = of([(0.6, False), (0.1, False), (0.9, True), (0.4, True)], bins=2)
    assert (found.count, found.yes) == (4, 2)
    assert found.brier == pytest.approx(0.185)
    assert found.auc == 0.75
    assert (found.threshold, found.threshold_right) == (0.4, 0.75)
    assert [(b.low, b.high, b.count, b.share) for b in found.bins] == [(0.1, 0.4, 2, 0.5), (0.6, 0.9, 2, 0.5)]
    assert found.expected_error == pytest.approx(0.25)
    assert found.isotonic == ((0.1, 0.0), (0.4, 0.5), (0.9, 1.0))
    assert [found.probability(score) for score in (0, 0.1, 0.5, 0.9, 1)] == [0, 0, 0.5, 1, 1]
    assert (found.band.no_to, found.band.yes_from, found.band.told, found.band.wrong) == (0.1, 0.9, 0.5, 0)


def test_wilsons_interval_by_hand():
    """One yes of one: from 1 / (1 + 1.96^2) = 0.2065 to 1."""
    (only,) = of([(0.5, True)]).bins
    assert (only.share_low, only.share_high) == (pytest.approx(0.20654, abs=1e-4), 1)


def test_a_score_that_parts_the_labels_needs_no_band():
    found = of([(n / 100, n >= 50) for n in range(100)])
    assert (found.band.no_to, found.band.yes_from, found.band.told, found.band.wrong) == (0.49, 0.5, 1, 0)
    assert (found.auc, found.threshold, found.threshold_right) == (1, 0.5, 1)


def test_a_score_that_says_nothing_is_told_nowhere():
    found = of([(0.5, True), (0.5, False)] * 20)
    assert (found.band.no_to, found.band.yes_from, found.band.told) == (None, None, 0)
    assert found.auc == 0.5


def test_labels_that_are_all_the_same_have_no_threshold():
    found = of([(0.2, True), (0.7, True)])
    assert (found.auc, found.threshold, found.threshold_right) == (None, None, None)
    assert (found.band.no_to, found.band.yes_from) == (None, 0.2)


@pytest.mark.parametrize(
    ("scores", "labels"), [([], []), ([0.5], []), ([1.5], [True]), ([math.nan], [True]), ([-0.1], [False])]
)
def test_what_is_no_score_is_an_error(scores: list[float], labels: list[bool]):
    with pytest.raises(ValueError):
        calibrate(scores, labels)


@given(PAIRS, st.sampled_from([0.0, 0.05, 0.2]))
def test_the_band_keeps_its_promise(pairs: list[tuple[float, bool]], most: float):
    """On either side at most that share is wrong, the sides do not cross, and the shares are those of the pairs."""
    band = of(pairs, max_wrong=most).band
    yes = [label for score, label in pairs if band.yes_from is not None and score >= band.yes_from]
    no = [label for score, label in pairs if band.no_to is not None and score <= band.no_to]
    assert yes.count(False) <= most * len(yes)
    assert no.count(True) <= most * len(no)
    assert band.no_to is None or band.yes_from is None or band.no_to < band.yes_from
    assert band.told == pytest.approx((len(yes) + len(no)) / len(pairs))
    assert len(yes) + len(no) == 0 or band.wrong == pytest.approx(
        (yes.count(False) + no.count(True)) / (len(yes) + len(no))
    )


@given(PAIRS, st.integers(1, 12))
def test_bins_hold_every_pair_once(pairs: list[tuple[float, bool]], bins: int):
    """Their counts and their yes add up, and none overlaps the next."""
    found = of(pairs, bins=bins)
    assert sum(b.count for b in found.bins) == len(pairs)
    assert sum(round(b.share * b.count) for b in found.bins) == found.yes
    assert len(found.bins) <= bins
    assert all(one.high < other.low for one, other in zip(found.bins, found.bins[1:], strict=False))


@given(PAIRS)
def test_the_auc_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[float, bool]]):
    """By its definition, over all pairs of a yes and a no."""
    wins = [(yes > no) + (yes == no) / 2 for yes, up in pairs for no, down in pairs if up and not down]
    assert of(pairs).auc == (pytest.approx(sum(wins) / len(wins)) if wins else None)


@given(PAIRS)
def test_the_rising_function_is_the_one_of_least_squares(pairs: list[tuple[float, bool]]):
    """By the min-max formula (Barlow et al. 1972): at each score the greatest, over starts up to it, of the least, over
    ends from it on, of the shares between them."""
    found = of(pairs)
    scores = sorted({score for score, _ in pairs})

    def share(low: float, high: float) -> float:
        labels = [label for score, label in pairs if low <= score <= high]
        return sum(labels) / len(labels)

    for score in scores:
        starts, ends = [s for s in scores if s <= score], [s for s in scores if s >= score]
        wanted = max(min(share(start, end) for end in ends) for start in starts)
        assert found.probability(score) == pytest.approx(wanted)
