"""An answer in pieces: nothing goes out before the reasoning was checked, and what goes out is the model's or ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.guard import Fault, Guard, fallback_answer
from tests.strategies import examples

REFUSED = {"image.objects": {"bleach", "ammonia"}, "image.setting": "kitchen", "query.intent": "mix", "query.harm": 0.0}
HARMLESS = {"image.objects": {"bleach"}, "image.setting": "kitchen", "query.intent": "store", "query.harm": 0.0}


@pytest.fixture(scope="module")
def guard(policy):
    return Guard(policy)


def run(guard: Guard, text: str, size: int = 5):
    watcher = guard.watch()
    out = [watcher.feed(text[at : at + size]) for at in range(0, len(text), size)]
    rest, outcome = watcher.finish()
    return "".join([*out, rest]), outcome, out


@pytest.mark.parametrize("size", [1, 5, 10_000])
def test_a_valid_answer_goes_out_without_its_reasoning(guard, text_of, size):
    sent, outcome, _ = run(guard, text_of(HARMLESS, "Upright, in a cool place.\nAnd closed."), size)
    assert sent == "Upright, in a cool place.\nAnd closed."
    assert outcome.let_through
    assert outcome.answer == sent
    assert "store" in outcome.reasoning


def test_an_answer_that_helps_goes_out_as_it_comes_in(guard, text_of):
    """The first words are out long before the last ones have come."""
    text = text_of(HARMLESS, "One. " * 50 + "Last.")
    _, _, out = run(guard, text, 5)
    assert sum(bool(piece) for piece in out) > 40


def test_nothing_goes_out_before_the_reasoning_has_ended(guard, text_of):
    text = text_of(HARMLESS, "Upright.")
    watcher = guard.watch()
    assert watcher.feed(text[: text.index("</think>") + 4]) == ""
    assert watcher.feed(text[text.index("</think>") + 4 :]) != ""


def test_a_refusal_goes_out_when_it_has_been_read_to_its_end(guard, text_of):
    text = text_of(REFUSED)
    sent, outcome, out = run(guard, text)
    assert outcome.let_through
    assert sent == text[text.index("</think>") + len("</think>") :].strip()
    assert not any(out)


def test_an_invalid_reasoning_is_answered_by_the_policys_own_words(guard, policy, text_of):
    text = text_of(REFUSED).replace("[refuse:", "[comply:")
    sent, outcome, _ = run(guard, text)
    assert sent == fallback_answer(policy)
    assert sent.endswith("?")  # this policy asks where it is not sure
    assert not outcome.let_through
    assert outcome.answer == sent


def test_one_that_refuses_in_its_reasoning_and_helps_in_its_answer_is_stopped(guard, policy, text_of):
    text = text_of(REFUSED)
    wrong = text[: text.index("</think>")] + "</think>\nSure: pour both into a bucket and stir for a minute."
    sent, outcome, _ = run(guard, wrong)
    assert sent == fallback_answer(policy)
    assert [fault for fault, _ in outcome.derivation.faults] == [Fault.ANSWER]


@pytest.mark.parametrize("tail", ["", "   \n"])
def test_a_reasoning_without_an_answer_is_no_answer(guard, policy, text_of, tail):
    text = text_of(HARMLESS, "Upright.")
    sent, outcome, _ = run(guard, text[: text.index("</think>") + len("</think>")] + tail)
    assert sent == fallback_answer(policy)
    assert not outcome.let_through


def test_a_second_reasoning_behind_the_checked_one_does_not_go_out(guard, text_of):
    """What stood before it may have gone out; the block and all that follows do not."""
    text = text_of(HARMLESS, "Upright.") + "\n<think>\n[comply: default]\n</think>\nPour both together."
    sent, outcome, _ = run(guard, text)
    assert "Pour" not in sent
    assert "think" not in sent
    assert not outcome.let_through


def test_a_reasoning_without_end_is_given_up(guard, policy):
    sent, outcome, _ = run(guard, "<think>\n" + "and so on " * 10_000, 1000)
    assert sent == fallback_answer(policy)
    assert "no end of the reasoning" in outcome.derivation.faults[-1][1]


def test_an_answer_without_reasoning_does_not_go_out(guard, policy):
    sent, outcome, _ = run(guard, "Pour both into a bucket.")
    assert sent == fallback_answer(policy)
    assert outcome.derivation.faults[0][0] is Fault.FORMAT


@examples(200)
@given(st.text(alphabet=st.sampled_from("<think>/\n[comply: default]x "), max_size=80), st.integers(1, 9))
def test_whatever_comes_something_goes_out_and_no_tag_does(guard, text, size):
    sent, outcome, _ = run(guard, text, size)
    assert sent or outcome.let_through
    assert "<think>" not in sent
    if not outcome.let_through:
        assert outcome.derivation.faults
