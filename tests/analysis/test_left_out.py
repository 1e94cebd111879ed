"""Facts left out of complete cases side by side, against the interpreter deciding each case by itself."""

from __future__ import annotations

from hypothesis import event, given
from hypothesis import strategies as st
from strategies import examples, policies_and_cases, whole_values_of

from safecot_dsl.analysis.left_out import PartlyKnown, ShorterCases
from safecot_dsl.artifact import Case, CompiledPolicy, Verdict
from safecot_dsl.engine import Interpreter, Truth


def complete(policy: CompiledPolicy, data: st.DataObject) -> Case:
    return Case({fact.name: data.draw(whole_values_of(fact), label=fact.name) for fact in policy.facts})


def without(case: Case, facts: set[str]) -> Case:
    return Case({name: value for name, value in case.known.items() if name not in facts})


@examples(150)
@given(policies_and_cases(), st.data())
def test_it_says_what_the_interpreter_says(policy_and_case: tuple[CompiledPolicy, Case], data: st.DataObject) -> None:
    policy = policy_and_case[0]
    case = complete(policy, data)
    names = [fact.name for fact in policy.facts]
    choices = data.draw(st.lists(st.sets(st.sampled_from(names) if names else st.nothing()), min_size=1, max_size=5))
    masks = {name: sum(1 << place for place, out in enumerate(choices) if name in out) for name in names}
    interpreter = Interpreter(policy)
    conditions = [rule.when for rule in policy.rules]
    said = PartlyKnown(ShorterCases(interpreter, conditions), case, masks, len(choices))
    for place, out in enumerate(choices):
        trace = interpreter.trace(without(case, out))
        decision = trace.decision
        event("certain" if decision.certain else "not certain")
        for verdict in Verdict:
            certain = decision.certain and decision.verdict is verdict
            assert bool(said.certainly(verdict) >> place & 1) == certain
        for rule in policy.rules:
            decides = decision.certain and decision.verdict is rule.verdict and rule.name in decision.effective
            assert bool(said.applies(rule) >> place & 1) == (trace.applies[rule.name] is Truth.YES)
            assert bool(said.effective(rule) >> place & 1) == (trace.effective[rule.name] is Truth.YES)
            assert bool(said.decides(rule) >> place & 1) == decides
            assert bool(said.truth(rule.when) >> place & 1) == (trace.truth(rule.when) is Truth.YES)


@examples(150)
@given(policies_and_cases(), st.data())
def test_facts_are_left_out_one_by_one(policy_and_case: tuple[CompiledPolicy, Case], data: st.DataObject) -> None:
    """As many as if each were tried by itself, those that contradict their supposition first and else the last
    declared first."""
    policy = policy_and_case[0]
    case = complete(policy, data)
    interpreter = Interpreter(policy)
    shorter = ShorterCases(interpreter)
    names = [fact.name for fact in policy.facts]
    needed = data.draw(st.sets(st.sampled_from(names))) if names else set[str]()
    verdict = interpreter.decide(case).verdict
    applying = [rule for rule in policy.rules if interpreter.trace(case).applies[rule.name] is Truth.YES][:1]

    def certain(facts: set[str]) -> bool:
        trace = interpreter.trace(without(case, facts))
        applies = all(trace.applies[rule.name] is Truth.YES for rule in applying)
        return applies and trace.decision.certain and trace.decision.verdict is verdict

    out: set[str] = set()
    free = [fact.name for fact in reversed(policy.facts) if fact.name not in needed]
    for name in sorted(free, key=lambda name: not shorter.contradicts(name, case.known[name])):
        if certain({*out, name}):
            out.add(name)
    event(f"{len(out)} of {len(policy.facts)} left out")
    assert shorter.fewest(case, [lambda said, rule=rule: said.applies(rule) for rule in applying], needed) == without(
        case, out
    )
