"""Regions as readable conditions."""

from __future__ import annotations

from typing import Any

import pytest
from fixture_types import PolicyFrom
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, policies, whole_values_of

from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.regions import ConditionVocabulary
from safecot_dsl.artifact import And, Case, Compare, CompiledPolicy, Condition, Has, Is, Not, Within, atoms
from safecot_dsl.engine import Truth, evaluate, show_condition


def vocabulary(*policies: CompiledPolicy) -> ConditionVocabulary:
    return ConditionVocabulary(Encoding(*policies).facts, policies)


@st.composite
def policies_and_complete_cases(draw: st.DrawFn) -> tuple[CompiledPolicy, Case, Case]:
    policy = draw(policies(max_rules=3))
    every = st.fixed_dictionaries({fact.name: whole_values_of(fact) for fact in policy.facts}).map(Case)
    return policy, draw(every), draw(every)


@given(policies_and_complete_cases())
@examples(25)
def test_the_clauses_of_a_case_hold_and_settle_every_atom(drawn: Any) -> None:
    policy, case, other = drawn
    clauses = list(vocabulary(policy).clauses(case))
    assert all(evaluate(clause, case.known) is Truth.YES for clause in clauses)
    if all(evaluate(clause, other.known) is Truth.YES for clause in clauses):
        for rule in policy.rules:
            for atom in atoms(rule.when):
                assert evaluate(atom, case.known) is evaluate(atom, other.known)


@given(policies_and_complete_cases(), st.data())
@examples(40)
def test_what_is_readable_means_the_same(drawn: Any, data: st.DataObject) -> None:
    policy, case, other = drawn
    words = vocabulary(policy)
    clauses = tuple(clause for clause in words.clauses(case) if data.draw(st.booleans()))
    readable = words.readable(clauses)
    for each in (case, other):
        assert evaluate(readable, each.known) is evaluate(And(items=clauses), each.known)
    # One condition at most for each fact, but for what a set has and what it has not, both ends of a number, and texts.
    assert len(list(atoms(readable))) <= len(clauses)


TEXT = """
param limit = 0.6
taxonomy kinds { gas { chlorine ozone } dust smoke }
facts image { objects : set of { bleach, ammonia, toy, knife } kind : one of kinds }
facts query { intent : one of { mix, store, hurt, see } harm : score }
group corrosive = { bleach, ammonia }
group harmful = { mix, hurt }
rule a { when image.objects has any of corrosive and query.intent in harmful and query.harm >= limit verdict refuse }
rule b { when image.kind is within gas and query.harm < 0.9 and query.intent is store verdict warn }
default comply
unsure clarify
"""
OBJECTS, INTENT, HARM, KIND = "image.objects", "query.intent", "query.harm", "image.kind"


def has(*values: str, quantifier: Any = "any") -> Condition:
    return Has(fact=OBJECTS, quantifier=quantifier, values=values)


def intent(*values: str) -> Condition:
    return Is(fact=INTENT, values=values)


def harm(operator: Any, value: float) -> Condition:
    return Compare(fact=HARM, operator=operator, value=value)


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        ((has("bleach"), has("ammonia")), "image.objects has all of corrosive"),
        ((Not(item=has("ammonia")), Not(item=has("bleach"))), "image.objects has none of corrosive"),
        (
            (has("bleach"), Not(item=has("toy", "knife"))),
            "image.objects has bleach and image.objects has none of { knife, toy }",
        ),
        ((intent("hurt", "mix"),), "query.intent in harmful"),
        ((intent("store", "see"),), "query.intent not in harmful"),
        ((intent("store", "see", "mix"),), "query.intent is not hurt"),
        ((Not(item=intent("mix")), Not(item=intent("hurt", "see"))), "query.intent is store"),
        ((harm(">=", 0.6), harm("<", 0.9), harm("<=", 0.9)), "query.harm >= 0.6 and query.harm < 0.9"),
        ((harm(">=", 0.6), harm(">", 0.6), harm("<=", 0.9)), "query.harm > 0.6 and query.harm <= 0.9"),
        ((harm(">=", 0.6), harm("<=", 0.9)), "query.harm between 0.6 and 0.9"),
        ((Is(fact=KIND, values=("gas", "chlorine", "ozone")),), "image.kind is within gas"),
        ((Is(fact=KIND, values=("dust", "smoke")),), "image.kind is not within gas"),
        ((Is(fact=KIND, values=("dust",)),), "image.kind is dust"),
        (
            (harm(">=", 0.6), intent("mix"), has("toy")),
            "image.objects has toy and query.intent is mix and query.harm >= 0.6",
        ),
        ((), ""),
    ],
)
def test_a_condition_for_each_fact(policy_from: PolicyFrom, clauses: Any, expected: str) -> None:
    assert show_condition(vocabulary(policy_from(TEXT)).readable(clauses)) == expected


def test_a_param_is_written_as_its_number(policy_from: PolicyFrom) -> None:
    words = vocabulary(policy_from(TEXT))
    case = Case({OBJECTS: frozenset({"toy"}), INTENT: "mix", HARM: 0.7, KIND: "dust"})
    assert [show_condition(clause) for clause in words.clauses(case)] == [
        "image.objects has none of corrosive",
        "image.kind in { dust, smoke }",
        "query.intent in { hurt, mix }",
        "query.harm < 0.9",
        "query.harm >= 0.6",
    ]


def test_values_that_no_condition_tells_apart_stand_together(policy_from: PolicyFrom) -> None:
    words = vocabulary(policy_from(TEXT))
    assert words.classes(INTENT) == [("mix", "hurt"), ("store",), ("see",)]
    assert words.classes(KIND) == [("chlorine", "ozone"), ("dust", "smoke")]


def test_a_name_that_means_two_things_is_not_used(policy_from: PolicyFrom) -> None:
    other = policy_from(
        TEXT.replace("harmful = { mix, hurt }", "harmful = { mix }").replace(
            "gas { chlorine ozone }", "gas { chlorine }"
        )
    )
    words = vocabulary(policy_from(TEXT), other)
    assert show_condition(words.readable((intent("mix", "hurt"),))) == "query.intent in { hurt, mix }"
    gas = Is(fact=KIND, values=("gas", "chlorine", "ozone"))
    assert not any(isinstance(atom, Within) for atom in atoms(words.readable((gas,))))
