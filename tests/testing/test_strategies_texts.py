"""Random policies as text: the compiler makes of each what was built, and they shrink to the smallest one."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from strategies import cases, examples

from safecot_dsl.artifact import CompiledPolicy, Condition, read_case
from safecot_dsl.compiler.formatting import format_text
from safecot_dsl.engine import Interpreter
from safecot_dsl.testing import PolicyText, policy_texts
from safecot_dsl.workspace import open_policy

WORDS = "taxonomy table law exception param let group phrases criteria require think answer allow extend override"


def compiled(text: PolicyText) -> CompiledPolicy:
    with TemporaryDirectory() as folder:
        opened = open_policy(text.write(Path(folder)))
    assert opened.policy is not None, [f"{d.span}: {d.message}" for d in opened.diagnostics]
    return opened.policy


def unlabelled(condition: Condition | None) -> str | None:
    """The condition as JSON, without the names of groups, params and phrase sets."""
    if condition is None:
        return None
    return re.sub(
        r'"(group|param|low_param|high_param|phrase_set)":("[^"]*"|null)', r'"\1":null', condition.model_dump_json()
    )


@examples(60)
@given(policy_texts(), st.data())
def test_the_compiler_makes_of_a_text_what_was_built(text: PolicyText, data: st.DataObject) -> None:
    policy = compiled(text)
    assert policy.rule_index.keys() == text.built.rule_index.keys()
    for rule in text.built.rules:
        found = policy.rule_index[rule.name]
        assert unlabelled(found.when) == unlabelled(rule.when)
        assert unlabelled(found.unless) == unlabelled(rule.unless)
        assert (found.verdict, found.unsure, set(found.exception_to)) == (
            rule.verdict,
            rule.unsure,
            set(rule.exception_to),
        )
    assert policy.fact_index == text.built.fact_index
    assert {law.name for law in policy.laws} == {law.name for law in text.built.laws}
    case = data.draw(cases(text.built))
    expected = Interpreter(text.built).decide(case).model_copy(update={"policy": policy.digest})
    assert Interpreter(policy).decide(case) == expected


@examples(30)
@given(policy_texts())
def test_its_own_examples_hold_and_its_layout_means_the_same(text: PolicyText) -> None:
    policy = compiled(text)
    interpreter = Interpreter(policy)
    for example in policy.examples:
        decision = interpreter.decide(read_case(policy, {"facts": example.given}))
        assert (decision.verdict, decision.deciding or (decision.speaker,)) == (example.expect, example.by)
    laid_out = PolicyText({name: format_text(content) for name, content in text.files.items()}, text.built)
    assert compiled(laid_out).digest == policy.digest


def test_the_whole_language_comes_up() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=250, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(policy_texts())
    def look(text: PolicyText) -> None:
        whole = "\n".join(text.files.values())
        words = (
            "taxonomy table law exception param let group phrases criteria require think answer allow extend override"
        )
        for word in words.split():
            seen[word] += bool(re.search(rf"(?m)^\W*{word}\b", whole))
        for piece in ("{value}", " not ", " says {", "below ", 'group_0 "', "nothing_in_question"):
            seen[piece] += piece in whole
        for built in text.built.facts:
            for part in ("says", "denies", "none", "bands"):
                seen[f"fact that {part}"] += bool(getattr(built, part))
        for piece in ("{hazard}", "{title}", "{unknown facts}", " among ", "library ", "example ", "property ", " | "):
            seen[piece] += piece in whole
        exceptions = {rule.name for rule in text.built.rules if rule.exception_to}
        seen["exception to an exception"] += any(exceptions & set(rule.exception_to) for rule in text.built.rules)

    look()
    assert len(seen) == 34
    assert min(seen.values()) >= 3, seen


def test_they_shrink_to_one_fact_and_one_rule() -> None:
    phases = (Phase.generate, Phase.shrink)  # without the explanation, which follows every line
    text = find(policy_texts(), lambda text: True, settings=settings(database=None, derandomize=True, phases=phases))
    assert list(text.files) == ["p.safecot"]
    assert len(text.built.facts) == len(text.built.rules) == 1
    assert len(text.files["p.safecot"].splitlines()) < 12


@pytest.mark.long
def test_one_with_an_override_shrinks_to_little_more() -> None:
    text = find(
        policy_texts(),
        lambda text: "override " in text.files["p.safecot"],
        settings=settings(max_examples=2000, database=None, derandomize=True),
    )
    assert list(text.files) == ["p.safecot", "base.safecot"]
    assert len(text.built.rules) == 1
    assert len(text.files["p.safecot"].splitlines()) <= 6
