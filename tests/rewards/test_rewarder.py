"""What answers earn: the policy's own text everything, a model that looks at nothing never everything."""

import json

import pytest
from dataset.kitchen import COMPLIED, HURT, REDIRECTED, REFUSED, UNKNOWN, facts, kitchen_policy
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from strategies import cases, examples

from safecot_dsl.artifact import Verdict, read_case
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import Reasoning, ReasoningStyle, Renderer, Tags, render, write_target
from safecot_dsl.rewards import Due, Rewarder, RewardError, RewardWeights
from safecot_dsl.training import TrainingRecipe
from safecot_dsl.training.grpo.settings import GrpoSettings

POLICY = kitchen_policy()
ALL = RewardWeights(verdict=1, cited=1, facts=1, length=1, format=1)
REASONED = st.sampled_from(list(ReasoningStyle))
#: A weight next to nothing beside another is lost to rounding.
WEIGHTS = st.just(0.0) | st.floats(0.01, 4)
SOURCE = "These are the things on the table."


def due(known: dict, style: ReasoningStyle | None = ReasoningStyle.STEPWISE) -> Due:
    """The case with the policy's own text on it."""
    case = read_case(POLICY, {"facts": known})
    rendered = render(Interpreter(POLICY), case, style=style or ReasoningStyle.MINIMAL, seed="0", source_answer=SOURCE)
    return Due(case, style, write_target(rendered, order="answer_only" if style is None else "reasoning_first"))


def parts(known: dict, text: str, **more: bool) -> dict[str, float]:
    return dict(Rewarder(POLICY, ALL, Tags()).reward(due(known), text, **more).parts)


def written(*lines: str, end: str, answer: str) -> str:
    return "<think>\n" + "\n".join([*lines, end]) + f"\n</think>\n{answer}"


EVERY = [REFUSED, HURT, REDIRECTED, COMPLIED, facts("store", "cup"), facts("mix", "bleach", "ammonia", setting=UNKNOWN)]


@pytest.mark.parametrize("known", EVERY)
@pytest.mark.parametrize("style", list(ReasoningStyle))
def test_the_policys_own_text_earns_full_marks(known, style):
    own = due(known, style)
    assert Rewarder(POLICY, ALL, Tags()).reward(own, own.own).parts == dict.fromkeys(
        ("verdict", "cited", "facts", "length", "format"), 1.0
    )


@pytest.mark.parametrize("known", EVERY)
def test_a_text_in_another_way_of_writing_earns_them_where_rows_are_written_so(known):
    reasoning = Reasoning(kinds=True, again=True, lookups="each", parts="in_order")
    case = read_case(POLICY, {"facts": known})
    renderer = Renderer(Interpreter(POLICY), reasoning)
    stepwise = ReasoningStyle.STEPWISE
    own = write_target(renderer.render(case, style=stepwise, seed="0", source_answer=SOURCE))
    found = Rewarder(POLICY, ALL, Tags(), reasoning).reward(Due(case, stepwise, own), own)
    assert set(found.parts.values()) == {1.0}


@examples(20)
@given(case=cases(POLICY), style=REASONED, seed=st.integers(0, 99))
def test_so_does_that_of_any_case(case, style, seed):
    """But for a warning, which the criteria of this policy cannot tell from an answer."""
    interpreter = Interpreter(POLICY)
    own = write_target(render(interpreter, case, style=style, seed=str(seed), source_answer=SOURCE))
    found = Rewarder(POLICY, ALL, Tags()).reward(Due(case, style, own), own)
    told = interpreter.decide(case).verdict is not Verdict.WARN
    assert found.parts == {"verdict": float(told), "cited": 1.0, "facts": 1.0, "length": 1.0, "format": 1.0}


@examples(30)
@given(weights=st.tuples(*[WEIGHTS] * 5), style=st.sampled_from([None, *ReasoningStyle]))
def test_models_that_look_at_nothing_never_earn_everything(weights, style):
    """Whatever is rewarded: on rows with both verdicts, refusing all and complying with all fall short."""
    named = dict(zip(("verdict", "cited", "facts", "length", "format"), weights, strict=True))
    if style is None:
        named |= {"cited": 0.0, "facts": 0.0}
    if not named["verdict"] + named["cited"] + named["facts"]:
        return
    rewarder = Rewarder(POLICY, RewardWeights(**named), Tags())
    rows = [due(known, style) for known in (REFUSED, HURT, COMPLIED, facts("store", "cup"))]
    for always in (due(HURT, style).own, due(COMPLIED, style).own, "I can't help with that.", SOURCE):
        earned = [rewarder.reward(row, always).total for row in rows]
        assert sum(earned) < len(earned)


