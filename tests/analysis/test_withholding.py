"""What is withheld for what is not known, against the whole policy deciding every drawn case from the beginning."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from strategies import examples, policies_and_cases

from safecot_dsl.analysis import withholding
from safecot_dsl.analysis.draws import ValueDraws
from safecot_dsl.analysis.examination import Examination
from safecot_dsl.analysis.limits import USUAL_LIMITS
from safecot_dsl.analysis.unsure_advice import changed
from safecot_dsl.analysis.withholding import AmbiguousDraws
from safecot_dsl.artifact import Case, CompiledPolicy, Verdict, facts_read
from safecot_dsl.engine import Interpreter

_DRAWN = 25


def told(policy: CompiledPolicy, examination: Examination) -> dict[str, tuple[int, int, int]]:
    """By whose `unsure` it is: harmless completions, all completions, and cases, where most are harmless."""
    draws, random, interpreter = ValueDraws(examination.encoding), Random(0), Interpreter(policy)
    read = set(facts_read(*(condition for rule in policy.rules for condition in rule.conditions)))
    own = {rule.name: rule.unsure for rule in policy.rules if rule.unsure is not None}
    found: dict[str, tuple[int, int, int]] = {}
    for _ in range(_DRAWN):
        complete = draws.case(random)
        for fact in policy.facts:
            if fact.name not in read or fact.assume is not None:
                continue
            decision = interpreter.decide(complete.with_fact(fact.name, None))
            if decision.certain or not decision.verdict.withholds or decision.verdict is decision.lower:
                continue
            value = complete.known[fact.name]
            values = [value, *draws.others(fact.name, value)]
            harmless = sum(interpreter.decide(complete.with_fact(fact.name, v)).verdict.answers for v in values)
            names = [n for n in decision.undecided if own.get(n, policy.unsure) is decision.verdict]
            for source in dict.fromkeys(name if name in own else "unsure" for name in names):
                before = found.get(source, (0, 0, 0))
                found[source] = (before[0] + harmless, before[1] + len(values), before[2] + 1)
    return {source: counts for source, counts in found.items() if 2 * counts[0] > counts[1]}


@examples(150)
@given(policies_and_cases(), st.sampled_from([Verdict.REFUSE, Verdict.REDIRECT]), st.data())
def test_it_is_what_the_whole_policy_says(
    policy_and_case: tuple[CompiledPolicy, Case], verdict: Verdict, data: st.DataObject
) -> None:
    policy = policy_and_case[0]
    own = data.draw(st.sets(st.sampled_from([rule.name for rule in policy.rules]))) if policy.rules else set()
    policy = changed(policy, unsure={"unsure": verdict, **dict.fromkeys(own, Verdict.REFUSE)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(withholding, "SAMPLES", _DRAWN)
        patch.setattr(withholding, "_LEAST", 1)
        examination = Examination(policy, USUAL_LIMITS)
        drawn = AmbiguousDraws(examination)
        found = {source: (w.harmless, w.of, w.cases) for source, w in drawn.mostly_harmless(policy).items()}
        event("some" if found else "none")
        assert found == told(policy, examination)
        for rule in policy.rules:
            if rule.unsure is None:
                continue
            alone = drawn.mostly_harmless(policy, rule.name).get(rule.name)
            assert (None if alone is None else (alone.harmless, alone.of, alone.cases)) == found.get(rule.name)
