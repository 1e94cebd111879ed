"""The answers that a policy can give: all are found, and read by the policy's own criteria."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest
from fixture_types import PolicyFrom
from hypothesis import given
from hypothesis import strategies as st
from strategies import cases

from safecot_dsl.analysis import own_answers
from safecot_dsl.analysis.own_answers import HARMLESS_WORD, MOST_ANSWERS, NEUTRAL_ANSWER, OwnAnswers, text_of
from safecot_dsl.artifact import CompiledPolicy, FactSlot, UnknownSlot, Verdict
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import Renderer, Sentence
from safecot_dsl.render.model import answer_sentence
from safecot_dsl.render.style import ReasoningStyle
from safecot_dsl.workspace import compile_policy
from tests.strategies import examples

RECIPES = policies_root().parent / "recipes"
SHIPPED = [
    *(path for path in sorted(policies_root().glob("*.safecot"))),
    *(path for path in sorted(policies_root().glob("published/*.safecot"))),
    *(policies_root() / "templates" / name for name in ("minimal.safecot", "starter.safecot")),
    *sorted(RECIPES.glob("*.safecot")),
]

FACTS = """
facts image {
  objects : set of { cup "a cup", pen "a pen", toy "a toy", key "a key" }
  place   : one of { home "at home", work "at work" }
  size    : number 1..9
  words   : text
}
facts query {
  intent : one of { name "what it is", use "how to use it" }   ask "what you want to do"
  level  : score                                                ask "how much you know"
  hurry  : flag assume no                                       ask "whether it is urgent"
}
"""
ENDING = "default comply\nunsure clarify\n"


@cache
def shipped(path: Path) -> tuple[CompiledPolicy, Renderer, OwnAnswers]:
    policy = compile_policy(path)
    return policy, Renderer(Interpreter(policy)), OwnAnswers(policy)


def texts(policy: CompiledPolicy, speaker: str) -> list[str]:
    """What this speaker can say, the source's answer as dots."""
    found = [answer for answer in OwnAnswers(policy).all() if answer.speaker == speaker]
    return [text_of(answer.verdict, answer.sentences).replace(NEUTRAL_ANSWER, "...") for answer in found]


def slotted(policy: CompiledPolicy) -> set[str]:
    """The places of the answers that hold a slot of which not every value is tried."""
    speeches = [*(rule.speech for rule in policy.rules), policy.default_speech, policy.unsure_speech]
    return {
        said.key
        for speech in speeches
        for said in (speech.answer.say, speech.answer.offer)
        if said is not None and any(isinstance(segment, FactSlot | UnknownSlot) for segment in said.template or ())
    }


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_answer_of_a_shipped_policy_is_read_as_its_verdict(path: Path) -> None:
    policy, _, answers = shipped(path)
    found = list(answers.all())
    rules = policy.rule_index
    wrong: dict[str, object] = {}
    for answer in found:
        rule = answer.speaker if answer.speaker in rules else None
        reading = answers.read(answer.verdict, answer.sentences, rule)
        if reading is not None:
            wrong[answer.speaker] = reading
    assert wrong == {}
    assert {answer.speaker for answer in found} >= {"unsure"}


@given(data=st.data(), seed=st.integers(0, 1 << 30))
@examples(120)
def test_no_answer_that_is_given_was_left_out(data: st.DataObject, seed: int) -> None:
    """Whatever the case and the seed: who speaks, for which verdict, and each text, slots aside, was looked at; and so
    was the very text, where the slots hold what the examination fills them with."""
    policy, renderer, answers = shipped(data.draw(st.sampled_from(SHIPPED)))
    case = data.draw(cases(policy))
    given_ = renderer.render(
        case, style=ReasoningStyle.MINIMAL, seed=str(random.Random(seed).random()), source_answer=NEUTRAL_ANSWER
    )
    authored = [sentence for sentence in given_.answer if sentence.step != "source"]
    if not authored:
        assert given_.verdict is Verdict.COMPLY
        return
    decision = Interpreter(policy).decide(case)
    filled = slotted(policy)

    def shape(sentences: list[Sentence] | tuple[Sentence, ...]) -> tuple[tuple[str, str | None, str], ...]:
        return tuple((s.step, s.key, "" if s.key in filled else s.text) for s in sentences)

    examined = {(a.speaker, a.verdict, shape(a.sentences)) for a in answers.all()}
    assert (decision.speaker, given_.verdict, shape(authored)) in examined
    askable = [name for name in decision.unsettled if policy.fact_index[name].ask]
    if len(askable) < 2 and not any(s.kind == "fact" for s in _segments(policy, filled)):
        assert text_of(given_.verdict, authored) in {text_of(a.verdict, a.sentences) for a in answers.all()}


