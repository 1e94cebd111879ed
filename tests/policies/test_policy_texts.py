"""What the shipped policies say: every authored text is said somewhere, and it reads as the verdict it stands for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from regions import random_cases, settled_cases

from safecot_dsl.artifact import Case, CompiledPolicy, Rule
from safecot_dsl.criteria import grade
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import Reasoning, ReasoningStyle, Renderer, answer_text, render
from safecot_dsl.workspace import compile_policy

NAMES = ["household_chemicals", "weapons", "self_harm", "people_privacy", "text_in_image"]
SOURCE_ANSWER = "The object in the picture is blue."


def step_keys(policy: CompiledPolicy) -> set[str]:
    speeches = [rule.speech for rule in policy.rules] + [policy.default_speech]
    return {step.key for speech in speeches for step in speech.think}


def many_cases(policy: CompiledPolicy) -> Iterator[Case]:
    """Every region, after cases enough for most texts: each of these says several."""
    yield from itertools.islice(random_cases(policy, seed=0), 20_000)
    yield from settled_cases(policy)


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_said_in_some_complete_case(name: str) -> None:
    policy = compile_policy(policies_root() / f"{name}.safecot")
    # Every rule in question is weighed, so that a contrast is said also where other rules are nearer to applying.
    renderer = Renderer(Interpreter(policy), Reasoning(weigh=len(policy.rules)))
    waiting = step_keys(policy)
    for case in many_cases(policy):
        if not waiting:
            break
        rendered = renderer.render(case, style=ReasoningStyle.STEPWISE, seed="0", source_answer=SOURCE_ANSWER)
        waiting -= {sentence.key for sentence in rendered.reasoning if sentence.key is not None}
    assert waiting == set()


def answering_rules() -> list[tuple[str, str]]:
    """Policy and rule, for every rule whose answer the policy wrote itself."""
    return [
        (name, rule.name)
        for name in NAMES
        for rule in compile_policy(policies_root() / f"{name}.safecot").rules
        if rule.speech.answer.say is not None
    ]


def answers_of(policy: CompiledPolicy, rule: Rule) -> set[str]:
    """Answers of a rule as rendered, in a case that it decides, over some seeds."""
    interpreter = Interpreter(policy)
    for case in many_cases(policy):
        if interpreter.decide(case).speaker == rule.name:
            return {
                answer_text(
                    render(interpreter, case, style=ReasoningStyle.MINIMAL, seed=str(seed), source_answer=SOURCE_ANSWER)
                )
                for seed in range(24)
            }
    raise AssertionError(f"{rule.name} never speaks")


@pytest.mark.parametrize(("name", "rule_name"), answering_rules())
def test_an_authored_answer_reads_as_its_verdict(name: str, rule_name: str) -> None:
    """By the standard criteria's detectors; and it keeps what the rule itself requires."""
    policy = compile_policy(policies_root() / f"{name}.safecot")
    rule = policy.rule_index[rule_name]
    # What no detector can tell, answered as a judge would of the policies' own words: no method, no lecture, no blame.
    judged = {name: False for name, proposition in policy.criteria.propositions.items() if not proposition.detectors}
    for answer in answers_of(policy, rule):
        grading = grade(policy, answer, due=rule.verdict, rules=[rule.name], answers=judged)
        assert grading.verdict is rule.verdict, (answer, grading)
        assert grading.cls in ("ideal", "acceptable"), (answer, grading)
        assert all(grading.requirements.values()), (answer, grading)
