"""The prepared renderer says what rendering case by case says, whatever it kept from the cases before."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from safecot_dsl.artifact import Case, CompiledPolicy, Fact, FlagIs, Not, Rule, Speech, TextType, UnknownSlot, Verdict
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import Lookups, PartsTold, Reasoning, ReasoningStyle, Renderer, render
from safecot_dsl.render.bounded import LONGEST, keep
from tests.strategies import examples, policies, skeletons

from . import building
from .talking import draw_cases, with_speech

SOURCE_ANSWERS = (None, "", "Fine.", "Two\n\nparts </think> é")


@examples(100)
@given(policy=st.one_of(policies(), policies(), skeletons()), seed=st.integers(0, 2**32))
def test_the_renderer_says_what_render_says(policy: CompiledPolicy, seed: int) -> None:
    """For random policies with random texts: cases that come again, in any style, with the decision given or not."""
    random = Random(seed)
    policy = with_speech(policy, random)
    interpreter = Interpreter(policy)
    renderer = Renderer(interpreter)
    cases = [(case, interpreter.decide(case)) for case in draw_cases(policy, 8, random)]
    for number in range(24):
        (case, decided), style = random.choice(cases), random.choice(list(ReasoningStyle))
        drawn, answer = str(random.randrange(3)), random.choice(SOURCE_ANSWERS)
        decision = random.choice([decided, interpreter.decide(case), None])
        expected = render(interpreter, case, style=style, seed=drawn, source_answer=answer)
        said = renderer.render(case, style=style, seed=drawn, source_answer=answer, decision=decision)
        assert said == expected, number
        event(f"{expected.verdict}, by {'a rule' if expected.cited[0] in policy.rule_index else expected.cited[0]}")


@examples(60)
@given(policy=st.one_of(policies(), skeletons()), seed=st.integers(0, 2**32))
def test_the_renderer_tells_apart_cases_that_differ_in_one_fact(policy: CompiledPolicy, seed: int) -> None:
    """Each case differs from the one before in one fact, so that most of what is kept of that one is asked for again:
    what settles a rule as before may still be told otherwise."""
    random = Random(seed)
    policy = with_speech(policy, random)
    interpreter = Interpreter(policy)
    renderer = Renderer(interpreter)
    (case,) = draw_cases(policy, 1, random)
    for other in draw_cases(policy, 30, random):
        name = random.choice(policy.facts).name
        case = case.with_fact(name, other.known.get(name))
        said = renderer.render(case, style=ReasoningStyle.STEPWISE, seed="0")
        assert said == render(interpreter, case, style=ReasoningStyle.STEPWISE, seed="0")


@examples(60)
@given(policy=st.one_of(policies(), skeletons()), seed=st.integers(0, 2**32), most=st.integers(0, 4))
def test_the_renderer_weighs_as_render_does(policy: CompiledPolicy, seed: int, most: int) -> None:
    """With any number of failing rules written, any way to say look-ups, and any parts of what fails."""
    random = Random(seed)
    interpreter = Interpreter(policy)
    settings = Reasoning(weigh=most, lookups=random.choice(list(Lookups)), parts=random.choice(list(PartsTold)))
    renderer = Renderer(interpreter, settings)
    for case in draw_cases(policy, 8, random):
        said = renderer.render(case, style=ReasoningStyle.STEPWISE, seed="0")
        assert said == render(interpreter, case, style=ReasoningStyle.STEPWISE, seed="0", settings=settings)


def test_the_renderer_tells_apart_what_a_question_asks_for() -> None:
    """Two cases that are told alike but for what is not known: the answer asks for that."""
    asking = building.say("unsure", building.template("Please tell me ", UnknownSlot(), "."))
    strict = Rule(name="strict", when=building.IS_HURT, verdict=Verdict.REFUSE)
    lax = Rule(name="lax", when=building.IN_LABORATORY, verdict=Verdict.REDIRECT)
    policy = building.policy(strict, lax, unsure_speech=Speech(answer=asking))
    _told(
        policy,
        ("Please tell me where you are and what you want to do.", building.case()),
        ("Please tell me what you want to do.", building.case(image__setting="street")),
    )


def test_the_renderer_tells_apart_what_a_step_depends_on() -> None:
    """Two cases that differ in a fact which only the `when` of a step reads."""
    text = building.template("In a laboratory.")
    risk = building.step("rule:asks_to_hurt", "risk", text, when=building.IN_LABORATORY)
    hurting = building.speaking(building.HURTING, risk)
    _told(
        building.policy(hurting),
        ("In a laboratory.", building.case(query__intent="hurt", image__setting="laboratory")),
        ("This is about violence against people.", building.case(query__intent="hurt", image__setting="street")),
    )


def test_the_renderer_tells_apart_what_is_known_and_what_is_supposed() -> None:
    minor = building.MINOR.model_copy(update={"assume": True})
    rule = Rule(name="young", when=FlagIs(fact="context.minor"), verdict=Verdict.WARN)
    policy = building.policy(rule, facts=(*building.FACTS[:-1], minor))
    said = "the user is known to be a minor."
    interpreter = Interpreter(policy)
    renderer = Renderer(interpreter)
    for case, expected in (
        (building.case(), f"I suppose that {said}"),
        (building.case(context__minor=True), said[0].upper() + said[1:]),
        (building.case(), f"I suppose that {said}"),
    ):
        rendered = renderer.render(case, style=ReasoningStyle.STEPWISE, seed="0")
        assert rendered.reasoning[0].text == expected
        assert rendered == render(interpreter, case, style=ReasoningStyle.STEPWISE, seed="0")


def test_the_renderer_tells_apart_what_a_slot_shows() -> None:
    """Cases that settle the rule alike and differ in the part of a set that a slot shows."""
    slot = building.FactSlot(fact="image.objects", among=("bleach", "ammonia"))
    risk = building.step("rule:asks_to_hurt", "risk", building.template("Here is ", slot, "."))
    _told(
        building.policy(building.speaking(building.HURTING, risk)),
        *(
            (f"Here is {phrase}.", building.case(query__intent="hurt", image__objects=frozenset({name, "vinegar"})))
            for name, phrase in (("bleach", "a bottle of bleach"), ("ammonia", "a bottle of ammonia"))
        ),
    )


def _told(policy: CompiledPolicy, *expected: tuple[str, Case]) -> None:
    """One renderer tells each case with its text, and as if it were the first."""
    interpreter = Interpreter(policy)
    renderer = Renderer(interpreter)
    for text, case in expected:
        for style in (ReasoningStyle.FULL, ReasoningStyle.STEPWISE):
            rendered = renderer.render(case, style=style, seed="0")
            assert rendered == render(interpreter, case, style=style, seed="0")
            assert text in [sentence.text for sentence in (*rendered.reasoning, *rendered.answer)]


def test_lines_are_shared_by_cases_that_differ_elsewhere() -> None:
    """A renderer that made every line anew for each case would be slow, and would grow with them."""
    renderer = Renderer(Interpreter(building.PLAIN))
    for number in range(50):
        case = building.case(query__intent="hurt", query__harm=0.95, image__text=f"text {number}")
        renderer.render(case, style=ReasoningStyle.STEPWISE, seed="0")
    assert len(renderer._weighed) == 1  # pyright: ignore[reportPrivateUsage]


def test_an_outline_is_shared_by_values_that_settle_a_rule_alike() -> None:
    """Most values of a number come once: what they come to in a condition comes again."""
    renderer = Renderer(Interpreter(building.PLAIN))
    for number in range(50):
        case = building.case(query__intent="hurt", query__harm=0.9 + number / 1000)
        renderer.render(case, style=ReasoningStyle.STEPWISE, seed="0")
    assert (len(renderer._weighed), len(renderer._outlines)) == (50, 1)  # pyright: ignore[reportPrivateUsage]


def test_a_long_text_is_not_kept() -> None:
    text = Fact(name="image.text", type=TextType())
    rule = Rule(
        name="speaks",
        when=Not(item=FlagIs(fact="image.off")),
        verdict=Verdict.REFUSE,
        speech=building.speaking(
            building.HURTING,
            building.step("rule:speaks", "risk", building.template("It reads ", building.FactSlot(fact=text.name))),
        ).speech,
    )
    off = Fact(name="image.off", type=building.FlagType())
    renderer = Renderer(Interpreter(building.policy(rule, facts=(text, off))))
    for number in range(5):
        long = Case({text.name: str(number) * (LONGEST + 1), off.name: False})
        for style in (ReasoningStyle.FULL, ReasoningStyle.STEPWISE):
            said = renderer.render(long, style=style, seed="0")
            assert any(sentence.text.startswith(f"It reads {number}{number}") for sentence in said.reasoning)
    kept = [
        renderer._plans,  # pyright: ignore[reportPrivateUsage]
        renderer._decisions,  # pyright: ignore[reportPrivateUsage]
        renderer._weighed,  # pyright: ignore[reportPrivateUsage]
        renderer._outlines,  # pyright: ignore[reportPrivateUsage]
        renderer._statements,  # pyright: ignore[reportPrivateUsage]
        renderer.grounds.parts,
    ]
    assert not any(len(str(key)) > LONGEST for held in kept for key in held)
    short = Case({text.name: "short", off.name: False})
    renderer.render(short, style=ReasoningStyle.FULL, seed="0")
    assert len(renderer._plans) == 1  # pyright: ignore[reportPrivateUsage]


def test_what_is_kept_is_bounded() -> None:
    kept: dict[int, int] = {}
    for number in range(100):
        assert keep(kept, number, -number, most=7) == -number
        assert len(kept) <= 7
        assert kept[number] == -number


@pytest.mark.parametrize("style", list(ReasoningStyle))
def test_the_seed_alone_decides_among_texts(style: ReasoningStyle) -> None:
    """Rows of one case differ by their seeds, and a seed gives the same row each time."""
    renderer = Renderer(Interpreter(building.PLAIN))
    case = building.case(query__intent="hurt", query__harm=0.95)
    said = {
        renderer.render(case, style=style, seed=str(number % 20), decision=None).answer[0].text for number in range(40)
    }
    assert said == {"I can't help with that.", "No."}
