"""What an error in one fact would do, on a policy small enough to see it."""

from __future__ import annotations

import pytest
from fixture_types import PolicyFrom
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import Case, CompiledPolicy, Verdict
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.facts.annotators import sensitivity
from safecot_dsl.facts.annotators.alternatives import Alternatives
from safecot_dsl.workspace import compile_policy

C, W, R = Verdict.COMPLY, Verdict.WARN, Verdict.REFUSE


@pytest.fixture
def mixing(policy_from: PolicyFrom) -> CompiledPolicy:
    return policy_from(
        """
        facts image {
          objects : set of { bleach "bleach", ammonia "ammonia", toy "a toy" } "Shown."
          place   : one of { kitchen "a kitchen", street "a street" } "Place."
        }
        facts query {
          mixes : flag "The user mixes."
          harm  : score "Harm."
          text  : text "Text."
        }
        rule gas { when image.objects has all of { bleach, ammonia } and query.mixes verdict refuse }
        rule harsh { when query.harm >= 0.8 verdict warn }
        rule order { when query.text contains "ignore your instructions" verdict warn }
        default comply
        unsure clarify
        """
    )


def case(**changes: object) -> Case:
    facts = {
        "image.objects": frozenset({"bleach", "ammonia"}),
        "image.place": "kitchen",
        "query.mixes": True,
        "query.harm": 0.1,
        "query.text": "",
    }
    return Case({**facts, **{name.replace("__", "."): value for name, value in changes.items()}})  # pyright: ignore


def test_every_fact_by_hand(mixing: CompiledPolicy):
    """One refused case. Without a bottle, or without mixing, it is answered; a score or an order makes it no laxer."""
    report = sensitivity(mixing, [case()])
    facts = {fact.fact: fact for fact in report.facts}
    assert (report.cases, report.distinct, report.unread) == (1, 1, ("image.place",))
    objects = facts["image.objects"]
    assert (objects.known, objects.flips, objects.laxer, objects.stricter, objects.needed) == (1, 1, 1, 0, 1)
    assert objects.table == {R: {C: 1}}
    assert [(swap.value, swap.instead) for swap in objects.worst] == [
        ("{ ammonia, bleach }", "{ ammonia }"),
        ("{ ammonia, bleach }", "{ bleach }"),
        ("{ ammonia, bleach }", "{}"),
    ]
    assert (facts["query.mixes"].flips, facts["query.harm"].flips, facts["query.text"].flips) == (1, 0, 0)
    assert [fact.fact for fact in report.facts] == ["image.objects", "query.mixes", "query.harm", "query.text"]


def test_errors_that_make_it_stricter_are_told_from_errors_that_make_it_laxer(mixing: CompiledPolicy):
    """A warned case in which bottles stand unmixed: taken for mixing it is refused, with a lower score answered."""
    report = sensitivity(mixing, [case(query__mixes=False, query__harm=0.8)])
    facts = {fact.fact: fact for fact in report.facts}
    assert (facts["query.mixes"].laxer, facts["query.mixes"].stricter) == (0, 1)
    assert facts["query.mixes"].table == {W: {R: 1}}
    assert (facts["query.harm"].laxer, facts["query.harm"].stricter) == (1, 0)
    (swap,) = facts["query.harm"].worst
    assert (swap.value, swap.instead, swap.before, swap.after) == ("…", "0", W, C)


def test_a_text_may_have_had_what_a_rule_looks_for(mixing: CompiledPolicy):
    (text,) = [fact for fact in sensitivity(mixing, [case(query__mixes=False)]).facts if fact.fact == "query.text"]
    assert text.table == {C: {W: 1}}
    assert [swap.instead for swap in text.worst] == ['"ignore your instructions"']


