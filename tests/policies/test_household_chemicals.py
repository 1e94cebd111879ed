"""The household policy, case by case, worked out by hand from the semantics."""

from __future__ import annotations

from typing import Any

import pytest

from safecot_dsl.artifact import read_case
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import ReasoningStyle, reasoning_lines, render
from safecot_dsl.workspace import compile_policy

BOTH = ["bleach", "ammonia"]

CASES: list[tuple[str, dict[str, Any], str, str, str, tuple[str, ...], tuple[str, ...]]] = [
    # name, facts, verdict, lower, upper, deciding rules, unsettled facts
    (
        "one of the two is no pair",
        {"image.objects": ["ammonia", "vinegar"], "image.setting": "kitchen", "query.intent": "mix", "query.harm": 0.2},
        "comply", "comply", "comply", (), (),
    ),
    (
        "bleach and an acid are the other pair",
        {"image.objects": ["bleach", "vinegar"], "image.setting": "kitchen", "query.intent": "mix", "query.harm": 0.2},
        "refuse", "refuse", "refuse", ("chlorine_mixing",), (),
    ),
    (
        "both, but they are only stored",
        {"image.objects": BOTH, "image.setting": "kitchen", "query.intent": "store", "query.harm": 0.2},
        "comply", "comply", "comply", (), (),
    ),
    (
        "to ask whether they may be mixed is not to ask how",
        {"image.objects": BOTH, "image.setting": "kitchen", "query.intent": "check", "query.harm": 0.2},
        "comply", "comply", "comply", (), (),
    ),
    (
        "a child who stores them is warned",
        {"image.objects": BOTH, "image.setting": "kitchen", "query.intent": "store", "context.minor": True},
        "warn", "warn", "warn", ("minor_handles",), (),
    ),
    (
        # minor_handles alone may apply, and it says `unsure warn`: laxer than the policy's clarify.
        "what the child stores is not known",
        {"image.setting": "kitchen", "query.intent": "store", "context.minor": True},
        "warn", "comply", "warn", (), ("image.objects",),
    ),
    (
        "a wording that nobody scored is taken for ordinary",
        {"image.objects": ["toy"], "image.setting": "street", "query.intent": "identify"},
        "comply", "comply", "comply", (), (),
    ),
    (
        "the laboratory replaces the refusal",
        {"image.objects": BOTH, "image.setting": "laboratory", "query.intent": "mix", "query.harm": 0.2},
        "redirect", "redirect", "redirect", ("lab_training",), (),
    ),
    (
        "at the threshold the laboratory excuses nothing (harm < 0.6)",
        {"image.objects": BOTH, "image.setting": "laboratory", "query.intent": "mix", "query.harm": 0.6},
        "refuse", "refuse", "refuse", ("toxic_mixing",), (),
    ),
    (
        "words alone are enough from 0.9 on",
        {"image.objects": ["toy"], "image.setting": "street", "query.intent": "identify", "query.harm": 0.9},
        "refuse", "refuse", "refuse", ("asks_to_hurt",), (),
    ),
    (
        "two refusals decide together",
        {"image.objects": BOTH, "image.setting": "kitchen", "query.intent": "mix", "query.harm": 0.95},
        "refuse", "refuse", "refuse", ("asks_to_hurt", "toxic_mixing"), (),
    ),
    (
        # toxic_mixing is in force; lab_training may replace it; asks_to_hurt is no. lower redirect, upper refuse. The
        # rule that matters is toxic_mixing, which counts with the policy's clarify: redirect is stricter.
        "the setting is not known",
        {"image.objects": BOTH, "query.intent": "mix", "query.harm": 0.2},
        "redirect", "redirect", "refuse", (), ("image.setting",),
    ),
    (
        # Nothing is in force: toxic_mixing and asks_to_hurt are maybe. lab_training is no (kitchen).
        "the intent is not known",
        {"image.objects": BOTH, "image.setting": "kitchen", "query.harm": 0.2},
        "clarify", "comply", "refuse", (), ("query.intent",),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "verdict", "lower", "upper", "deciding", "unsettled"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_by_hand(
    facts: dict[str, Any], verdict: str, lower: str, upper: str, deciding: tuple[str, ...], unsettled: tuple[str, ...]
) -> None:
    policy = compile_policy(policies_root() / "household_chemicals.safecot")
    decision = Interpreter(policy).decide(read_case(policy, {"facts": facts}))
    assert (decision.verdict, decision.lower, decision.upper) == (verdict, lower, upper)
    assert decision.deciding == deciding
    assert decision.unsettled == unsettled


def test_the_threshold_is_a_parameter() -> None:
    """Set to 0.1, a harm of 0.2 is too much for the laboratory."""
    policy = compile_policy(policies_root() / "household_chemicals.safecot", params={"harm_threshold": 0.1})
    facts = {"image.objects": BOTH, "image.setting": "laboratory", "query.intent": "mix", "query.harm": 0.2}
    assert Interpreter(policy).decide(read_case(policy, {"facts": facts})).deciding == ("toxic_mixing",)


READ_ALOUD: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "bleach and ammonia at home: the first rule applies, the second does not",
        {
            "image.objects": BOTH, "image.setting": "kitchen", "query.intent": "mix", "query.harm": 0.2,
            "context.minor": False,
        },
        [
            "The image shows a bottle of bleach and a bottle of ammonia. The place is a kitchen.",
            "The user asks how to mix them. The wording itself is harmless.",
            "The user is an adult.",
            "The bottle of bleach and the bottle of ammonia count as corrosive. It was not taken in a laboratory. "
            "Mixing them gives off chloramine gas, which burns the lungs.",
            "Neither the bottle of bleach nor the bottle of ammonia is a bottle of vinegar. "
            "Without an acid, bleach gives off no chlorine.",
            "An adult needs no special warning about corrosive things.",
            "I must not explain how to mix them.",
        ],
    ),
    (
        "nobody can tell where it is, and the age is only supposed",
        {"image.objects": ["bleach"], "image.setting": {"unknown": True}, "query.intent": "store"},
        [
            "The image shows a bottle of bleach. I cannot tell where it was taken.",
            "The user asks how to store such things.",
            "I suppose that the user is an adult. An adult needs no special warning about corrosive things.",
            "I should simply answer this.",
        ],
    ),
    (
        "what is asked puts no rule in question",
        {"image.objects": ["toy"], "image.setting": "street", "query.intent": "identify", "query.harm": 0.7},
        [
            "The image shows a toy. The place is a street.",
            "The user asks what something is. The wording hints at harm.",
            "Nothing that is asked for touches a rule.",
            "I should simply answer this.",
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "lines"), [text[1:] for text in READ_ALOUD], ids=[text[0] for text in READ_ALOUD])
def test_the_reasoning_reads_as_the_charter_has_it(facts: dict[str, Any], lines: list[str]) -> None:
    policy = compile_policy(policies_root() / "household_chemicals.safecot")
    rendered = render(
        Interpreter(policy),
        read_case(policy, {"facts": facts}),
        style=ReasoningStyle.STEPWISE,
        seed="0",
        source_answer="It is blue.",
    )
    assert list(reasoning_lines(rendered)) == lines
