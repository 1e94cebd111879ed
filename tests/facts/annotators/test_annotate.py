"""Annotators in a row: whose word counts, what stays unknown, and what the report says."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.facts import FactOrigin, FactsError
from safecot_dsl.facts.annotators import (
    AnnotationReport,
    CountedItems,
    FactCounts,
    Model,
    Ocr,
    Pattern,
    merged,
    open_annotators,
)
from safecot_dsl.facts.annotators.settings import Annotator

from .parts import Scripted, item, picture, says

ACT = Pattern(fact="query.act", patterns={"complete": ("fill in",), "transcribe": ("read out", "copy")})
GUESS = Model(facts=("query.act",))


def opened(policy: CompiledPolicy, *settings: Annotator, asker: Scripted | None = None):
    return open_annotators(settings, policy, base_dir=Path(), asker=asker)


def test_a_value_is_filled_in_and_says_where_it_comes_from(policy: CompiledPolicy):
    """The item's other parts are as they were."""
    given_ = item("Please copy this.", facts={"context.minor": True})
    (found,) = opened(policy, ACT).annotate([given_])
    assert found.case == Case({"context.minor": True, "query.act": "transcribe"})
    assert found.annotated == {"query.act": FactOrigin("pattern", None, "'copy'")}
    assert (found.id, found.prompt, found.licence) == (given_.id, given_.prompt, given_.licence)
    assert given_.case == Case({"context.minor": True})


def test_a_label_wins_and_nothing_is_looked_for(policy: CompiledPolicy):
    """Also a label that says that nobody could tell."""
    annotators = opened(policy, ACT)
    labelled = [item("copy", facts={"query.act": "other"}), item("copy", id="b", cannot_tell=["query.act"])]
    assert [one.case for one in annotators.annotate(labelled)] == [one.case for one in labelled]
    assert annotators.report.annotators[0].facts == {"query.act": FactCounts(labelled=2)}


def test_overwriting_replaces_a_label_by_a_value_and_never_by_an_unknown(policy: CompiledPolicy):
    annotators = opened(policy, ACT.model_copy(update={"overwrite": True, "unsure": "cannot_tell"}))
    texts = {"a": "copy it", "b": "hum a tune"}
    found = annotators.annotate([item(text, id=name, facts={"query.act": "other"}) for name, text in texts.items()])
    assert [one.case.known["query.act"] for one in found] == ["transcribe", "other"]
    assert [set(one.annotated) for one in found] == [{"query.act"}, set()]


def test_what_one_annotator_cannot_tell_the_next_may(policy: CompiledPolicy):
    """And what the first told, the second is not asked."""
    asker = Scripted(lambda question: says(query__act=("other", 0.9)))
    annotators = opened(policy, ACT, GUESS, asker=asker)
    found = annotators.annotate([item("hum a tune", id="a"), item("copy", id="b")])
    assert [one.case.known["query.act"] for one in found] == ["other", "transcribe"]
    assert [one.annotated["query.act"].by for one in found] == ["model:scripted", "pattern"]
    assert len(asker.asked) == 1
    pattern, model = annotators.report.annotators
    assert pattern.facts["query.act"].not_told == {
        "no pattern is found": CountedItems(count=1, examples=("s/a",)),
    }
    assert (model.facts["query.act"].filled, model.facts["query.act"].labelled) == (1, 1)


def test_looked_for_in_vain_is_told_from_never_looked_at(policy: CompiledPolicy):
    """A model that is not sure has looked; one that refuses has not, so that the fact stays without annotation."""
    answers = {"a": says(query__act=("complete", 0.2)), "b": "I'm sorry, I can't help with that."}
    asker = Scripted(lambda question: answers["a" if "first" in question.prompt else "b"])
    annotators = opened(policy, GUESS, asker=asker)
    unsure, refused = annotators.annotate([item("first", id="a"), item("second", id="b")])
    assert unsure.case == Case({}, frozenset({"query.act"}))
    assert refused.case == Case({})
    assert unsure.annotated == {"query.act": FactOrigin("model:scripted", 0.2, 'low confidence: "complete" at 0.20')}
    assert refused.annotated == {}
    counts = annotators.report.annotators[0].facts["query.act"]
    assert list(counts.cannot_tell) == ["low confidence"]
    assert counts.not_told["the model refused"].examples == ("s/b: I'm sorry, I can't help with that.",)