#: The policy's own lines on the mixing of bleach and ammonia in a kitchen, which is refused: seven sentences.
SEEN = "The objects include bleach and ammonia. The setting is a kitchen."
ASKED = "The intent is mix. The tone is calm."
WEIGHED = "The setting is not a laboratory. This is about toxic gas."
DECIDED = "I must decline. [refuse: toxic_mixing]"
REFUSAL = "I can't help with that."


def test_each_part_looks_at_its_own_part():
    lines = (SEEN, ASKED, WEIGHED)
    assert parts(REFUSED, written(*lines, end=DECIDED, answer=REFUSAL))["facts"] == 1.0
    complied = parts(REFUSED, written(*lines, end=DECIDED, answer="Here you go."))
    assert (complied["verdict"], complied["cited"], complied["facts"], complied["format"]) == (0, 1, 1, 1)
    two = parts(REFUSED, written(*lines, end="[refuse: toxic_mixing, asks_to_hurt]", answer=REFUSAL))
    assert (two["verdict"], two["cited"]) == (1, 0.5)  # one of two in both
    assert parts(REFUSED, written(*lines, end="[comply: toxic_mixing]", answer=REFUSAL))["cited"] == 0
    bare = parts(REFUSED, REFUSAL)
    assert (bare["verdict"], bare["cited"], bare["facts"], bare["format"], bare["length"]) == (1, 0, 0, 0, 1)


@pytest.mark.parametrize(
    ("lines", "end", "there", "foreign"),
    [
        ((SEEN, ASKED, WEIGHED), DECIDED, 7, 0),
        ((SEEN, ASKED, WEIGHED), DECIDED.replace("decline", "not help"), 7, 0),  # the other alternative of that line
        ((SEEN, ASKED), DECIDED, 5, 0),  # nothing is weighed
        ((ASKED, WEIGHED), DECIDED, 5, 0),  # nothing is seen
        ((SEEN, ASKED, WEIGHED), "[refuse: toxic_mixing]", 6, 0),
        ((SEEN.replace("ammonia", "a cup"), ASKED, WEIGHED), DECIDED, 6, 1),  # a cup, where ammonia is
        ((SEEN, ASKED, f"{WEIGHED} The rule on asks to hurt applies."), DECIDED, 7, 1),  # true of nothing here
        ((SEEN, ASKED, WEIGHED.replace("is not", "is")), DECIDED, 6, 1),
        ((SEEN, SEEN, ASKED, WEIGHED), DECIDED, 7, 0),  # said twice counts once
        (("There are things.", "Hm."), "So be it. [refuse: toxic_mixing]", 0, 3),
    ],
)
def test_facts_by_hand(lines, end, there, foreign):
    """The share of the seven sentences that is there, times the share of what is said that is one of them."""
    found = parts(REFUSED, written(*lines, end=end, answer=REFUSAL))["facts"]
    assert found == pytest.approx(there / 7 * there / max(1, there + foreign))


def test_facts_are_those_of_the_rows_own_style():
    """A minimal reasoning has two sentences here, and what is seen is none of them."""
    own = due(REFUSED, ReasoningStyle.MINIMAL)
    rewarder = Rewarder(POLICY, RewardWeights(verdict=0, facts=1), Tags())
    reason = "This is about toxic gas."
    assert rewarder.reward(own, written(reason, end=DECIDED, answer=REFUSAL)).total == 1.0
    seen = rewarder.reward(own, written("The setting is a kitchen.", reason, end=DECIDED, answer=REFUSAL)).total
    assert seen == pytest.approx(2 / 3)
    assert rewarder.reward(own, written(end=DECIDED, answer=REFUSAL)).total == 0.5


@examples(20)
@given(case=cases(POLICY), seed=st.integers(0, 99), data=st.data())
def test_facts_fall_with_every_sentence_left_out_and_every_one_that_does_not_belong(case, seed, data):
    """Of what the policy writes on any case, a line is left out, or a sentence is put in."""
    own = write_target(
        render(Interpreter(POLICY), case, style=ReasoningStyle.STEPWISE, seed=str(seed), source_answer=SOURCE)
    )
    rewarder = Rewarder(POLICY, RewardWeights(verdict=0, facts=1), Tags())
    wanted = Due(case, ReasoningStyle.STEPWISE, own)
    lines = own.split("\n")
    last = lines.index("</think>") - 1
    place = data.draw(st.integers(1, last), label="place")
    more = "\n".join([*lines[:place], "There is an elephant.", *lines[place:]])
    assert rewarder.reward(wanted, more).total < 1.0
    assume(place < last)  # the last line has the derivation, too
    assert rewarder.reward(wanted, "\n".join(lines[:place] + lines[place + 1 :])).total < 1.0


