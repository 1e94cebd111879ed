"""Cases that are asked for, against all cases of small policies."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from fixture_types import PolicyFrom
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import VERDICTS, conditions, examples, policies

from safecot_dsl.analysis.cases import (
    UndecidedError,
    boundary_cases,
    contrast,
    find_case,
    models,
    neighbours,
)
from safecot_dsl.artifact import And, Case, CompiledPolicy, Condition, Not, TextType, Verdict
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter, Truth, evaluate, show_condition
from safecot_dsl.workspace import compile_policy

from .pairs import MOST_CASES, complete_cases, count_cases

POLICIES = sorted(policies_root().glob("*.safecot"))


@st.composite
def asked(draw: st.DrawFn) -> tuple[CompiledPolicy, Condition | None, Verdict | None, str | None]:
    policy = draw(policies(max_rules=4))
    condition = draw(st.one_of(st.none(), conditions(policy.facts)))
    by = draw(st.sampled_from([None, "default", *policy.rule_index]))
    return policy, condition, draw(st.one_of(st.none(), VERDICTS)), by


def fits(
    interpreter: Interpreter, case: Case, condition: Condition | None, verdict: Verdict | None, by: str | None
) -> bool:
    decision = interpreter.decide(case)
    return (
        (condition is None or evaluate(condition, case.known) is Truth.YES)
        and verdict in (None, decision.verdict)
        and (by is None or by in (decision.deciding or (decision.speaker,)))
    )


def has_text(policy: CompiledPolicy) -> bool:
    return any(isinstance(fact.type, TextType) for fact in policy.facts)


@given(asked())
@examples(40)
def test_a_case_is_found_where_there_is_one(question: Any) -> None:
    policy, condition, verdict, by = question
    assume(count_cases(policy) <= MOST_CASES)
    interpreter = Interpreter(policy)
    # Cases that the policy cannot tell apart the condition may: it is gone through as a rule of its own.
    every = complete_cases(policy, with_condition(policy, condition))
    there = any(fits(interpreter, case, condition, verdict, by) for case in every)
    try:
        found = find_case(policy, condition, verdict=verdict, deciding=by)
    except UndecidedError:
        assert has_text(policy)
        return
    if found is None:
        assert not there
    else:
        assert sorted(found.known) == sorted(policy.fact_index)
        assert fits(interpreter, found, condition, verdict, by)
        assert there or has_text(policy)


def with_condition(policy: CompiledPolicy, condition: Condition | None) -> CompiledPolicy:
    rule = policy.rules[0]
    return (
        policy
        if condition is None
        else policy.model_copy(update={"rules": (rule.model_copy(update={"when": condition, "exception_to": ()}),)})
    )


@given(asked())
@examples(40)
def test_models_are_what_was_asked_for(question: Any) -> None:
    policy, condition, verdict, by = question
    interpreter = Interpreter(policy)
    try:
        found = list(itertools.islice(models(policy, condition, verdict=verdict, deciding=by), 8))
        again = list(itertools.islice(models(policy, condition, verdict=verdict, deciding=by), 8))
        one = find_case(policy, condition, verdict=verdict, deciding=by)
    except UndecidedError:
        assert has_text(policy)
        return
    assert found == again
    assert len(found) == (0 if one is None else 8)
    assert all(fits(interpreter, case, condition, verdict, by) for case in found)


@given(policies(max_rules=4), st.integers(0, 1000))
@examples(40)
def test_a_contrast_is_the_nearest_laxer_case(policy: CompiledPolicy, pick: int) -> None:
    assume(count_cases(policy) <= 400)
    assume(not has_text(policy))
    interpreter = Interpreter(policy)
    cases = list(complete_cases(policy))
    case = cases[pick % len(cases)]
    strictness = interpreter.decide(case).verdict.strictness
    distances = [
        sum(other.known[name] != value for name, value in case.known.items())
        for other in cases
        if interpreter.decide(other).verdict.strictness < strictness
    ]
    found = contrast(policy, case)
    if found is None:
        assert distances == []
    else:
        assert interpreter.decide(found).verdict.strictness < strictness
        assert sum(found.known[name] != value for name, value in case.known.items()) == min(distances)


@given(policies(max_rules=3))
@examples(25)
def test_pairs_across_a_boundary(policy: CompiledPolicy) -> None:
    interpreter = Interpreter(policy)
    for rule in policy.rules:
        for pair in boundary_cases(policy, rule.name):
            differing = {name for name, value in pair.inside.known.items() if pair.outside.known[name] != value}
            assert differing == {pair.fact}
            assert evaluate(pair.atom, pair.inside.known) is not evaluate(pair.atom, pair.outside.known)
            assert interpreter.trace(pair.inside).applies[rule.name] is Truth.YES
            assert interpreter.trace(pair.outside).applies[rule.name] is Truth.NO


@given(policies(max_rules=3), st.integers(0, 1000))
@examples(25)
def test_neighbours_reach_every_verdict_that_one_fact_can_give(policy: CompiledPolicy, pick: int) -> None:
    assume(count_cases(policy) <= MOST_CASES)
    # Sets are changed by a member at a time, texts as far as some are known.
    assume(all(fact.type.kind in ("flag", "one_of", "number") for fact in policy.facts))
    interpreter = Interpreter(policy)
    cases = list(complete_cases(policy))
    case = cases[pick % len(cases)]
    expected = {
        (name, interpreter.decide(other).verdict)
        for other in cases
        for name in [n for n in case.known if other.known[n] != case.known[n]]
        if sum(other.known[n] != case.known[n] for n in case.known) == 1
    }
    found = list(neighbours(policy, case))
    reached = {(name, interpreter.decide(other).verdict) for name, other in found}
    # Values that no condition tells apart are one value above: changing to another of them changes no verdict.
    unchanged = {(name, interpreter.decide(case).verdict) for name in case.known}
    assert reached - unchanged == expected - unchanged
    assert all([n for n in case.known if other.known[n] != case.known[n]] == [name] for name, other in found)


# --- by hand ---------------------------------------------------------------------------------------------------------

TEXT = """
facts image { objects : set of { bleach, ammonia, toy } text : text }
facts query { intent : one of { mix, store } harm : score }
rule mixing { when image.objects has all of { bleach, ammonia } and query.intent is mix verdict refuse }
exception harmless to mixing { when query.harm < 0.4 verdict redirect }
rule shouting { when image.text contains "NOW" verdict warn }
default comply
unsure clarify
"""
MIXING = Case(
    {
        "image.objects": frozenset({"bleach", "ammonia", "toy"}),
        "image.text": "x",
        "query.intent": "mix",
        "query.harm": 0.9,
    }
)


@pytest.fixture
def kitchen(policy_from: PolicyFrom) -> CompiledPolicy:
    return policy_from(TEXT)


def test_the_plainest_case(kitchen: CompiledPolicy) -> None:
    found = find_case(kitchen, verdict=Verdict.REFUSE)
    assert found is not None
    # No toy and no text, and the number of the fewest digits from 0.4 on.
    assert dict(found.known) == {
        "image.objects": frozenset({"bleach", "ammonia"}),
        "image.text": "",
        "query.intent": "mix",
        "query.harm": 1.0,
    }


def test_a_fixed_part_stays_as_it_is(kitchen: CompiledPolicy) -> None:
    fixed = {"query.harm": 0.4321, "image.text": "do it now", "image.objects": frozenset({"toy"})}
    found = find_case(kitchen, verdict=Verdict.WARN, fixed=fixed)
    assert found is not None
    assert {name: found.known[name] for name in fixed} == fixed
    assert find_case(kitchen, verdict=Verdict.REFUSE, fixed=fixed) is None
    assert all(
        case.known["query.harm"] == 0.4321
        for case in itertools.islice(models(kitchen, fixed={"query.harm": 0.4321}), 5)
    )


def test_no_case_is_both(kitchen: CompiledPolicy) -> None:
    condition = kitchen.rule_index["mixing"].when
    assert find_case(kitchen, And(items=(condition, Not(item=condition)))) is None
    assert list(models(kitchen, And(items=(condition, Not(item=condition))))) == []


def test_what_the_policy_does_not_have(kitchen: CompiledPolicy) -> None:
    with pytest.raises(KeyError):
        find_case(kitchen, deciding="nobody")
    with pytest.raises(KeyError):
        list(boundary_cases(kitchen, "nobody"))
    with pytest.raises(ValueError, match=r"`query\.harm` is not known"):
        contrast(kitchen, MIXING.with_fact("query.harm", None))


def test_models_differ(kitchen: CompiledPolicy) -> None:
    found = list(itertools.islice(models(kitchen, verdict=Verdict.WARN), 200))
    assert {case.known["image.text"] for case in found} == {"now"} or all(
        "now" in str(c.known["image.text"]).lower() for c in found
    )
    assert {case.known["query.intent"] for case in found} == {"mix", "store"}
    assert len({case.known["image.objects"] for case in found}) == 8
    assert len(set(found)) > 15


def test_a_contrast_changes_as_little_as_it_can(kitchen: CompiledPolicy) -> None:
    found = contrast(kitchen, MIXING)
    assert found is not None
    (name,) = [name for name, value in MIXING.known.items() if found.known[name] != value]
    # Taking one bottle away, or asking to store, or a lower score: each is one fact.
    assert name in ("image.objects", "query.intent", "query.harm")
    if name == "image.objects":
        assert len(found.known[name] ^ MIXING.known[name]) == 1  # type: ignore[operator]
    assert contrast(kitchen, MIXING.with_fact("query.intent", "store")) is None


def test_a_number_on_both_sides_of_its_threshold(kitchen: CompiledPolicy) -> None:
    pairs = {show_condition(pair.atom): pair for pair in boundary_cases(kitchen, "harmless")}
    assert set(pairs) == {
        "query.harm < 0.4",
        "image.objects has all of { ammonia, bleach }",
        "query.intent is mix",
    }
    harm = pairs["query.harm < 0.4"]
    assert harm.inside.known["query.harm"] < 0.4 <= harm.outside.known["query.harm"]  # type: ignore[operator]


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_every_rule_of_a_shipped_policy_has_a_boundary(path: Any) -> None:
    policy = compile_policy(path)
    for rule in policy.rules:
        assert any(True for _ in boundary_cases(policy, rule.name)), rule.name