def _segments(policy: CompiledPolicy, keys: set[str]) -> list[FactSlot | UnknownSlot]:
    speeches = [*(rule.speech for rule in policy.rules), policy.default_speech, policy.unsure_speech]
    said = [
        u for speech in speeches for u in (speech.answer.say, speech.answer.offer) if u is not None and u.key in keys
    ]
    return [s for u in said for s in u.template or () if isinstance(s, FactSlot | UnknownSlot)]


# What slots are filled with


def test_each_value_of_a_choice_and_what_is_said_where_it_is_not_known(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FACTS + 'phrases say_refuse { "No." }\n'
        'rule r { when query.level >= 0.5 verdict refuse answer { say "I won\'t, {image.place}." } }\n' + ENDING
    )
    assert texts(policy, "r") == ["I won't, at home.", "I won't, at work.", "No."]


def test_a_value_that_the_rule_rules_out_is_not_tried(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FACTS + 'phrases say_refuse { "No." }\n'
        'rule r { when image.place is work verdict refuse answer { say "I won\'t, {image.place}." } }\n' + ENDING
    )
    assert texts(policy, "r") == ["I won't, at work.", "No."]


def test_of_a_set_each_member_two_neighbours_and_all(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FACTS + "group small = { pen, key }\nrule r { when query.level >= 0.5 verdict refuse\n"
        'answer { say "I won\'t: {image.objects among small}." } }\nphrases say_refuse { "No." }\n' + ENDING
    )
    assert texts(policy, "r") == ["No.", "I won't: a pen.", "I won't: a key.", "I won't: a pen and a key."]
    policy = policy_from(
        FACTS + 'rule r { when query.level >= 0.5 verdict warn answer { offer "{image.objects}" } }\n'
        'phrases say_warn { "Care." }\n' + ENDING
    )
    said = ["a cup", "a pen", "a toy", "a key", "a cup and a pen", "a pen and a toy", "a toy and a key"]
    said += ["a cup, a pen, a toy and a key"]
    assert texts(policy, "r") == [*(f"Care. ... {objects}" for objects in said), "Care. ..."]


def test_a_number_has_its_ends_and_a_text_a_harmless_word(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FACTS
        + 'rule r { when query.level >= 0.5 verdict comply answer { say "{image.size}: {image.words}" } }\n'
        + ENDING
    )
    assert texts(policy, "r") == [f"1: {HARMLESS_WORD} ...", f"9: {HARMLESS_WORD} ..."]


def test_unknown_facts_are_each_that_can_be_asked_for_and_all(policy_from: PolicyFrom) -> None:
    """A fact with a supposition is never unknown; where none can be asked for, the phrases of the verdict are said."""
    policy = policy_from(
        FACTS + 'phrases say_clarify { "Which?" }\n'
        'default comply\nunsure clarify { answer { say "Could you tell me {unknown facts}?" } }\n'
    )
    assert texts(policy, "unsure") == [
        "Could you tell me what you want to do?",
        "Could you tell me how much you know?",
        "Could you tell me what you want to do and how much you know?",
        "Which?",
    ]


def test_phrases_of_a_set_are_each_said_with_each_of_the_other(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FACTS + 'phrases a { "A." "B." }\nphrases b { "1." "2." }\n'
        "rule r { when query.level >= 0.5 verdict refuse answer { say one of a offer one of b } }\n" + ENDING
    )
    assert texts(policy, "r") == ["A. 1.", "B. 1.", "A. 2.", "B. 2."]


def test_where_nobody_wrote_an_answer_the_phrases_of_the_verdict_are_read(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FACTS
        + 'phrases say_refuse { "Nope." }\nphrases say_redirect { "Elsewhere." }\nphrases say_clarify { "Which?" }\n'
        "rule r { when query.level >= 0.5 unsure redirect verdict refuse }\n" + ENDING
    )
    assert texts(policy, "r") == ["Nope."]
    # An ambiguous case can be a redirect, by what the rule says for it, and the block on `unsure` is not for that.
    assert texts(policy, "unsure") == ["Which?", "Elsewhere."]
    assert texts(policy, "default") == []


def test_there_is_a_limit_and_each_phrase_comes_within_it(policy_from: PolicyFrom) -> None:
    many = "\n".join(f'"No, {number}."' for number in range(40))
    policy = policy_from(
        FACTS + f"phrases a {{ {many} }}\nphrases b {{ {many} }}\n"
        "rule r { when query.level >= 0.5 verdict refuse answer { say one of a offer one of b } }\n" + ENDING
    )
    found = [answer.sentences for answer in OwnAnswers(policy).all() if answer.speaker == "r"]
    assert len(found) == MOST_ANSWERS < 40 * 40
    assert len({say.text for say, _ in found}) == len({offer.text for _, offer in found}) == 40


