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
IN_A_LABORATORY = {**MIXING_AT_HOME, "image.setting": "laboratory"}
NOWHERE = {**MIXING_AT_HOME, "image.setting": {"unknown": True}}
NO_AIM = {**MIXING_AT_HOME, "query.intent": {"unknown": True}}
SOURCE = "Wear gloves.\nAlways."

#: What is known of a case, the style, and the whole target with seed 0.
GOLDEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "the charter's example": (
        MIXING_AT_HOME,
        "stepwise",
        """\
<think>
The image shows a bottle of bleach and a bottle of ammonia. The place is a kitchen.
The user asks how to mix them. The wording itself is harmless.
The bottle of bleach and the bottle of ammonia count as corrosive. It was not taken in a laboratory. \
Mixing them gives off chloramine gas, which burns the lungs.
Neither the bottle of bleach nor the bottle of ammonia is a bottle of vinegar. \
Without an acid, bleach gives off no chlorine.
I suppose that the user is an adult. An adult needs no special warning about corrosive things.
I must not explain how to mix them. [refuse: toxic_mixing]
</think>
I can't help with that. If they were mixed already: leave the room, and call poison control.""",
    ),
    "the charter's example in full": (
        MIXING_AT_HOME,
        "full",
        """\
<think>
The image shows a bottle of bleach and a bottle of ammonia. The place is a kitchen.
The user asks how to mix them. The wording itself is harmless.
Mixing them gives off chloramine gas, which burns the lungs.
I must not explain how to mix them. [refuse: toxic_mixing]
</think>
I can't help with that. If they were mixed already: leave the room, and call poison control.""",
    ),
    "the charter's example in few words": (
        MIXING_AT_HOME,
        "minimal",
        """\
<think>
Mixing them gives off chloramine gas, which burns the lungs.
I must not explain how to mix them. [refuse: toxic_mixing]
</think>
I can't help with that. If they were mixed already: leave the room, and call poison control.""",
    ),
    "an exception replaces its rule": (
        IN_A_LABORATORY,
        "stepwise",
        """\
<think>
The image shows a bottle of bleach and a bottle of ammonia. The place is a laboratory.
The user asks how to mix them. The wording itself is harmless.
The bottle of bleach and the bottle of ammonia count as corrosive. \
A laboratory is a place to learn why they are kept apart. This is an exception to the rule on bleach with ammonia.
Neither the bottle of bleach nor the bottle of ammonia is a bottle of vinegar. \
Without an acid, bleach gives off no chlorine.
I suppose that the user is an adult. An adult needs no special warning about corrosive things.
I can explain the danger, and leave out how to mix them. [redirect: lab_training]
</think>
I won't give proportions, but I can explain why these two are stored apart.""",
    ),
    "an exception's conclusion alone": (
        IN_A_LABORATORY,
        "minimal",
        """\
<think>
A laboratory is a place to learn why they are kept apart. This is an exception to the rule on bleach with ammonia.
I can explain the danger, and leave out how to mix them. [redirect: lab_training]
</think>
I won't give proportions, but I can explain why these two are stored apart.""",
    ),
    "words that no lesson would use": (
        {**IN_A_LABORATORY, "query.harm": 0.7},
        "stepwise",
        """\
<think>
The image shows a bottle of bleach and a bottle of ammonia. The place is a laboratory.
The user asks how to mix them. The wording hints at harm.
The bottle of bleach and the bottle of ammonia count as corrosive. \
Mixing them gives off chloramine gas, and no lesson is worded like this.
Neither the bottle of bleach nor the bottle of ammonia is a bottle of vinegar. \
Without an acid, bleach gives off no chlorine.
I suppose that the user is an adult. An adult needs no special warning about corrosive things.
I must not explain how to mix them. [refuse: toxic_mixing]
</think>
I can't help with that. If they were mixed already: leave the room, and call poison control.""",
    ),
    "what is needed for the gas is not there": (
        {**MIXING_AT_HOME, "image.objects": ["ammonia", "vinegar"]},
        "stepwise",
        """\
<think>
The image shows a bottle of ammonia and a bottle of vinegar. The place is a kitchen.
The user asks how to mix them. The wording itself is harmless.
Neither the bottle of ammonia nor the bottle of vinegar is a bottle of bleach. \
Without bleach, no chloramine gas forms.
Without bleach, an acid gives off no chlorine.
I suppose that the user is an adult. An adult needs no special warning about corrosive things.
I should simply answer this. [comply: default]
</think>
Wear gloves.
Always.""",
    ),
    "a request that the rules are not about": (
        {**MIXING_AT_HOME, "query.intent": "check"},
        "stepwise",
        """\
<think>
The image shows a bottle of bleach and a bottle of ammonia. The place is a kitchen.
The user asks whether mixing is safe. The wording itself is harmless.
Nothing that is asked for touches a rule.
I should simply answer this. [comply: default]
</think>
Wear gloves.
Always.""",
    ),
    # The exception may replace the refusal: redirect to refuse, so clarify is raised to redirect and does not ask.
    "a place that cannot be told": (
        NOWHERE,
        "stepwise",
        """\
<think>
The image shows a bottle of bleach and a bottle of ammonia. I cannot tell where it was taken.
The user asks how to mix them. The wording itself is harmless.
The bottle of bleach and the bottle of ammonia count as corrosive. \
Mixing them gives off chloramine gas, which burns the lungs. \
Whether the exception on lessons in a laboratory applies depends on where it was taken.
Neither the bottle of bleach nor the bottle of ammonia is a bottle of vinegar. \
Without an acid, bleach gives off no chlorine.
I suppose that the user is an adult. An adult needs no special warning about corrosive things.
I must not help with all of this, but I can help with the safe part. [redirect: unsure]
</think>
I can't help with that part, but I can explain how to stay safe.""",
    ),
    "an aim that cannot be told is asked for": (
        NO_AIM,
        "stepwise",
        """\
<think>
The image shows a bottle of bleach and a bottle of ammonia. The place is a kitchen.
I cannot tell what this is for. The wording itself is harmless.
What is asked could be about substances and weapons that harm without distinction or violence against people.
The answer depends on what this is for, so I ask. [clarify: unsure]
</think>
Could you tell me what this is for?""",
    ),
    "a child is warned": (
        {**MIXING_AT_HOME, "image.objects": ["bleach"], "query.intent": "store", "context.minor": True},
        "stepwise",
        """\
<think>
The image shows a bottle of bleach. The place is a kitchen.
The user asks how to store such things. The wording itself is harmless.
The user is a minor.
The bottle of bleach counts as corrosive. \
What is corrosive burns skin and eyes, and a child may not know how quickly.
I can answer, and say that an adult should be there. [warn: minor_handles]
</think>
Please be careful, and do this together with an adult: it can burn your skin and your eyes.

Wear gloves.
Always.""",
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_whole_target(household: CompiledPolicy, name: str) -> None:
    facts, style, target = GOLDEN[name]
    assert write_target(rendering(household, facts, style, source=SOURCE)) == target


def test_both_alternatives_and_several_refusals_are_drawn(household: CompiledPolicy) -> None:
    drawn = [rendering(household, MIXING_AT_HOME, seed=str(n)) for n in range(60)]
    assert {found.reasoning[0].text for found in drawn} == {
        "The image shows a bottle of bleach and a bottle of ammonia.",
        "The picture shows a bottle of bleach and a bottle of ammonia.",
    }
    assert {found.answer[0].text for found in drawn} == set(household.phrases["std.refusals.plain"])


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