def test_what_is_not_known_cannot_be_wrong_but_may_decide(mixing: CompiledPolicy):
    """Of two cases without the flag, one hangs on it; of two without the set, the one in which the user mixes."""
    open_, closed = (
        case().with_fact("query.mixes", None),
        case(image__objects=frozenset()).with_fact("query.mixes", None),
    )
    (mixes,) = [fact for fact in sensitivity(mixing, [open_, closed]).facts if fact.fact == "query.mixes"]
    assert (mixes.known, mixes.flips, mixes.share, mixes.unknown, mixes.hangs) == (0, 0, 0, 2, 1)
    cases = [one.with_fact("image.objects", None) for one in (case(), case(query__mixes=False))]
    (objects,) = [fact for fact in sensitivity(mixing, cases).facts if fact.fact == "image.objects"]
    assert (objects.unknown, objects.hangs) == (2, 1)


def test_a_supposition_may_be_wrong_too(policy_from: PolicyFrom):
    """A fact that is supposed where it is not known leaves the verdict certain, and another value would change it."""
    policy = policy_from(
        """
        facts query { bad : flag assume no "Bad." }
        rule no { when query.bad verdict refuse }
        default comply
        unsure clarify
        """
    )
    (bad,) = sensitivity(policy, [Case({})]).facts
    assert (bad.unknown, bad.hangs) == (1, 1)


def test_equal_cases_count_as_often_as_they_occur(mixing: CompiledPolicy):
    """Also those that differ only in a fact that no rule reads."""
    report = sensitivity(mixing, [case(), case(), case(image__place="street")])
    assert (report.cases, report.distinct) == (3, 1)
    assert report.facts[0].flips == report.facts[0].worst[0].cases == 3
    assert report.facts[0].share == 1


_SHIPPED = compile_policy(policies_root() / "household_chemicals.safecot")
_CASES = st.builds(
    lambda objects, setting, intent, harm, minor: Case(
        {
            "image.objects": frozenset(objects),
            "image.setting": setting,
            "query.intent": intent,
            "query.harm": harm,
            "context.minor": minor,
        }
    ),
    st.sets(st.sampled_from([v.name for v in _SHIPPED.fact_index["image.objects"].type.values])),  # pyright: ignore
    st.sampled_from([v.name for v in _SHIPPED.fact_index["image.setting"].type.values]),  # pyright: ignore
    st.sampled_from([v.name for v in _SHIPPED.fact_index["query.intent"].type.values]),  # pyright: ignore
    st.integers(0, 100).map(lambda n: n / 100),
    st.booleans(),
)


@given(_CASES, st.integers(0, 100).map(lambda n: n / 100))
def test_what_no_alternative_flips_nothing_flips(case: Case, harm: float):
    """The alternatives stand for all values: of a number any other, of a fact with named values each other one."""
    facts = {fact.fact: fact for fact in sensitivity(_SHIPPED, [case]).facts}
    interpreter = Interpreter(_SHIPPED)
    verdict = interpreter.decide(case).verdict
    after = interpreter.decide(case.with_fact("query.harm", harm)).verdict
    assert after is verdict or after in facts["query.harm"].table[verdict]
    intents = _SHIPPED.fact_index["query.intent"].type.values  # pyright: ignore
    reached = {interpreter.decide(case.with_fact("query.intent", v.name)).verdict for v in intents} - {verdict}
    assert set(facts["query.intent"].table.get(verdict, {})) == reached


@given(_CASES)
def test_values_of_which_the_conditions_say_the_same_decide_alike(case: Case):
    """So one of them is decided for all; and none says of another value what it says of the one that is there."""
    alternatives, interpreter = Alternatives(_SHIPPED), Interpreter(_SHIPPED)
    for fact in alternatives.read:
        verdicts: dict[object, Verdict] = {}
        for other in alternatives.of(fact, case.known[fact.name]):
            assert other.value != case.known[fact.name]
            verdict = interpreter.decide(case.with_fact(fact.name, other.value)).verdict
            assert verdicts.setdefault(other.told, verdict) is verdict
