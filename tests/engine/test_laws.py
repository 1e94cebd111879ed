"""The laws of the language, on random policies: what must hold of every policy and every case."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from strategies import (
    build_policy,
    examples,
    finer,
    learnt,
    policies_and_cases,
    refinements,
    unknown_facts,
)

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Fact, FlagIs, FlagType, Rule, Verdict
from safecot_dsl.engine import Interpreter

from .completions import completions

PolicyAndCase = tuple[CompiledPolicy, Case]


def interval(decision: Decision) -> tuple[int, int]:
    return decision.lower.strictness, decision.upper.strictness


def inside(inner: Decision, outer: Decision) -> bool:
    return outer.lower.strictness <= inner.lower.strictness and inner.upper.strictness <= outer.upper.strictness


@examples(150)
@given(policies_and_cases())
def test_soundness(policy_and_case: PolicyAndCase) -> None:
    """For every way of filling in the unknown facts, the verdict lies between `lower` and `upper`."""
    policy, case = policy_and_case
    interpreter = Interpreter(policy)
    decision = interpreter.decide(case)
    event("certain" if decision.certain else "ambiguous")
    for completion in itertools.islice(completions(policy, case), 300):
        complete = interpreter.decide(completion)
        assert complete.certain
        assert decision.lower.strictness <= complete.verdict.strictness <= decision.upper.strictness


@examples(200)
@given(policies_and_cases(), st.data())
def test_more_knowledge_narrows(policy_and_case: PolicyAndCase, data: st.DataObject) -> None:
    policy, case = policy_and_case
    interpreter = Interpreter(policy)
    before = interpreter.decide(case)
    waiting = data.draw(st.permutations(unknown_facts(policy, case)))
    while waiting:
        fact = waiting.pop()
        case = case.with_fact(fact.name, data.draw(finer(fact, case)))
        if fact.is_coarse(case.known[fact.name]):
            waiting.insert(0, fact)  # there is more to learn of it
        after = interpreter.decide(case)
        assert inside(after, before)
        before = after
    assert before.certain


@examples(250)
@given(policies_and_cases(), st.data())
def test_unsettled_facts_settle(policy_and_case: PolicyAndCase, data: st.DataObject) -> None:
    """Once all the unsettled facts are known, the case is certain, whatever else is known by then."""
    policy, case = policy_and_case
    interpreter = Interpreter(policy)
    decision = interpreter.decide(case)
    unknown = {fact.name for fact in unknown_facts(policy, case)}
    assert set(decision.unsettled) <= unknown
    assert bool(decision.unsettled) == (not decision.certain)
    for name in decision.unsettled:
        case = case.with_fact(name, data.draw(learnt(policy.fact_index[name], case)))
    assert interpreter.decide(case).certain
    assert interpreter.decide(data.draw(refinements(policy, case))).certain


@examples(100)
@given(policies_and_cases(), st.data())
def test_order_does_not_matter(policy_and_case: PolicyAndCase, data: st.DataObject) -> None:
    """Permuting rules, facts and the rules that an exception is to changes no field of a decision."""
    policy, case = policy_and_case
    rules = [
        rule.model_copy(update={"exception_to": tuple(data.draw(st.permutations(rule.exception_to)))})
        for rule in data.draw(st.permutations(policy.rules))
    ]
    permuted = build_policy(data.draw(st.permutations(policy.facts)), rules, policy.default, policy.unsure)
    shuffled = Case(dict(data.draw(st.permutations(list(case.known.items())))), case.cannot_tell)
    assert permuted.digest == policy.digest
    assert Interpreter(permuted).decide(shuffled) == Interpreter(policy).decide(case)
    before, after = Interpreter(policy).nearest_rule(case), Interpreter(permuted).nearest_rule(case)
    assert (before and (before.rule.name, before.distance)) == (after and (after.rule.name, after.distance))


@examples(200)
@given(policies_and_cases(hostile=True))
def test_every_case_has_one_decision(policy_and_case: PolicyAndCase) -> None:
    """Evaluation fails on no well-typed case, and what it says holds together."""
    policy, case = policy_and_case
    interpreter = Interpreter(policy)
    decision = interpreter.decide(case)
    assert decision == interpreter.decide(case)
    assert decision.policy == policy.digest
    assert decision.certain == (decision.lower == decision.upper)
    assert decision.lower.strictness <= decision.upper.strictness
    names = set(policy.rule_index)
    assert set(decision.effective) <= names
    assert set(decision.undecided) <= names
    assert not set(decision.effective) & set(decision.undecided)
    assert set(decision.deciding) <= set(decision.effective) | set(decision.undecided)
    for listed in (decision.deciding, decision.effective, decision.undecided, decision.unsettled):
        assert list(listed) == sorted(set(listed))
    in_force = any(truth.name == "YES" for truth in interpreter.trace(case).applies.values())
    assert bool(decision.deciding) == (decision.certain and in_force)
    if decision.certain:
        assert decision.verdict == decision.lower
        assert decision.unsettled == ()
        assert decision.speaker in (decision.deciding or ("default",))
        assert all(policy.rule_index[name].verdict == decision.verdict for name in decision.deciding)
    else:
        assert decision.verdict.strictness >= decision.lower.strictness
        assert decision.speaker == "unsure"
    assert set(decision.assumed) == {f.name for f in policy.facts if f.assume is not None} - set(case.known)


@examples(100)
@given(policies_and_cases())
def test_both_kinds_of_unknown_decide_alike(policy_and_case: PolicyAndCase) -> None:
    policy, case = policy_and_case
    interpreter = Interpreter(policy)
    absent = Case(case.known)
    cannot_tell = Case(case.known, frozenset(f.name for f in policy.facts if f.name not in case.known))
    assert interpreter.decide(absent) == interpreter.decide(cannot_tell) == interpreter.decide(case)


@examples(100)
@given(policies_and_cases())
def test_a_supposition_decides_like_the_value_itself(policy_and_case: PolicyAndCase) -> None:
    policy, case = policy_and_case
    interpreter = Interpreter(policy)
    decision = interpreter.decide(case)
    filled = case
    for name in decision.assumed:
        assume = policy.fact_index[name].assume
        filled = filled.with_fact(name, frozenset(assume) if isinstance(assume, tuple) else assume)
    assert interpreter.decide(filled) == decision.model_copy(update={"assumed": {}})


# --- every small policy ----------------------------------------------------------------------------------------------

STATES = (True, False, None)


def every_small_policy(size: int, verdicts: tuple[Verdict, ...]) -> list[CompiledPolicy]:
    """All policies of `size` rules, each reading a flag of its own, with every set of exceptions among them."""
    names = ("c", "a", "d", "b")[:size]
    pairs = [(later, earlier) for i, later in enumerate(names) for earlier in names[:i]]
    facts = [Fact(name=f"query.{name}", type=FlagType()) for name in names]
    policies: list[CompiledPolicy] = []
    for chosen in itertools.product([False, True], repeat=len(pairs)):
        edges = list(itertools.compress(pairs, chosen))
        parents = {name: tuple(e for later, e in edges if later == name) for name in names}
        for *own, default, unsure in itertools.product(verdicts, repeat=size + 2):
            rules = [
                Rule(name=n, exception_to=parents[n], when=FlagIs(fact=f"query.{n}"), verdict=v)
                for n, v in zip(names, own, strict=True)
            ]
            policies.append(build_policy(facts, rules, default, unsure))
    return policies


def check_all_cases(policy: CompiledPolicy) -> None:
    """All laws, over all cases of a policy whose facts are flags."""
    interpreter = Interpreter(policy)
    names = [fact.name for fact in policy.facts]
    decisions: dict[tuple[bool | None, ...], Decision] = {}
    for state in itertools.product(STATES, repeat=len(names)):
        known = {name: value for name, value in zip(names, state, strict=True) if value is not None}
        decisions[state] = interpreter.decide(Case(known))
    for state, decision in decisions.items():
        finer = [
            (after, decisions[after])
            for after in itertools.product(*(STATES if value is None else (value,) for value in state))
        ]
        unsettled = [names.index(name) for name in decision.unsettled]
        assert all(state[index] is None for index in unsettled)
        assert bool(unsettled) == (not decision.certain)
        assert decision.verdict.strictness >= decision.lower.strictness
        for after, knowing in finer:
            assert inside(knowing, decision)
            if all(after[index] is not None for index in unsettled):
                assert knowing.certain


def test_laws_over_every_policy_of_three_rules_and_three_verdicts() -> None:
    policies = every_small_policy(3, (Verdict.COMPLY, Verdict.CLARIFY, Verdict.REFUSE))
    assert len(policies) == 2**3 * 3**5
    for policy in policies:
        check_all_cases(policy)


@pytest.mark.long
def test_laws_over_every_policy_of_four_rules_and_two_verdicts() -> None:
    for policy in every_small_policy(4, (Verdict.WARN, Verdict.REDIRECT)):
        check_all_cases(policy)
