"""What `safecotc policy try` asks for, what an answer means, and what it says of a decision."""

from __future__ import annotations

from fixture_types import PolicyFrom
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy, Value, read_case
from safecot_dsl.cli.policy.pasteable import example_of
from safecot_dsl.cli.policy.questions import choices, depth, next_fact, read_answer
from safecot_dsl.engine import Interpreter, explain, reasons, show_value
from tests.compiler.sources import opened
from tests.strategies import (
    HEAD,
    cases,
    declarations,
    examples,
    learnt,
    policies,
    policies_and_cases,
    unknown_facts,
    values_of,
)

RULES = """
facts image { sign : flag objects : set of { vial, cup } }
facts query { intent : one of { mix, store } harm : score }
rule mixing { title "Mixing" when query.intent is mix and image.objects has vial unless image.sign verdict refuse }
exception lesson to mixing { when query.harm < 0.5 verdict redirect }
rule storing { when query.intent is store or at least 1 of (image.objects has cup, query.harm > 0.9) verdict warn }
default comply
unsure clarify
"""


def said(policy: CompiledPolicy, **facts: object) -> list[str]:
    case = read_case(policy, {"facts": {name.replace("_", ".", 1): value for name, value in facts.items()}})
    return reasons(explain(Interpreter(policy), case), policy)


def test_a_deciding_rule_with_what_makes_it_so(policy_from: PolicyFrom) -> None:
    policy = policy_from(RULES)
    assert said(policy, query_intent="mix", image_objects=["vial", "cup"], image_sign=False, query_harm=0.75) == [
        "mixing (Mixing) applies: refuse",
        "  query.intent is mix   [query.intent: mix]",
        "  image.objects has vial   [image.objects: { cup, vial }]",
        "  unless: image.sign does not hold   [image.sign: no]",
        "  not lesson, an exception that would be redirect:",
        "    query.harm < 0.5 does not hold   [query.harm: 0.75]",
        "storing applies too: warn",
    ]


def test_an_exception_says_what_it_replaces(policy_from: PolicyFrom) -> None:
    policy = policy_from(RULES)
    assert said(policy, query_intent="mix", image_objects=["vial"], image_sign=False, query_harm=0.25) == [
        "lesson applies: redirect",
        "  query.harm < 0.5   [query.harm: 0.25]",
        "  it replaces mixing (Mixing), which would be refuse",
    ]


def test_where_no_rule_applies_the_nearest_is_said_with_what_keeps_it_away(policy_from: PolicyFrom) -> None:
    policy = policy_from(RULES)
    assert said(policy, query_intent="mix", image_objects=["vial"], image_sign=True, query_harm=0.75) == [
        "no rule applies",
        "mixing (Mixing) comes nearest (refuse), but",
        "  unless: image.sign   [image.sign: yes]",
    ]


def test_what_is_not_known(policy_from: PolicyFrom) -> None:
    policy = policy_from(RULES)
    assert said(policy, query_intent="mix", image_objects=["vial"], image_sign=False) == [
        "it lies between redirect and refuse, by what is not known",
        "mixing (Mixing) applies, if nothing replaces it: refuse",
        "lesson may apply: redirect",
        "  query.harm < 0.5 may hold   [query.harm: not known]",
        "storing may apply: warn",
        "  query.harm > 0.9 may hold   [query.harm: not known]",
        "what would settle it: query.harm",
    ]


def test_the_fact_that_leaves_the_fewest_open_comes_first(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        """
        facts image { a : flag b : flag }
        facts query { intent : one of { mix, look } }
        rule r { when query.intent is mix and image.a and image.b verdict refuse }
        rule s { when query.intent is look and image.b and not image.b verdict refuse }
        default comply unsure clarify
        """
    )
    first = next_fact(Interpreter(policy), Case({}), ())
    assert first is not None
    # Left open, on average over the answers: after `image.a` 2 (`image.b` and the intent, for `s` alone if need be);
    # after `image.b` 1 (of `yes` both others, of `no` none); after the intent 1.5 (of `mix` both, of `look` `image.b`).
    assert first.name == "image.b"
    assert next_fact(Interpreter(policy), Case({}), {"image.a", "image.b", "query.intent"}) is None


@examples(80)
@given(policies(), st.data())
def test_the_questions_settle_every_case(policy: CompiledPolicy, data: DataObject) -> None:
    """Whatever is true: the answers to what is asked for decide as the whole case does."""
    interpreter = Interpreter(policy)
    whole = Case({fact.name: data.draw(learnt(fact, Case({}))) for fact in unknown_facts(policy, Case({}))})
    case = Case({})
    while fact := next_fact(interpreter, case, case.known):
        assert fact.name not in case.known
        case = case.with_fact(fact.name, whole.known[fact.name])
    decision = interpreter.decide(case)
    assert decision.certain
    assert decision.verdict is interpreter.decide(whole).verdict


@examples(80)
@given(policies(), st.data())
def test_a_value_is_read_from_what_is_shown_of_it(policy: CompiledPolicy, data: DataObject) -> None:
    for fact in policy.facts:
        value: Value = data.draw(values_of(fact))
        is_text = fact.type.kind == "text"
        assert read_answer(policy, fact, show_value(value, text=is_text)) == value
        if not is_text:
            assert read_answer(policy, fact, " unknown ") is UNKNOWN


@examples(100)
@given(policies_and_cases(hostile=True))
def test_every_decision_can_be_said(both: tuple[CompiledPolicy, Case]) -> None:
    policy, case = both
    lines = reasons(explain(Interpreter(policy), case), policy)
    assert lines
    assert all(line.strip() for line in lines)


@examples(60)
@given(policies(), st.data())
def test_the_example_holds_of_the_policy_it_is_pasted_into(policy: CompiledPolicy, data: DataObject) -> None:
    case = data.draw(cases(policy))
    decision = Interpreter(policy).decide(case)
    example = example_of(policy, case, decision)
    if example is None:  # a text in it has a character that no policy may hold
        assert any(isinstance(value, str) and not value.isprintable() for value in case.known.values())
        return
    compiled = opened(HEAD + "\n".join(declarations(policy)) + f"\n{example}").policy
    assert compiled is not None
    (read,) = compiled.examples
    again = read_case(compiled, {"facts": read.given})
    assert again == case
    assert read.expect is decision.verdict
    assert read.by == (decision.deciding or (decision.speaker,))


def test_a_kind_is_an_answer_and_of_a_kind_the_values_below_are_what_is_asked(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        """
        taxonomy drugs { rx { opioid antibiotic } free }
        facts image { drug : one of drugs }
        facts query { dose : flag }
        rule r { when image.drug is opioid and query.dose verdict refuse }
        default comply
        unsure clarify
        """
    )
    interpreter, (drug, _) = Interpreter(policy), policy.facts
    assert [depth(drug, name) for name, _ in choices(drug)] == [0, 1, 1, 0]
    case = Case({"image.drug": "rx"})
    first = next_fact(interpreter, case, ())
    # After the dose 0.5 are left (of `no` none), after the drug as many (of an antibiotic none): the first as declared.
    assert first is not None
    assert first.name == "image.drug"
    assert read_answer(policy, drug, "rx") == "rx"
