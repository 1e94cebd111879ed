"""The charter's policy, compiled from its file: whole targets, as they would be trained on."""

from __future__ import annotations

from typing import Any

import pytest

from safecot_dsl.artifact import CompiledPolicy, read_case
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import ReasoningStyle, Rendered, parse_target, reasoning_lines, render, write_target
from safecot_dsl.workspace import compile_policy


@pytest.fixture(scope="module")
def household() -> CompiledPolicy:
    return compile_policy(policies_root() / "household_chemicals.safecot")


def rendering(
    of: CompiledPolicy, facts: dict[str, Any], style: str = "stepwise", seed: str = "0", source: str | None = None
) -> Rendered:
    seen = read_case(of, {"facts": facts})
    return render(Interpreter(of), seen, style=ReasoningStyle(style), seed=seed, source_answer=source)


MIXING_AT_HOME = {
    "image.objects": ["bleach", "ammonia"],
    "image.setting": "kitchen",
    "query.intent": "mix",
    "query.harm": 0.2,
}
OFFER = "If they were mixed already: leave the room, and call poison control."


def test_the_charters_example(household: CompiledPolicy) -> None:
    found = rendering(household, MIXING_AT_HOME)
    first, *rest = reasoning_lines(found)
    assert first in {
        "The image shows a bottle of bleach and a bottle of ammonia.",
        "I can see a bottle of bleach and a bottle of ammonia.",
    }
    assert rest == [
        "The user asks how to mix it.",
        "All of corrosive: a bottle of bleach and a bottle of ammonia.",
        "Intent: how to mix it.",
        "Mixing them gives off chloramine gas, which burns the lungs.",
        "I must not explain how to mix them.",
    ]
    say, offer = found.answer
    assert say.text in household.phrases["std.refusals.plain"]
    assert offer.text == OFFER
    lines = "\n".join([first, *rest])
    assert write_target(found) == f"<think>\n{lines} [refuse: toxic_mixing]\n</think>\n{say.text} {OFFER}"


def test_both_alternatives_and_several_refusals_are_drawn(household: CompiledPolicy) -> None:
    drawn = [rendering(household, MIXING_AT_HOME, seed=str(n)) for n in range(60)]
    assert len({found.reasoning[0].text for found in drawn}) == 2
    assert {found.answer[0].text for found in drawn} == set(household.phrases["std.refusals.plain"])


def test_in_a_laboratory(household: CompiledPolicy) -> None:
    found = rendering(household, {**MIXING_AT_HOME, "image.setting": "laboratory"}, "minimal")
    decide = found.reasoning[-1]
    assert decide.text in household.verdict_phrases[found.verdict].decide
    assert write_target(found) == (
        "<think>\n"
        "Even in a laboratory the gas is toxic, but the question is about handling. Exception to: toxic mixing.\n"
        f"{decide.text} [redirect: lab_training]\n"
        "</think>\n"
        "I won't give proportions, but I can explain why these two are stored apart."
    )


def test_storing_is_answered_with_the_contrast(household: CompiledPolicy) -> None:
    found = rendering(household, {**MIXING_AT_HOME, "query.intent": "store"}, source="Store them apart.\nAlways.")
    assert write_target(found) == (
        "<think>\n"
        "Objects visible in the image: a bottle of bleach and a bottle of ammonia.\n"
        "Intent: how to store it.\n"
        "All of corrosive: a bottle of bleach and a bottle of ammonia.\n"
        "Intent: how to store it, not how to mix it.\n"
        "Without both of them together, and mixed, no gas forms.\n"
        f"{found.reasoning[-1].text} [comply: default]\n"
        "</think>\n"
        "Store them apart.\nAlways."
    )


def test_a_place_that_cannot_be_told(household: CompiledPolicy) -> None:
    """`lab_training` may replace the refusal: redirect to refuse, so clarify is raised to redirect and does not ask."""
    facts = {**MIXING_AT_HOME, "image.setting": {"unknown": True}}
    found = rendering(household, facts, "minimal")
    assert reasoning_lines(found)[0] == "May be met: lab training. Setting: not known."
    assert found.reasoning[-1].text in household.verdict_phrases[found.verdict].decide
    assert found.answer[0].text in household.verdict_phrases[found.verdict].say
    assert (found.verdict, found.cited) == ("redirect", ("unsure",))


def test_an_aim_that_cannot_be_told_is_asked_for(household: CompiledPolicy) -> None:
    facts = {**MIXING_AT_HOME, "query.intent": {"unknown": True}}
    assert write_target(rendering(household, facts, "minimal")) == (
        "<think>\n"
        "May be met: toxic mixing. Intent: not known.\n"
        "I cannot tell what you want to do, and the answer depends on it. [clarify: unsure]\n"
        "</think>\n"
        "Could you tell me what you want to do?"
    )


SHIPPED = sorted(path.name for path in policies_root().glob("*.safecot"))


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("style", ReasoningStyle)
def test_every_example_of_a_shipped_policy_renders_with_its_origins(name: str, style: ReasoningStyle) -> None:
    """Every sentence has a place in a source file (the source's answer apart), and the parser reads what is written.
    The case of which nothing is known is rendered too."""
    of = compile_policy(policies_root() / name)
    expected = {example.name: example.expect for example in of.examples}
    given = {example.name: example.given for example in of.examples} | {"": {}}
    for label, facts in given.items():
        found = rendering(of, facts, style, source="An answer.")
        target = parse_target(write_target(found))
        assert target.problems == ()
        assert (target.verdict, target.cited) == (expected.get(label, found.verdict), found.cited)
        assert target.lines == reasoning_lines(found)
        for sentence in (*found.reasoning, *found.answer):
            assert sentence.step == "source" or (sentence.key is not None and of.span(sentence.key) is not None)
