"""Agreement of people who reviewed rows: the share, Cohen's kappa, and annotators beside what people left."""

from __future__ import annotations

from typing import Any

import pytest

from safecot_dsl.dataset.reviews import Standing, new_review
from safecot_dsl.evaluation.reviewing import annotator_shares, reviewer_pairs

DIGEST = "sha256:" + "0" * 64


def standing(*said: tuple[str, str] | tuple[str, str, dict[str, Any]]) -> Standing:
    reviews = []
    for number, (reviewer, action, *more) in enumerate(said):
        review = new_review("hand/a", DIGEST, reviewer, action, **(more[0] if more else {}))  # pyright: ignore
        reviews.append(review.model_copy(update={"at": f"2026-12-01T00:00:{number:02}.000000Z"}))
    return Standing.of(reviews)


def test_kappa_is_cohens() -> None:
    """Cohen's own form: of 50 rows, 20 both accept, 15 both reject, 5 and 10 differ: kappa 0.4."""
    rows = [
        *[standing(("ada", "accept"), ("grace", "accept"))] * 20,
        *[standing(("ada", "accept"), ("grace", "reject"))] * 5,
        *[standing(("ada", "reject"), ("grace", "accept"))] * 10,
        *[standing(("ada", "reject"), ("grace", "reject"))] * 15,
    ]
    (pair,) = reviewer_pairs(rows)
    assert (pair.first, pair.second, pair.agreed.n, pair.agreed.value) == ("ada", "grace", 50, 0.7)
    assert pair.kappa.value == pytest.approx(0.4)
    assert pair.kappa.low < 0.4 < pair.kappa.high


def test_few_rows_have_no_kappa() -> None:
    (pair,) = reviewer_pairs([standing(("ada", "accept"), ("grace", "accept"))] * 9)
    assert (pair.kappa.value, pair.agreed.value) == (None, 1.0)


def test_the_last_word_of_each_counts_and_comments_do_not() -> None:
    rows = [
        standing(("ada", "reject"), ("grace", "accept"), ("ada", "accept")),
        standing(("ada", "accept"), ("grace", "comment", {"comment": "hm"})),
    ]
    (pair,) = reviewer_pairs(rows)
    assert (pair.agreed.n, pair.agreed.value) == (1, 1.0)


def test_three_people_are_three_pairs() -> None:
    rows = [standing(("ada", "accept"), ("grace", "reject"), ("mary", "accept"))]
    assert [(pair.first, pair.second, pair.agreed.value) for pair in reviewer_pairs(rows)] == [
        ("ada", "grace", 0.0),
        ("ada", "mary", 1.0),
        ("grace", "mary", 0.0),
    ]


def test_annotators_are_held_against_what_people_left() -> None:
    annotated = {"image.text": "ocr", "image.objects": "model:x"}
    changed = {"fact": "image.text", "value": "STOP"}
    rows = [
        (annotated, standing(("ada", "accept"))),
        (annotated, standing(("ada", "change_fact", changed))),
        (annotated, standing(("ada", "reject"))),  # what of it is wrong, nobody says
        (annotated, standing(("ada", "comment", {"comment": "hm"}))),
    ]
    shares = {(one.annotator, one.fact): (one.kept.value, one.kept.n) for one in annotator_shares(rows)}
    assert shares == {("model:x", "image.objects"): (1.0, 2), ("ocr", "image.text"): (0.5, 2)}
