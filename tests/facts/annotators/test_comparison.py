"""Annotated facts beside labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fixture_types import PolicyFrom
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.facts import FactOrigin, Item
from safecot_dsl.facts.annotators import compare
from safecot_dsl.facts.annotators.comparison import distance

from .parts import item

FACTS = {"image.topic", "image.text", "image.clarity", "query.bad"}


def annotated(id: str, cannot_tell: tuple[str, ...] = (), sure: float | None = None, **facts: Any) -> Item:
    named = {name.replace("__", "."): value for name, value in facts.items()}
    origins = {name: FactOrigin("model:m", sure, "as it says") for name in (*named, *cannot_tell)}
    return replace(item(id=id, facts=named, cannot_tell=cannot_tell), annotated=origins)


def test_what_is_taken_for_what(policy: CompiledPolicy):
    """Of four labels one is found, one mistaken, one unknown; the fourth item is not among the annotated."""
    labels = [item(id=name, facts={"image.topic": "fraud"}) for name in "abcd"]
    found = compare(
        policy,
        [
            annotated("a", image__topic="fraud", sure=0.9),
            annotated("b", image__topic="malware", sure=0.8),
            annotated("c", cannot_tell=("image.topic",)),
            annotated("e", image__topic="fraud"),
        ],
        labels,
        FACTS,
    )
    assert (found.items, found.only_annotated, found.only_labelled) == (3, 1, 1)
    topic = found.facts["image.topic"]
    assert (topic.labelled, topic.told, topic.right) == (3, 2, 1)
    assert topic.table == {"fraud": {"fraud": 1, "malware": 1, "unknown": 1}}
    assert topic.examples == (
        "s/b: fraud, not malware (as it says)",
        "s/c: fraud, not unknown (as it says)",
    )
    assert topic.confidence is not None
    assert (topic.confidence.count, topic.confidence.yes) == (2, 1)


def test_a_fact_that_the_source_gave_is_not_compared(policy: CompiledPolicy):
    """Nor one without a label."""
    labels = [item(id="a", facts={"image.topic": "fraud"})]
    assert compare(policy, [item(id="a", facts={"image.topic": "malware"})], labels, FACTS).facts == {}
    assert compare(policy, [annotated("a", image__text="x")], labels, {"image.text"}).facts == {}


def test_what_nobody_told_is_unknown(policy: CompiledPolicy):
    """Also where an annotator left the fact without annotation."""
    found = compare(policy, [item(id="a")], [item(id="a", facts={"image.topic": "fraud"})], FACTS)
    assert found.facts["image.topic"].table == {"fraud": {"unknown": 1}}


def test_texts_are_compared_but_for_white_space_and_letter_by_letter(policy: CompiledPolicy):
    """One letter of four is another in the second."""
    labels = [item(id=name, facts={"image.text": "a\n bc"}) for name in "xy"]
    texts = compare(policy, [annotated("x", image__text="a bc"), annotated("y", image__text="a bd")], labels, FACTS)
    text = texts.facts["image.text"]
    assert (text.right, text.error_rate, text.table) == (1, 1 / 8, None)


def test_scores_are_calibrated_where_labels_are_yes_and_no(policy: CompiledPolicy):
    labels = [item(id=str(n), facts={"image.clarity": float(n % 2)}) for n in range(4)]
    found = compare(
        policy, [annotated(str(n), image__clarity=[0.1, 0.9, 0.2, 0.8][n]) for n in range(4)], labels, FACTS
    )
    clarity = found.facts["image.clarity"]
    assert clarity.error == pytest.approx(0.15)
    assert clarity.calibration is not None
    assert (clarity.calibration.auc, clarity.calibration.threshold) == (1, 0.8)


def test_the_verdicts_are_compared_too(policy_from: PolicyFrom):
    """One that hangs on an unknown fact stands in brackets."""
    policy = policy_from(
        """
        facts query { bad : flag "Bad." }
        rule no { when query.bad verdict refuse }
        default comply
        unsure clarify
        """
    )
    labels = [item(id=name, facts={"query.bad": bad}) for name, bad in {"a": True, "b": True, "c": False}.items()]
    found = compare(
        policy,
        [annotated("a", query__bad=True), annotated("b", cannot_tell=("query.bad",)), annotated("c", query__bad=True)],
        labels,
        FACTS,
    )
    assert found.verdicts == {"refuse": {"refuse": 1, "(clarify)": 1}, "comply": {"refuse": 1}}


@given(st.text(alphabet="ab", max_size=7), st.text(alphabet="ab", max_size=7), st.text(alphabet="ab", max_size=7))
def test_the_distance_of_texts_is_a_distance(a: str, b: str, c: str):
    """0 for equal texts alone, the same both ways, and no way round is shorter."""
    assert (distance(a, b) == 0) == (a == b)
    assert distance(a, b) == distance(b, a)
    assert distance(a, c) <= distance(a, b) + distance(b, c)
    assert abs(len(a) - len(b)) <= distance(a, b) <= max(len(a), len(b))


def test_the_distance_of_two_words():
    """kitten, sitten, sittin, sitting."""
    assert distance("kitten", "sitting") == 3
