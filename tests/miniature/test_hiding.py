"""Facts that cannot be told."""

from __future__ import annotations

import pytest

from safecot_dsl.artifact import UNKNOWN
from safecot_dsl.miniature import Split, World
from safecot_dsl.miniature.drawing import HIDEABLE
from safecot_dsl.miniature.hiding import VAGUE, hide
from safecot_dsl.miniature.requests import PHRASINGS
from safecot_dsl.miniature.tokenizer import pieces


@pytest.mark.parametrize("fact", [*HIDEABLE, "query.intent"])
def test_what_is_hidden_cannot_be_told(world: World, fact: str) -> None:
    """A sample and all of its neighbours by that fact become the same picture and the same request."""
    for sample in world.pool(Split.TRAIN, 3, "hiding"):
        if sample.meta["topic"]:
            continue
        hidden = hide(world.policy, sample, fact)
        assert hidden is not None
        assert hidden.case == sample.case.with_fact(fact, UNKNOWN)
        shown = (hidden.render(), hidden.prompt)
        near = [
            n for n in world.neighbours(sample) if n.case.with_fact(fact, None) == sample.case.with_fact(fact, None)
        ]
        assert near
        for other in near:
            same = hide(world.policy, other, fact)
            assert same is not None
            assert (same.render(), same.prompt) == shown
        assert shown != (sample.render(), sample.prompt)


@pytest.mark.parametrize("fact", HIDEABLE)
def test_other_facts_still_show(world: World, fact: str) -> None:
    """What differs elsewhere gives another picture with the fact hidden too."""
    sample = world.pool(Split.TRAIN, 1, "showing")[0]
    hidden = hide(world.policy, sample, fact)
    assert hidden is not None
    for other in world.neighbours(sample):
        changed = {name for name, value in other.case.known.items() if value != sample.case.known[name]}
        if changed & {*HIDEABLE} - {fact}:
            shown = hide(world.policy, other, fact)
            assert shown is not None
            assert shown.render() != hidden.render()


@pytest.mark.parametrize("fact", [*HIDEABLE, "query.intent"])
def test_no_answer_tells_what_is_hidden(world: World, fact: str) -> None:
    """An answer stays where another value of the hidden fact would have the same answer. Else a helpful one leaves out
    the place, says the objects as the request does, and says `use` where it is not said what is wanted; of others there
    is none left."""
    kept = shortened = 0
    for sample in world.pool(Split.TRAIN, 60, "answers"):
        hidden = hide(world.policy, sample, fact)
        assert hidden is not None
        near = [
            n.answer
            for n in world.neighbours(sample)
            if n.case.with_fact(fact, None) == sample.case.with_fact(fact, None)
        ]
        if set(near) == {sample.answer}:
            assert hidden.answer == sample.answer
            kept += 1
        elif fact == "image.setting" and not sample.meta["topic"]:
            assert hidden.answer == sample.answer[: sample.answer.rindex(" in ")] + "."
            assert all(answer.startswith(hidden.answer[:-1]) for answer in near)
            shortened += 1
        elif fact == "image.objects" and not sample.meta["topic"]:
            assert hidden.answer.startswith("Here is how to ")
            assert "them" in hidden.answer
            assert hidden.answer.endswith(sample.answer[sample.answer.rindex(" in ") :])
            assert not any(world.policy.fact_index[fact].phrase(name) in hidden.answer for name in world.objects)
            shortened += 1
        elif fact == "query.intent":
            assert hidden.answer.startswith("Here is how to use the ")
            shortened += 1
        else:
            assert hidden.answer == ""
    assert (kept == 0) == (fact == "query.intent")
    assert (shortened > 0) == (fact != "image.sign")


def test_what_is_no_fact_of_the_world_cannot_be_hidden(world: World) -> None:
    assert hide(world.policy, world.pool(Split.TRAIN, 1, "none")[0], "context.minor") is None


def test_a_vague_request_has_the_words_of_the_others() -> None:
    """So that a small model knows them; it names no intent, and no request of the world is one of them."""
    known = {piece for phrasings in PHRASINGS.values() for text in phrasings for piece in pieces(text)}
    known |= {" What", "Help", " what"}
    asked = {text for phrasings in PHRASINGS.values() for text in phrasings}
    for text in VAGUE:
        assert text not in asked
        assert {piece.strip() for piece in pieces(text)} <= {piece.strip() for piece in known} | {"do", "help"}
