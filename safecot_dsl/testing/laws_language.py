"""The laws of the language: what holds of every policy and every case, whatever the rules say.

On a policy they test the engine that decides it, and nothing else.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from safecot_dsl.artifact import CompiledPolicy, Decision
from safecot_dsl.artifact.policy import compute_digest
from safecot_dsl.testing.laws_trials import Decider, PolicyLaw, PolicyUnderTest, ShownCase, learnings

Tried = tuple[str | None, tuple[ShownCase, ...]]


def bounds(decision: Decision) -> str:
    return f"from `{decision.lower}` to `{decision.upper}`"


@st.composite
def _sound(draw: DrawFn, tested: PolicyUnderTest) -> Tried:
    learning = draw(learnings(tested))
    before, after = tested.decide(learning.before), tested.decide(learning.complete)
    fault = None
    if not after.certain:
        fault = "a case with all facts known is ambiguous"
    elif not before.lower.strictness <= after.verdict.strictness <= before.upper.strictness:
        fault = (
            f"with some facts unknown the verdict lies {bounds(before)}, with all of them known it is `{after.verdict}`"
        )
    shown = tested.shown("some unknown", learning.before, before), tested.shown("all known", learning.complete, after)
    return fault, shown


@st.composite
def _narrows(draw: DrawFn, tested: PolicyUnderTest) -> Tried:
    learning = draw(learnings(tested))
    learnt = [name for name in learning.learnable if draw(st.booleans())]
    case = learning.learning(learnt)
    before, after = tested.decide(learning.before), tested.decide(case)
    wider = after.lower.strictness < before.lower.strictness or after.upper.strictness > before.upper.strictness
    fault = f"knowing more, the verdict lies {bounds(after)}, and {bounds(before)} before" if wider else None
    return fault, (tested.shown("before", learning.before, before), tested.shown("after", case, after))


@st.composite
def _settles(draw: DrawFn, tested: PolicyUnderTest) -> Tried:
    learning = draw(learnings(tested))
    before = tested.decide(learning.before)
    shown = (tested.shown("unsettled", learning.before, before),)
    if not set(before.unsettled) <= set(learning.learnable):
        return f"{before.unsettled} are unsettled, and not all of them are unknown", shown
    if bool(before.unsettled) == before.certain:
        return "a certain case has unsettled facts" if before.certain else "an ambiguous case has none", shown
    others = [name for name in learning.learnable if name not in before.unsettled and draw(st.booleans())]
    case = learning.learning([*before.unsettled, *others])
    after = tested.decide(case)
    fault = None if after.certain else f"still ambiguous with {', '.join(before.unsettled)} known"
    return fault, (*shown, tested.shown("settled", case, after))


@st.composite
def _in_any_order(draw: DrawFn, tested: PolicyUnderTest) -> Tried:
    seed = draw(st.integers(0, 7))
    permuted, decide = tested.once(("order", seed), lambda: _permuted(tested, Random(seed)))
    case = draw(learnings(tested)).before
    before, after = tested.decide(case), decide(case)
    fault = None
    if compute_digest(tested.policy) != permuted.digest:
        fault = "the digest is another where rules and facts stand in another order"
    elif before != after.model_copy(update={"policy": before.policy}):
        fault = "the decision is another where rules and facts stand in another order"
    return fault, (tested.shown("as written", case, before), tested.shown("in another order", case, after))


def _permuted(tested: PolicyUnderTest, random: Random) -> tuple[CompiledPolicy, Decider]:
    policy = tested.policy
    rules = [
        rule.model_copy(update={"exception_to": tuple(random.sample(rule.exception_to, len(rule.exception_to)))})
        for rule in random.sample(policy.rules, len(policy.rules))
    ]
    facts = random.sample(policy.facts, len(policy.facts))
    permuted = remade(policy, rules=tuple(rules), facts=tuple(facts))
    return permuted, tested.engine(permuted)


def remade(policy: CompiledPolicy, **changes: Any) -> CompiledPolicy:
    """The policy with other content, and the digest that goes with it."""
    made = policy.with_content(**changes)
    return made.with_content(digest=compute_digest(made))


@st.composite
def _decided_once(draw: DrawFn, tested: PolicyUnderTest) -> Tried:
    learning = draw(learnings(tested))
    case = learning.before
    decision = tested.decide(case)
    fault = _inconsistent(tested.policy, decision)
    if fault is None and tested.decide(case) != decision:
        fault = "decided again, the case is decided otherwise"
    unknown_facts = [fact for fact in tested.policy.facts if fact.name not in case.known]
    if fault is None and set(decision.assumed) != {fact.name for fact in unknown_facts if fact.assume is not None}:
        fault = f"{list(decision.assumed)} are assumed"
    return fault, (tested.shown("decided", case, decision),)


def _inconsistent(policy: CompiledPolicy, decision: Decision) -> str | None:
    """What of a decision does not go with the rest of it."""
    rules, deciding = policy.rule_index, decision.deciding
    lists = (deciding, decision.effective, decision.undecided, decision.unsettled)
    if any(list(names) != sorted(set(names)) for names in lists):
        return "a list is not sorted, or names something twice"
    if not {*deciding, *decision.effective, *decision.undecided} <= rules.keys():
        return "a rule is named that there is none of"
    if set(decision.effective) & set(decision.undecided):
        return "a rule is both effective and undecided"
    if decision.policy != policy.digest:
        return "the digest is that of another policy"
    if decision.certain != (decision.lower is decision.upper) or decision.lower.strictness > decision.upper.strictness:
        return f"the verdict lies {bounds(decision)}"
    if decision.verdict.strictness < decision.lower.strictness:
        return f"`{decision.verdict}` is laxer than `{decision.lower}`"
    if not decision.certain:
        return None if decision.speaker == "unsure" and not deciding else "an ambiguous case is decided by rules"
    if decision.verdict is not decision.lower:
        return f"`{decision.verdict}` is not `{decision.lower}`"
    if any(rules[name].verdict is not decision.verdict for name in deciding):
        return "a deciding rule has another verdict"
    if not deciding and policy.default is not decision.verdict:
        return "no rule decides, and the verdict is not the default"
    return None if decision.speaker in (deciding or ("default",)) else f"`{decision.speaker}` speaks"


SOUNDNESS = PolicyLaw("every way of filling in the unknown facts gives a verdict within the bounds", _sound)
KNOWLEDGE_NARROWS = PolicyLaw("more knowledge narrows the bounds", _narrows)
UNSETTLED_SETTLE = PolicyLaw("once the unsettled facts are known the case is certain", _settles)
ORDER = PolicyLaw("order does not matter", _in_any_order)
ONE_DECISION = PolicyLaw("every case has one decision, whose parts go together", _decided_once)
