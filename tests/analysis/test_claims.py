"""Properties and laws: proofs and refutations, by hand and against brute force."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from fixture_types import PolicyFrom
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import VERDICTS, conditions, examples, policies

from safecot_dsl.analysis.claims import Proof, prove_law, prove_property
from safecot_dsl.analysis.findings import analyse
from safecot_dsl.analysis.limits import Limits
from safecot_dsl.artifact import (
    Case,
    CompiledPolicy,
    FlagType,
    Law,
    NumberType,
    OneOfType,
    Property,
    SetType,
    TextType,
    Value,
    Verdict,
)
from safecot_dsl.diagnostics import Severity
from safecot_dsl.engine import Interpreter, Truth, evaluate
from tests.engine.completions import completions, leaves_below, representatives

POLICY = """
facts image { objects : set of { bleach, ammonia, toy } place : one of { home, lab } text : text }
facts query { act : one of { look, mix, hurt } harm : score }
facts context { minor : flag professional : flag assume no }
rule mixing { when image.objects has all of { bleach, ammonia } and query.act is mix verdict refuse unsure refuse }
exception lab to mixing { when image.place is lab and query.harm < 0.6 verdict redirect }
rule hurting { when query.act is hurt or query.harm >= 0.9 verdict refuse }
rule young { when context.minor and query.act is mix verdict redirect }
default comply
unsure clarify
"""


def property_of(policy_from: PolicyFrom, claim: str) -> tuple[CompiledPolicy, Proof]:
    policy = policy_from(f'{POLICY} property "p" {{ {claim} }}')
    return policy, prove_property(policy, policy.properties[0])


def law_of(policy_from: PolicyFrom, law: str) -> tuple[CompiledPolicy, Proof]:
    policy = policy_from(f'{POLICY} law "l" {{ {law} }}')
    return policy, prove_law(policy, policy.laws[0])


@pytest.mark.parametrize(
    "claim",
    [
        "given query.act is hurt expect refuse",
        "given query.harm >= 0.9 expect refuse",
        "given query.act is mix and context.minor expect not comply",
        "given query.act is hurt and not query.act is hurt expect warn",  # speaks of no case
        "expect comply or redirect or refuse",
        "expect not warn or clarify",
    ],
)
def test_properties_that_hold(policy_from: PolicyFrom, claim: str) -> None:
    assert property_of(policy_from, claim)[1] == Proof("proved")


@pytest.mark.parametrize(
    ("claim", "case", "verdict"),
    [
        # Facts that do not matter are left away.
        ("given query.harm >= 0.8 expect refuse", {"query.act": "look", "query.harm": 0.8}, "comply"),
        (
            "given image.objects has all of { bleach, ammonia } and query.act is mix expect refuse",
            {"image.objects": frozenset({"ammonia", "bleach"}), "image.place": "lab", "query.harm": 0.0},
            "redirect",
        ),
        ('given image.text contains "x" expect refuse', {"image.text": "x"}, "comply"),
    ],
)
def test_properties_that_fail(policy_from: PolicyFrom, claim: str, case: dict[str, Value], verdict: str) -> None:
    policy, proof = property_of(policy_from, claim)
    assert proof.outcome == "refuted"
    assert proof.case is not None
    assert proof.decision == Interpreter(policy).decide(proof.case)
    assert proof.decision is not None
    assert proof.decision.verdict == verdict
    assert proof.case.known.items() >= case.items()


def test_a_failing_property_comes_with_an_example_to_paste(policy_from: PolicyFrom) -> None:
    claim = 'property "no \\"mixing\\"" { given query.act is mix expect not comply }'
    policy = policy_from(POLICY + claim)
    (finding,) = [f for f in analyse(policy) if f.code == "SC1003"]
    assert (finding.severity, finding.key) == (Severity.ERROR, 'property:no "mixing"')
    assert finding.message == 'the property `no "mixing"` does not hold: a case is decided `comply` by `default`'
    (example,) = [note.removeprefix("as an example: ") for note in finding.notes if note.startswith("as an example")]
    # The example compiles, and it fails as the property does.
    again = policy_from(POLICY + example)
    given_case = Case({k: frozenset(v) if isinstance(v, list) else v for k, v in again.examples[0].given.items()})
    decision = Interpreter(again).decide(given_case)
    assert decision.verdict is Verdict.COMPLY
    assert decision.certain
    assert again.examples[0].expect is Verdict.WARN


@pytest.mark.parametrize(
    "law",
    [
        "change context.minor becomes yes expect never laxer",
        "change query.harm rises expect never laxer",
        "change query.harm falls expect never stricter",
        "change image.objects gains any expect never laxer",
        "change image.objects gains { bleach } expect never laxer",
        "change query.act becomes hurt expect never laxer",
        "change image.place becomes lab given query.act is look expect never laxer",
        "change image.objects gains toy expect never stricter",
    ],
)
def test_laws_that_hold(policy_from: PolicyFrom, law: str) -> None:
    assert law_of(policy_from, law)[1] == Proof("proved")


@pytest.mark.parametrize(
    ("law", "fact"),
    [
        ("change image.place becomes lab expect never laxer", "image.place"),
        ("change query.harm falls expect never laxer", "query.harm"),
        ("change context.minor becomes no expect never laxer", "context.minor"),
        ("change query.act becomes look expect never laxer", "query.act"),
        ("change query.harm rises expect never stricter", "query.harm"),
        ("change image.objects gains { bleach } given query.act is mix expect never stricter", "image.objects"),
    ],
)
def test_laws_that_fail(policy_from: PolicyFrom, law: str, fact: str) -> None:
    policy, proof = law_of(policy_from, law)
    assert proof.outcome == "refuted"
    assert proof.case is not None
    assert proof.other is not None
    assert proof.case.with_fact(fact, proof.other.known[fact]) == proof.other
    interpreter = Interpreter(policy)
    one, other = (interpreter.decide(case) for case in (proof.case, proof.other))
    assert (proof.decision, proof.other_decision) == (one, other)
    assert one.certain
    assert other.certain
    assert (one.verdict.strictness > other.verdict.strictness) == ("laxer" in law)
    assert one.verdict is not other.verdict


def test_a_law_on_a_supposed_fact(policy_from: PolicyFrom) -> None:
    """What is supposed of a fact is no reason to leave it away from the pair where it is otherwise."""
    text = """facts context { minor : flag assume no } facts query { act : one of { look, mix } }
    rule r { when context.minor and query.act is mix verdict refuse }
    default comply unsure clarify
    law "l" { change query.act becomes mix expect never stricter }"""
    policy = policy_from(text)
    proof = prove_law(policy, policy.laws[0])
    assert proof.case == Case({"context.minor": True, "query.act": "look"})


def test_a_failing_law_shows_both_cases(policy_from: PolicyFrom) -> None:
    policy = policy_from(POLICY + 'law "l" { change image.place becomes lab expect never laxer }')
    (finding,) = [f for f in analyse(policy) if f.code == "SC1004"]
    assert finding.message == "the law `l` does not hold: the verdict goes from `refuse` to `redirect`"
    assert finding.notes[1] == "the same with image.place = lab: `redirect` by `lab`"


def test_what_ignorance_gets_around(policy_from: PolicyFrom) -> None:
    claim = 'property "p" { given image.objects has all of { bleach, ammonia } and query.act is mix %s }'
    expecting = claim % "expect redirect or refuse"
    # `mixing` says `unsure refuse`: what is not known makes it no laxer.
    assert [f for f in analyse(policy_from(POLICY + expecting)) if f.code == "SC1006"] == []
    softer = POLICY.replace("unsure refuse", "")
    holding = softer.replace("verdict redirect", "verdict clarify", 1).replace("unsure clarify", "unsure warn")
    policy = policy_from(holding + claim % "expect clarify or redirect or refuse")
    assert [f.code for f in analyse(policy) if f.code in ("SC1003", "SC1006")] == []
    # It is ambiguous, and `warn`, whether `hurting` applies or not: no `given` but `expect` is left.
    policy = policy_from(
        "facts query { a : flag b : flag } rule r { when query.a and query.b verdict refuse }"
        "rule s { when query.a and not query.b verdict redirect }"
        'property "p" { given query.a expect redirect or refuse } default comply unsure warn'
    )
    (finding,) = [f for f in analyse(policy) if f.code == "SC1006"]
    assert finding.witness == Case({"query.a": True})
    assert "decided `warn`, laxer than `redirect`" in finding.message
    mended = policy.model_copy(update={"unsure": Verdict.REDIRECT})
    assert [f for f in analyse(mended) if f.code == "SC1006"] == []


def test_no_time_leaves_a_claim_undecided(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        POLICY + 'property "p" { expect comply } law "l" { change query.harm rises expect never laxer }'
    )
    none = Limits(seconds_in_all=0)
    assert prove_property(policy, policy.properties[0], limits=none) == Proof("undecided")
    assert prove_law(policy, policy.laws[0], limits=none) == Proof("undecided")


# --- by brute force --------------------------------------------------------------------------------------------------


@examples(80)
@given(st.data())
def test_properties_are_decided_as_by_brute_force(data: st.DataObject) -> None:
    policy = without_suppositions(data.draw(policies(max_rules=4)))
    assume(not any(isinstance(fact.type, TextType) for fact in policy.facts))
    condition = data.draw(st.none() | conditions(policy.facts, depth=1))
    expect = tuple(sorted(data.draw(st.sets(VERDICTS, min_size=1, max_size=4)), key=lambda v: v.strictness))
    claim = Property(name="p", given=condition, expect=expect, key="property:p")
    proof = prove_property(policy.model_copy(update={"properties": (claim,)}), claim)
    interpreter = Interpreter(policy)
    failing = [
        case
        for case in complete_cases(policy, condition)
        if (condition is None or evaluate(condition, case.known) is Truth.YES)
        and interpreter.decide(case).verdict not in expect
    ]
    assert proof.outcome == ("refuted" if failing else "proved")
    if proof.case is not None:
        decision = interpreter.decide(proof.case)
        assert decision == proof.decision
        assert decision.certain
        assert decision.verdict not in expect
        assert condition is None or evaluate(condition, proof.case.known) is Truth.YES


def complete_cases(policy: CompiledPolicy, condition: object) -> Iterator[Case]:
    """Of every region that the rules and the condition can tell apart."""
    extra = [] if condition is None else [policy.rules[0].model_copy(update={"name": "extra", "when": condition})]
    reading = policy.model_copy(update={"rules": (*policy.rules, *extra)})
    return completions(reading, Case({}))


def without_suppositions(policy: CompiledPolicy) -> CompiledPolicy:
    return policy.model_copy(update={"facts": tuple(f.model_copy(update={"assume": None}) for f in policy.facts)})


@examples(80)
@given(st.data())
def test_laws_are_decided_as_by_brute_force(data: st.DataObject) -> None:
    policy = without_suppositions(data.draw(policies(max_rules=4)))
    assume(not any(isinstance(fact.type, TextType) for fact in policy.facts))
    law = data.draw(laws(policy))
    proof = prove_law(policy, law)
    interpreter = Interpreter(policy)

    def broken(one: Verdict, other: Verdict) -> bool:
        return other.strictness < one.strictness if law.never == "laxer" else other.strictness > one.strictness

    fact = policy.fact_index[law.fact]
    # A law names values, which the rules may not tell from others.
    match fact.type:
        case SetType(values=named):
            names = [value.name for value in named]
            values = [frozenset(c) for n in range(len(names) + 1) for c in itertools.combinations(names, n)]
        case OneOfType(values=named):
            inner = {value.parent for value in named}
            values = [value.name for value in named if value.name not in inner]
        case _:
            values = representatives(policy, fact)
    others = [f for f in policy.facts if f is not fact]
    # A value becomes a node where it becomes any leaf below it.
    becomes = [leaf for node in law.values for leaf in leaves_below(fact, node)] if fact.type.kind == "one_of" else []
    failing = False
    for chosen in itertools.product(*(representatives(policy, f) for f in others)):
        rest = Case({f.name: value for f, value in zip(others, chosen, strict=True)})
        verdicts = {value: interpreter.decide(rest.with_fact(law.fact, value)).verdict for value in values}
        failing = failing or any(broken(verdicts[a], verdicts[b]) for a, b in changes(law, values, becomes))
    assert proof.outcome == ("refuted" if failing else "proved")
    if proof.case is not None and proof.other is not None:
        one, other = interpreter.decide(proof.case), interpreter.decide(proof.other)
        assert (one, other) == (proof.decision, proof.other_decision)
        assert broken(one.verdict, other.verdict)
        assert one.certain
        assert other.certain


def changes(law: Law, values: list[Value], becomes: list[Value]) -> Iterator[tuple[Value, Value]]:
    for a, b in itertools.permutations(values, 2):
        match a, b:
            case bool(), bool():
                so = b is (law.values == ("yes",))
            case frozenset(), frozenset():
                so = a < b and len(b - a) == 1 and b - a <= set(law.values)
            case float(), float():
                so = b > a if law.change == "rises" else b < a
            case _:
                so = b in becomes
        if so:
            yield a, b


@st.composite
def laws(draw: st.DrawFn, policy: CompiledPolicy) -> Law:
    fact = draw(st.sampled_from(policy.facts))
    never = draw(st.sampled_from(["laxer", "stricter"]))
    match fact.type:
        case FlagType():
            change, values = "becomes", (draw(st.sampled_from(["yes", "no"])),)
        case OneOfType(values=named):
            change, values = "becomes", (draw(st.sampled_from([v.name for v in named])),)
        case SetType(values=named):
            members = [v.name for v in named]
            change, values = "gains", tuple(draw(st.lists(st.sampled_from(members), min_size=1, unique=True)))
        case NumberType():
            change, values = draw(st.sampled_from(["rises", "falls"])), ()
        case TextType():
            raise AssertionError(fact)
    return Law(name="l", fact=fact.name, change=change, values=values, never=never, key="law:l")
