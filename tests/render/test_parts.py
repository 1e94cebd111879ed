"""What is said of an `and` that fails: the part that fails alone, or the parts before it as well."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import And, Case, CompiledPolicy, FlagIs, Has, Is, Not, Or
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import PartsTold, Reasoning, ReasoningStyle, render
from tests.strategies import examples, policies, skeletons

from .building import FACTS, HAS_BOTH, IS_MIX, MINOR, MIXING, case, policy
from .talking import draw_cases

IN_ORDER = Reasoning(parts=PartsTold.IN_ORDER)
OUTDOORS = Is(fact="image.setting", values=("street", "laboratory"), group="outdoors")
FAILS = "The rule on toxic mixing does not apply."


def weighed(of: CompiledPolicy, seen: Case, settings: Reasoning | None = None) -> list[str]:
    """What is said in weighing."""
    rendered = render(
        Interpreter(of), seen, style=ReasoningStyle.STEPWISE, seed="0", settings=settings, source_answer="."
    )
    return [sentence.text for sentence in rendered.reasoning if sentence.step == "weigh"]


@pytest.mark.parametrize(
    ("objects", "before"),
    [
        (["bleach", "ammonia"], ["The bottle of bleach and the bottle of ammonia count as corrosive."]),
        (["toy"], []),  # what stands behind the part that fails is not looked at
    ],
)
def test_the_parts_that_hold_before_the_one_that_fails_can_be_said(objects: list[str], before: list[str]) -> None:
    of = policy(MIXING.model_copy(update={"when": And(items=(HAS_BOTH, IS_MIX, OUTDOORS))}))
    seen = case(image__objects=objects, image__setting="kitchen", query__intent="mix")
    failing = weighed(of, seen)
    assert len(failing) == 2
    assert weighed(of, seen, IN_ORDER) == before + failing


def test_what_an_unless_excludes_is_said_behind_the_condition() -> None:
    """`unless` stands behind `when`; of an `or` that holds still only what holds is said."""
    blades = Has(fact="image.objects", quantifier="any", values=("knife",), group="blades")
    when = And(items=(IS_MIX, Or(items=(blades, OUTDOORS))))
    of = policy(MIXING.model_copy(update={"when": when, "unless": FlagIs(fact="context.minor")}))
    seen = case(image__objects=["toy"], image__setting="street", query__intent="mix", context__minor=True)
    assert weighed(of, seen) == [FAILS]
    assert weighed(of, seen, IN_ORDER) == ["The street counts as outdoors.", FAILS]


@pytest.mark.parametrize("minor", [False, True])
def test_what_is_only_supposed_is_not_said_before_a_part_that_fails_for_certain(minor: bool) -> None:
    """Whether the part on it holds or fails: nothing hangs on it."""
    is_minor = FlagIs(fact="context.minor")
    when = And(items=(OUTDOORS, is_minor if minor else Not(item=is_minor), HAS_BOTH, IS_MIX))
    facts = (*FACTS[:-1], MINOR.model_copy(update={"assume": False}))
    of = policy(MIXING.model_copy(update={"when": when}), facts=facts)
    seen = case(image__objects=["toy"], image__setting="street", query__intent="mix")
    failing = weighed(of, seen)
    assert len(failing) == 2
    assert not any("suppose" in text for text in failing)
    assert weighed(of, seen, IN_ORDER) == ["The street counts as outdoors.", *failing]


@examples(60)
@given(policy=st.one_of(policies(), skeletons()), seed=st.integers(0, 2**32))
def test_in_order_no_less_is_said_and_the_verdict_is_the_same(policy: CompiledPolicy, seed: int) -> None:
    interpreter = Interpreter(policy)
    for seen in draw_cases(policy, 6, Random(seed)):
        alone, in_order = (
            render(interpreter, seen, style=ReasoningStyle.STEPWISE, seed="0", settings=settings, source_answer="Fine.")
            for settings in (Reasoning(), IN_ORDER)
        )
        assert (alone.verdict, alone.cited, alone.answer) == (in_order.verdict, in_order.cited, in_order.answer)
        assert {each.text for each in alone.reasoning} <= {each.text for each in in_order.reasoning}
        before = [[each.text for each in of.reasoning if each.step != "weigh"] for of in (alone, in_order)]
        assert before[0] == before[1]
