"""Steps, answers and slots, as the artifact has them."""

from __future__ import annotations

import pytest

from safecot_dsl.artifact import (
    FactSlot,
    HazardSlot,
    Segment,
    Text,
    TitleSlot,
    UnknownSlot,
)

from .sources import FACTS, compiled, faults

GROUPS = "group sharp = { knife, toy }\ngroup doing = { mix }\ntaxonomy t { harm }\n"


def template(written: str) -> list[Segment]:
    text = f'{FACTS}{GROUPS}rule r {{ hazard harm when image.flag_ verdict refuse think {{ risk "{written}" }} }}'
    return list(compiled(text).rules[0].speech.think[0].alternatives[0])


@pytest.mark.parametrize(
    ("written", "segments"),
    [
        ("", []),
        ("plain", [Text(text="plain")]),
        ("a {image.text} b", [Text(text="a "), FactSlot(fact="image.text"), Text(text=" b")]),
        ("{image.members}{query.harm}", [FactSlot(fact="image.members"), FactSlot(fact="query.harm")]),
        ("{image.members among sharp}", [FactSlot(fact="image.members", among=("knife", "toy"))]),
        ("{query.intent  among   doing}", [FactSlot(fact="query.intent", among=("mix",))]),
        ("{ query.count }", [FactSlot(fact="query.count")]),
        ("{hazard}: {title}", [HazardSlot(), Text(text=": "), TitleSlot()]),
        ("{{", [Text(text="{")]),
        ("{{image.text}", [Text(text="{image.text}")]),
        ("{{{image.text}}", [Text(text="{"), FactSlot(fact="image.text"), Text(text="}")]),
        ("}} } {{{{", [Text(text="}} } {{")]),
    ],
)
def test_slots(written: str, segments: list[Segment]) -> None:
    assert template(written) == segments


@pytest.mark.parametrize(
    "slot",
    [
        "{}",
        "{ }",
        "{image}",
        "{image.text.x}",
        "{image.text!r}",
        "{image.text:>9}",
        "{image.text | upper}",
        "{image.__class__}",
        "{0}",
        "{title.upper}",
        "{hazard among sharp}",
        "{unknown}",
        "{facts}",
        "{image.members among {knife}}",
        "{image.members has knife}",
        "{query.harm among sharp}",
        "{image.flag_}",
        "{image.text",
    ],
)
def test_nothing_else_is_a_slot(slot: str) -> None:
    text = f'{FACTS}{GROUPS}rule r {{ hazard harm when image.flag_ verdict refuse think {{ risk "a {slot}" }} }}'
    assert [code for code, _, _ in faults(text)] == ["SC0401"]


def test_unknown_facts_belong_to_unsure() -> None:
    text = f'{FACTS}unsure clarify {{ think {{ decide "{{unknown facts}}" }} answer {{ say "{{unknown   facts}}?" }} }}'
    speech = compiled(text).unsure_speech
    assert list(speech.think[0].alternatives[0]) == [UnknownSlot()]
    assert speech.answer.say is not None
    assert speech.answer.say.template == (UnknownSlot(), Text(text="?"))
    for elsewhere in (
        'default comply { think { risk "{unknown facts}" } }',
        'rule r { when image.flag_ verdict refuse answer { say "{unknown facts}" } }',
    ):
        assert [fault[:2] for fault in faults(FACTS + elsewhere)] == [("SC0401", "{unknown facts}")]


@pytest.mark.parametrize("block", ["default comply", "unsure clarify"])
@pytest.mark.parametrize("slot", ["{hazard}", "{title}"])
def test_where_no_rule_speaks_nothing_is_said_of_one(block: str, slot: str) -> None:
    assert [fault[:2] for fault in faults(f'{FACTS}\n{block} {{ think {{ risk "{slot}" }} }}')] == [("SC0401", slot)]


def test_a_slot_of_several_lines_is_underlined_where_it_stands() -> None:
    text = FACTS + 'rule r { when image.flag_ verdict refuse think { risk """\n  \\"ä\\" {image.txt}\n  """ } }'
    assert [fault[:2] for fault in faults(text)] == [("SC0401", "{image.txt}")]


def test_an_unknown_group_of_a_slot_is_mended_without_the_slot() -> None:
    text = (
        f'{FACTS}{GROUPS}rule r {{ when image.flag_ verdict refuse think {{ risk "{{image.members among shrp}}" }} }}'
    )
    assert faults(text) == [("SC0101", "shrp", "unknown group `shrp`")]


def test_steps_keep_their_order_and_conditions() -> None:
    text = f"""{FACTS}
    rule r {{
      when image.flag_
      verdict refuse
      think {{
        decide "d"
        risk when query.intent is mix "r0" | "r1"
        observe "o"
        risk when query.harm > 0.5 "r2"
        risk "r3"
      }}
    }}"""
    steps = compiled(text).rules[0].speech.think
    assert [(step.kind.value, step.key, len(step.alternatives), step.when is None) for step in steps] == [
        ("decide", "rule:r.think.decide.0", 1, True),
        ("risk", "rule:r.think.risk.0", 2, False),
        ("observe", "rule:r.think.observe.0", 1, True),
        ("risk", "rule:r.think.risk.1", 1, False),
        ("risk", "rule:r.think.risk.2", 1, True),
    ]


def test_of_several_steps_only_the_last_is_without_a_condition() -> None:
    def said(steps: str) -> list[tuple[str, str]]:
        text = f"{FACTS}rule r {{ when image.flag_ verdict refuse think {{ {steps} }} }}"
        return [fault[:2] for fault in faults(text)]

    assert said('risk when image.flag_ "a" risk when image.flag_ "b"') == []
    assert said('risk "a" risk "b"') == [("SC0306", "risk ")]
    assert said('risk "a" decide "b" risk when image.flag_ "c"') == [("SC0306", "risk ")]
    assert said('contrast "a" contrast "b"') == [("SC0306", "contrast ")]


def test_an_answer_draws_from_a_set_or_has_a_text() -> None:
    text = f"""import lib
    {FACTS}
    rule r {{ when image.flag_ verdict refuse answer {{ offer "Call {{image.text}}." say one of lib.f }} }}
    """
    policy = compiled(text, {"lib.safecot": 'library lib { version "1" }\nphrases f { "No {image.text}." }'})
    answer = policy.rules[0].speech.answer
    assert answer.say is not None
    assert answer.offer is not None
    assert (answer.say.phrase_set, answer.say.template) == ("lib.f", None)
    assert answer.offer.template == (Text(text="Call "), FactSlot(fact="image.text"), Text(text="."))
    assert policy.phrases["lib.f"] == ("No {image.text}.",)  # a phrase is no template


def test_an_answer_cannot_draw_from_nothing() -> None:
    text = f"{FACTS}phrases f {{}}\nrule r {{ when image.flag_ verdict refuse answer {{ say one of f }} }}"
    assert faults(text) == [("SC0301", "f", "the phrase set `f` is empty")]
