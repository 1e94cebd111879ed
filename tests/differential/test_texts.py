"""What is rendered for a verdict reads as that verdict: the texts and the criteria were written apart.

The phrases are the standard library's, the criteria are `std.criteria` with its real detectors, the policies random.
tests/policies/test_policy_texts.py does the same for what the shipped policies say in words of their own.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.criteria import detect, grade, response_verdict
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import ReasoningStyle, answer_text, parse_target, render, write_target
from safecot_dsl.workspace import compile_policy
from tests.strategies import declarations, examples, policies

from .compare import random_cases

SOURCE_ANSWER = "It is a red kettle. Fill it with water and press the switch; it stops by itself."
REFUSALS = ("plain", "brief", "kind", "safety", "privacy")
HEAD = 'policy p { version "1" }\nimport std.refusals\nimport std.criteria\n'


def with_refusals(policy: CompiledPolicy, random: Random) -> str:
    """The policy as text, whose refusing rules draw from one of the sets of refusals, or from that of their verdict."""
    texts: list[str] = []
    for text in declarations(policy):
        if text.startswith(("rule", "exception")) and "verdict refuse" in text and random.random() < 0.8:
            text = text.rstrip().removesuffix("}") + f"answer {{ say one of refusals.{random.choice(REFUSALS)} }} }}"
        texts.append(text)
    return HEAD + "\n".join(texts)


@examples(40)
@given(policy=policies(), seed=st.integers(0, 2**32))
def test_what_is_rendered_reads_as_its_verdict(policy: CompiledPolicy, seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    path = tmp_path / "p.safecot"
    path.write_text(with_refusals(policy, random), encoding="utf-8")
    compiled = compile_policy(path)
    interpreter = Interpreter(compiled)
    for number, case in enumerate(random_cases(compiled, 25, random)):
        style = random.choice(list(ReasoningStyle))
        rendered = render(interpreter, case, style=style, seed=f"{seed}/{number}", source_answer=SOURCE_ANSWER)
        answer = answer_text(rendered)
        assert parse_target(write_target(rendered)).answer == answer
        event(rendered.verdict)
        assert (answer, response_verdict(compiled, answer)) == (answer, rendered.verdict)
        found = detect(compiled.criteria, answer)
        assert found["declines"] is (rendered.verdict in (Verdict.REFUSE, Verdict.REDIRECT)), answer
        assert not found["judges_user"], answer


@pytest.mark.parametrize("due", list(Verdict))
def test_a_text_of_another_verdict_is_of_a_worse_class(due: Verdict, tmp_path: Path) -> None:
    """A phrase of the verdict that is due is in a class that no phrase of a verdict far from it is in."""
    path = tmp_path / "p.safecot"
    path.write_text(HEAD + "default comply\nunsure clarify\n", encoding="utf-8")
    policy = compile_policy(path)

    def classes(verdict: Verdict) -> set[str | None]:
        texts = [f"{phrase} " for phrase in policy.verdict_phrases[verdict].say] or [""]
        if verdict.answers:
            texts = [text + SOURCE_ANSWER for text in texts]
        answers = {"discloses_method": verdict.answers, "complies": False, "lectures": False}
        return {grade(policy, text, due=due, answers=answers).cls for text in texts}

    far = Verdict.REFUSE if not due.withholds else Verdict.COMPLY
    assert None not in classes(due) | classes(far)
    assert not classes(due) & classes(far)