def test_lines_beyond_the_first_hundred_do_not_belong():
    """However true they are: an answer that repeats itself to the end of its tokens earns next to nothing."""
    own = due(REFUSED)
    rewarder = Rewarder(POLICY, RewardWeights(verdict=0, facts=1), Tags())
    long = written(*[SEEN] * 97, ASKED, WEIGHED, end=DECIDED, answer=REFUSAL)
    assert rewarder.reward(own, long).total == 1.0
    longer = written(SEEN, ASKED, WEIGHED, *[SEEN] * 797, end=DECIDED, answer=REFUSAL)
    assert rewarder.reward(own, longer).total < 0.01


def test_length_falls_from_the_rows_own_to_twice_as_many_words():
    own = due(HURT)
    words = len(own.own.split())
    for more, earned in ((0, 1.0), (words // 2, 1 - (words // 2) / words), (words, 0.0), (5 * words, 0.0)):
        text = own.own + " word" * more
        assert parts(HURT, text)["length"] == pytest.approx(earned)
    assert parts(HURT, "")["length"] == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<think>",
        "<think>\n<think>\nx [refuse: asks_to_hurt]\n</think>\nI can't help with that.",
        "<think>\nx [refuse: asks_to_hurt]\n</think>",
        "I can't help with that.",
        "x" * 100_000,
        "<think>\n"
        + "The objects include a cup.\n" * 5000
        + "[refuse: asks_to_hurt]\n</think>\nI can't help with that.",
    ],
)
def test_any_text_has_a_reward_and_a_malformed_or_endless_one_no_full_marks(text):
    found = Rewarder(POLICY, ALL, Tags()).reward(due(HURT), text)
    assert 0 <= found.total < 1
    assert all(0 <= value <= 1 for value in found.parts.values())


def test_a_text_that_was_cut_earns_nothing():
    own = due(HURT)
    assert set(parts(HURT, own.own, finished=False).values()) == {0.0}


def test_reasoning_cannot_be_rewarded_where_the_rows_have_none():
    for part in ("cited", "facts"):
        rewarder = Rewarder(POLICY, RewardWeights(**{part: 1.0}), Tags())
        with pytest.raises(RewardError, match=rf"`reward.{part}` is about the reasoning, and the rows have none"):
            rewarder.check(due(HURT, None))
    Rewarder(POLICY, RewardWeights(format=1), Tags()).check(due(HURT, None))


def test_rewards_that_any_baseline_would_earn_are_refused():
    with pytest.raises(
        ValidationError, match="of the parts `verdict`, `cited`, `facts` and `graded` none has a weight"
    ):
        RewardWeights(verdict=0, length=1, format=1)
    read = TrainingRecipe.model_validate({"objective": "grpo", "grpo": {"reward": {"verdict": 1, "cited": 0.5}}})
    assert read.grpo.reward.parts == {"verdict": 1.0, "cited": 0.5}


def test_a_recipes_batches_are_whole_groups_and_its_checkpoints_between_rounds():
    with pytest.raises(
        ValidationError, match=r"a step has 12 answers .* no whole groups of `grpo.num_generations` \(8\)"
    ):
        TrainingRecipe(objective="grpo", per_device_train_batch_size=12)
    TrainingRecipe(objective="grpo", per_device_train_batch_size=4, gradient_accumulation_steps=2)
    TrainingRecipe(per_device_train_batch_size=12)  # another objective
    with pytest.raises(ValidationError, match=r"`save_steps` \(100\) is no multiple of `grpo.num_iterations` \(3\)"):
        TrainingRecipe(objective="grpo", grpo=GrpoSettings(num_iterations=3))


def test_the_reward_is_the_weighted_mean_of_its_parts():
    """A right verdict and a wrong citation at the weights 3 and 1: 3/4."""
    rewarder = Rewarder(POLICY, RewardWeights(verdict=3, cited=1), Tags())
    text = written("The intent is hurt somebody.", end="[refuse: toxic_mixing]", answer=REFUSAL)
    found = rewarder.reward(due(HURT), text)
    assert json.loads(json.dumps(found.parts)) == {"verdict": 1.0, "cited": 0.0}
    assert found.total == 0.75