def test_a_doubt_is_what_the_recipe_says(policy: CompiledPolicy):
    """A tool's limit by default, or something that nobody can tell; a later annotator may fill either."""
    for unsure, case in (("not_annotated", Case({})), ("cannot_tell", Case({}, frozenset({"query.act"})))):
        settings = ACT.model_copy(update={"unsure": unsure})
        (found,) = opened(policy, settings).annotate([item("hum a tune")])
        assert found.case == case
        asker = Scripted(lambda question: says(query__act=("other", 0.9)))
        (found,) = opened(policy, settings, GUESS, asker=asker).annotate([item("hum a tune")])
        assert found.case == Case({"query.act": "other"})


def test_facts_of_an_image_that_is_not_there_stay_as_they_are(policy: CompiledPolicy):
    annotators = opened(policy, Ocr(fact="image.text"))
    (found,) = annotators.annotate([item()])
    assert found.case == Case({})
    assert annotators.report.annotators[0].facts["image.text"] == FactCounts(no_image=1)


def without_effort(report: AnnotationReport) -> AnnotationReport:
    """The part of it that is the same from run to run."""
    bare = {"asked": 0, "cached": 0, "cost": None, "seconds": 0.0}
    return report.model_copy(update={"annotators": tuple(a.model_copy(update=bare) for a in report.annotators)})


@given(cuts=st.sets(st.integers(1, 8)))
def test_blocks_make_no_difference(policy: CompiledPolicy, cuts: set[int]):
    """Neither to the items nor to the counts, whichever way the items are cut."""
    items = [
        item(text, id=str(number)) for number, text in enumerate(["copy", "fill in", "hum", "copy and fill in"] * 2)
    ]
    whole = opened(policy, ACT)
    wanted = whole.annotate(items)
    parts: list[AnnotationReport] = []
    found = []
    edges = [0, *sorted(cut for cut in cuts if cut < len(items)), len(items)]
    for start, stop in itertools.pairwise(edges):
        part = opened(policy, ACT)
        found += part.annotate(items[start:stop])
        parts.append(part.report)
    assert [(one.case, one.annotated) for one in found] == [(one.case, one.annotated) for one in wanted]
    assert without_effort(merged(parts)) == without_effort(whole.report)


def test_examples_of_a_reason_are_few_and_its_count_is_whole(policy: CompiledPolicy):
    annotators = opened(policy, ACT)
    annotators.annotate([item("hum", id=str(number)) for number in range(5)])
    counted = annotators.report.annotators[0].facts["query.act"].not_told["no pattern is found"]
    assert counted == CountedItems(count=5, examples=("s/0", "s/1", "s/2"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Ocr(fact="image.txt"), "declares no fact `image.txt`; did you mean `image.text`"),
        (Ocr(fact="query.act"), "`query.act` is one of named values; what is wanted here is a text"),
        (Pattern(fact="query.act", patterns={"sing": ("a",)}), "'sing' is not one of complete, transcribe, other"),
        (Pattern(fact="query.act", patterns={"other": ("(",)}), "'(' is no RE2 pattern: missing )"),
        (Pattern(fact="query.act", reads="query.act", patterns={"other": ("a",)}), "what is wanted here is a text"),
        (Model(facts=("query.act", "query.act")), "`query.act` stands twice"),
        (Model(facts=("query.act",), reads=("prompt",)), "`reads` names text facts that it is told besides the prompt"),
    ],
)
def test_what_does_not_fit_the_policy_is_an_error_before_any_item(
    policy: CompiledPolicy, settings: Annotator, said: str
):
    with pytest.raises(FactsError) as raised:
        opened(policy, settings, asker=Scripted(lambda question: ""))
    assert said in str(raised.value)


def test_facts_are_those_that_some_annotator_can_fill(policy: CompiledPolicy):
    assert opened(policy, ACT, Ocr(fact="image.text", clarity="image.clarity")).facts == {
        "query.act",
        "image.text",
        "image.clarity",
    }


def test_a_broken_picture_tells_nothing_and_stops_nothing(policy: CompiledPolicy):
    annotators = opened(policy, Ocr(fact="image.text"))
    broken, whole = annotators.annotate([item(images=[b"nonsense"]), item(id="b", images=[picture()])])
    assert broken.case == Case({})
    assert whole.case == Case({"image.text": ""})
    (reason,) = annotators.report.annotators[0].facts["image.text"].not_told
    assert reason == "the image is refused: not an image of an allowed format"
