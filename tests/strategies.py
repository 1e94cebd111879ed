"""What tests draw: policies from `safecot_dsl.testing`, and cases of them with hostile texts and facts unknown."""

from __future__ import annotations

import os

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy, Fact, OneOfType, TextType, Unknown, Value
from safecot_dsl.testing.policies import build_policy, policies, skeletons
from safecot_dsl.testing.policies_conditions import TEXTS, VERDICTS, conditions, facts, values_of, whole_values_of
from safecot_dsl.testing.policies_printed import HEAD, declarations

__all__ = [
    "HEAD",
    "TEXTS",
    "VERDICTS",
    "build_policy",
    "cases",
    "conditions",
    "declarations",
    "examples",
    "facts",
    "finer",
    "learnt",
    "policies",
    "policies_and_cases",
    "refinements",
    "skeletons",
    "unknown_facts",
    "values_of",
    "whole_cases",
    "whole_values_of",
]

HOSTILE_TEXTS: SearchStrategy[str] = st.one_of(
    st.sampled_from(TEXTS),
    st.text(st.characters(codec=None, exclude_categories=()), max_size=12),
    st.text(st.sampled_from("bombBOMBﬁßſİıａe\u0301\u0323\ud800\udc00\x00\u200d\U0001f469\U0010ffff")),
    st.builds(lambda text, times: text * times, st.sampled_from(TEXTS), st.integers(1, 3000)),
)


_ONE_IN_THREE = st.sampled_from([False, False, True])


# --- cases -----------------------------------------------------------------------------------------------------------


def fact_states(fact: Fact, *, hostile: bool = False) -> SearchStrategy[Value | Unknown | None]:
    """What a case may hold of a fact: a value, nothing (None), or that it cannot be told."""
    known = HOSTILE_TEXTS if hostile and isinstance(fact.type, TextType) else values_of(fact)
    return st.one_of(known, st.none(), st.just(UNKNOWN))


@st.composite
def cases(draw: DrawFn, policy: CompiledPolicy, *, hostile: bool = False) -> Case:
    """A case with any of the policy's facts known, not annotated or impossible to tell."""
    case = Case({})
    for fact in policy.facts:
        case = case.with_fact(fact.name, draw(fact_states(fact, hostile=hostile)))
    return case


@st.composite
def whole_cases(draw: DrawFn, policy: CompiledPolicy) -> Case:
    """A case with all of the policy's facts known, and none only coarsely."""
    case = Case({})
    for fact in policy.facts:
        case = case.with_fact(fact.name, draw(whole_values_of(fact)))
    return case


@st.composite
def policies_and_cases(draw: DrawFn, *, hostile: bool = False) -> tuple[CompiledPolicy, Case]:
    """A policy of either kind, and a case that fits it."""
    policy = draw(skeletons() if draw(_ONE_IN_THREE) else policies())
    return policy, draw(cases(policy, hostile=hostile))


def unknown_facts(policy: CompiledPolicy, case: Case) -> list[Fact]:
    """The facts of which something can be learnt: those that are unknown even after suppositions, and those that are
    known, or supposed, only coarsely."""
    return [
        fact
        for fact in policy.facts
        if fact.is_coarse(case.known.get(fact.name, fact.assume))
        or (fact.name not in case.known and fact.assume is None)
    ]


def coarse_value(fact: Fact, case: Case) -> Value | None:
    """The value above the truth, where that is all that is known or supposed of the fact."""
    value = case.known.get(fact.name, fact.assume)
    return value if fact.is_coarse(value) else None  # type: ignore[return-value]


def learnt(fact: Fact, case: Case) -> SearchStrategy[Value]:
    """All that there is to learn of the fact."""
    return whole_values_of(fact, coarse_value(fact, case))


def finer(fact: Fact, case: Case) -> SearchStrategy[Value]:
    """More than is known of the fact, and perhaps not all: of a taxonomy any node below."""
    above = coarse_value(fact, case)
    if not isinstance(above, str):
        return values_of(fact)
    assert isinstance(fact.type, OneOfType)
    return st.sampled_from([node for node in fact.type.below((above,)) if node != above])


@st.composite
def refinements(draw: DrawFn, policy: CompiledPolicy, case: Case) -> Case:
    """The case with none, some or all of its unknown facts learnt, some of them in part."""
    for fact in unknown_facts(policy, case):
        if draw(st.booleans()):
            case = case.with_fact(fact.name, draw(finer(fact, case)))
    return case


# --- how many examples -----------------------------------------------------------------------------------------------


def examples(count: int) -> settings:
    """So many examples for a test, times SAFECOT_EXAMPLES_FACTOR (1 unless set, for a longer search)."""
    return settings(max_examples=max(1, round(count * float(os.environ.get("SAFECOT_EXAMPLES_FACTOR", "1")))))