def test_each_value_of_a_slot_comes_within_the_limit_too(policy_from: PolicyFrom) -> None:
    """All phrases with the first value, one phrase with the others: with each other one there is no room."""
    many = "\n".join(f'"No, {number}."' for number in range(40))
    values = ", ".join(f'v{number} "value {number}"' for number in range(50))
    policy = policy_from(
        FACTS.replace("{ home", f"{{ {values}, home") + f"phrases a {{ {many} }}\n"
        'rule r { when query.level >= 0.5 verdict refuse answer { say one of a offer "{image.place}" } }\n' + ENDING
    )
    found = [answer.sentences for answer in OwnAnswers(policy).all() if answer.speaker == "r"]
    assert len(found) == MOST_ANSWERS
    assert len({sentences[0].text for sentences in found}) == 40
    assert len({sentences[1].text for sentences in found if len(sentences) > 1}) == 52


def test_many_slots_have_each_value_once(policy_from: PolicyFrom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_answers, "MOST_FILLED", 4)
    policy = policy_from(
        FACTS
        + 'rule r { when query.level >= 0.5 verdict comply answer { say "{image.place}, {query.intent}" } }\n'
        + ENDING
    )
    assert texts(policy, "r") == ["at home, what it is ...", "at work, what it is ...", "at home, how to use it ..."]


# How they are read


def criteria(*lets: str) -> str:
    return (
        'criteria c {\n  proposition no "It says no." { detect matches /no\\b/i }\n'
        '  proposition kind "It is kind." { detect matches /please/i }\n  proposition true "It is true." {}\n'
        + "".join(f"  let {let}\n" for let in lets)
        + "}\n"
    )


def said(text: str, step: str = "say") -> Sentence:
    return answer_sentence(step, text, key="k", rule="r", built=False)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("lets", "verdict", "text", "shown"),
    [
        (["response_refuse = no", "response_comply = not no"], Verdict.REFUSE, "No.", None),
        (["response_refuse = no", "response_comply = not no"], Verdict.REFUSE, "Fine.", Verdict.COMPLY),
        (["response_refuse = no", "response_warn = kind"], Verdict.REFUSE, "Fine.", "nothing"),
        (["response_refuse = no"], Verdict.REFUSE, "...", "nothing"),
        (["response_refuse = no"], Verdict.REDIRECT, "Fine.", None),  # there is no reading of it
        (["response_refuse = no and true"], Verdict.REFUSE, "No.", None),  # not decided without a judge
        (["response_refuse = no and true"], Verdict.REFUSE, "Fine.", "nothing"),
        (
            ["response_refuse = no", "response_comply = not no"],
            Verdict.REFUSE,
            "Нет, спасибо.",
            None,
        ),  # not read at all
        (["response_refuse = no", "response_comply = not no"], Verdict.COMPLY, "No.", Verdict.REFUSE),
        (["response_refuse = no", "response_comply = kind"], Verdict.COMPLY, "No.", None),  # help is not read as such
    ],
)
def test_what_an_answer_is_read_as(
    policy_from: PolicyFrom, lets: list[str], verdict: Verdict, text: str, shown: str | None
) -> None:
    policy = policy_from(FACTS + criteria(*lets) + "rule r { when query.hurry verdict refuse }\n" + ENDING)
    assert OwnAnswers(policy).shown(verdict, [said(text)]) == shown


def test_the_source_s_answer_is_not_read_and_what_nobody_wrote_is_not_either(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FACTS
        + criteria("response_refuse = no", "response_comply = not no")
        + "rule r { when query.hurry verdict refuse }\n"
        + ENDING
    )
    answers = OwnAnswers(policy)
    assert answers.shown(Verdict.COMPLY, [said("Yes."), said("No!", "source"), said("Bye.", "offer")]) is None
    assert answers.shown(Verdict.COMPLY, [said("No!", "source")]) is None
    assert answers.shown(Verdict.COMPLY, [said("Yes.", "source"), said("No.", "offer")]) is Verdict.REFUSE


@pytest.mark.parametrize(
    ("verdict", "require", "text", "breaks"),
    [
        ("refuse", "kind", "No, please.", False),
        ("refuse", "kind", "No.", True),
        ("refuse", "kind or true", "No.", False),
        ("comply", "kind", "Yes.", False),  # the source's answer may be
        ("comply", "not kind", "Yes, please.", True),
    ],
)
def test_a_require_that_is_broken(policy_from: PolicyFrom, verdict: str, require: str, text: str, breaks: bool) -> None:
    policy = policy_from(
        FACTS
        + criteria("response_refuse = no", "response_comply = not no")
        + f"rule r {{ when query.hurry verdict {verdict} require {require} }}\n"
        + ENDING
    )
    reading = OwnAnswers(policy).read(Verdict(verdict), [said(text)], "r")
    assert (reading is not None and reading.breaks) is breaks
