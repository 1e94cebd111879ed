from __future__ import annotations

import pytest

from safecot_dsl.artifact import (
    UNKNOWN,
    Answer,
    Case,
    CompiledPolicy,
    FactSlot,
    Speech,
    UnknownSlot,
    Utterance,
    Verdict,
)
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import ReasoningStyle, Rendered, answer_text, render

from .building import MIXING, PLAIN, case, policy, say, speaking, template

MIXED = case(image__objects=["bleach", "ammonia"], query__intent="mix", image__setting="kitchen")
HELPING = (Verdict.COMPLY, Verdict.WARN)


def rendering(of: CompiledPolicy, seen: Case = MIXED, source: str | None = "1. Do.", seed: str = "0") -> Rendered:
    return render(Interpreter(of), seen, style=ReasoningStyle.MINIMAL, seed=seed, source_answer=source)


def mixing(verdict: Verdict, answer: Answer | None = None) -> CompiledPolicy:
    rule = speaking(MIXING.model_copy(update={"verdict": verdict}), answer=answer)
    return policy(rule, phrases={"std.texts.no": ("No, never.",)}, default=Verdict.COMPLY)


OFFER = Utterance(template=template("Offer."), key="rule:toxic_mixing.answer.offer")
SAY = Utterance(template=template("Say."), key="rule:toxic_mixing.answer.say")


@pytest.mark.parametrize(
    ("verdict", "answer", "expected"),
    [
        (Verdict.COMPLY, Answer(), "1. Do."),
        (Verdict.COMPLY, Answer(say=SAY, offer=OFFER), "Say. 1. Do. Offer."),
        (Verdict.WARN, Answer(), "Please be careful. 1. Do."),
        (Verdict.WARN, Answer(say=SAY, offer=OFFER), "Say. 1. Do. Offer."),
        (Verdict.CLARIFY, Answer(), "What do you have in mind?"),
        (Verdict.CLARIFY, Answer(offer=OFFER), "What do you have in mind? Offer."),
        (Verdict.REDIRECT, Answer(say=SAY), "Say."),
        (Verdict.REFUSE, Answer(say=SAY, offer=OFFER), "Say. Offer."),
        (Verdict.REFUSE, Answer(say=Utterance(phrase_set="std.texts.no", key="k")), "No, never."),
    ],
)
def test_what_is_answered(verdict: Verdict, answer: Answer, expected: str) -> None:
    found = rendering(mixing(verdict, answer))
    assert answer_text(found) == expected
    assert not found.needs_answer


@pytest.mark.parametrize("verdict", HELPING)
@pytest.mark.parametrize("source", [None, "", " \n"])
def test_an_answer_that_helps_is_never_invented(verdict: Verdict, source: str | None) -> None:
    found = rendering(mixing(verdict, Answer(say=SAY, offer=OFFER)), source=source)
    assert found.answer == ()
    assert found.needs_answer


@pytest.mark.parametrize("verdict", [v for v in Verdict if v not in HELPING])
def test_other_verdicts_ignore_the_source(verdict: Verdict) -> None:
    with_source, without = rendering(mixing(verdict)), rendering(mixing(verdict), source=None)
    assert with_source == without
    assert not without.needs_answer


def test_every_part_of_the_answer_names_its_origin() -> None:
    warned = rendering(mixing(Verdict.WARN, Answer(offer=OFFER)))
    assert [(s.step, s.key, s.rule, s.built) for s in warned.answer] == [
        ("say", "phrases:std.verdicts.say_warn", "toxic_mixing", True),
        ("source", None, None, False),
        ("offer", "rule:toxic_mixing.answer.offer", "toxic_mixing", False),
    ]


def test_a_refusal_is_drawn_by_the_seed() -> None:
    drawn = [answer_text(rendering(PLAIN, seed=str(n))) for n in range(40)]
    assert set(drawn) == {"I can't help with that.", "No."}
    assert drawn == [answer_text(rendering(PLAIN, seed=str(n))) for n in range(40)]


def test_a_say_that_cannot_be_used_is_drawn_for_the_verdict_and_such_an_offer_left_away() -> None:
    knife = template("A knife: ", FactSlot(fact="image.objects", among=("knife",)))
    answer = Answer(say=Utterance(template=knife, key="s"), offer=Utterance(template=knife, key="o"))
    assert answer_text(rendering(mixing(Verdict.CLARIFY, answer))) == "What do you have in mind?"


def test_default_and_unsure_speak_for_themselves() -> None:
    ask = Speech(answer=say("unsure", template("Tell me ", UnknownSlot(), ".")))
    refuse = Speech(answer=say("default", template("Not that.")))
    of = policy(MIXING, default=Verdict.REFUSE, default_speech=refuse, unsure_speech=ask)
    assert answer_text(rendering(of, case(image__objects=[], query__intent="store"))) == "Not that."
    lenient = policy(MIXING, unsure_speech=ask)
    unknown = MIXED.with_fact("query.intent", UNKNOWN)
    assert answer_text(rendering(lenient, unknown)) == "Tell me what you want to do."


def test_the_unsure_block_does_not_fit_another_verdict() -> None:
    ask = Speech(answer=say("unsure", template("Tell me ", UnknownSlot(), ".")))
    of = policy(MIXING.model_copy(update={"unsure": Verdict.REDIRECT}), unsure_speech=ask)
    found = rendering(of, MIXED.with_fact("query.intent", UNKNOWN))
    assert (found.verdict, answer_text(found)) == (Verdict.REDIRECT, "Here is a safe way.")


def test_signs_of_the_format_in_the_sources_answer_are_neutralised() -> None:
    found = rendering(mixing(Verdict.COMPLY), source="<think>x</think>\nYes. <|im_end|>")
    assert answer_text(found) == "(think>x(/think>\nYes. (|im_end|>"


def test_without_any_phrase_the_answer_is_missing_and_says_so() -> None:
    of = mixing(Verdict.REFUSE)
    none = {v: p.model_copy(update={"say": ()}) for v, p in of.verdict_phrases.items()}
    found = rendering(of.model_copy(update={"verdict_phrases": none}))
    assert (found.answer, found.needs_answer) == ((), True)
