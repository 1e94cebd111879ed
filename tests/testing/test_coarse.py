"""Strategies and laws of a policy whose values may be known only coarsely."""

from __future__ import annotations

import pytest
from fixture_types import PolicyFrom
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Value
from safecot_dsl.engine import Interpreter
from safecot_dsl.testing import laws
from safecot_dsl.testing.strategies import cases, completions
from tests.engine.test_coarse import PHARMACY
from tests.strategies import examples

SLOWLY = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
SUPPOSED = PHARMACY.replace("one of drugs", "one of drugs assume prescription_only")


@pytest.mark.parametrize("text", [PHARMACY, SUPPOSED], ids=["known", "supposed"])
@pytest.mark.parametrize("law", laws.LANGUAGE, ids=str)
def test_the_laws_hold(policy_from: PolicyFrom, text: str, law: laws.PolicyLaw) -> None:
    laws.check(policy_from(text), law, examples=40)


def test_reading_a_coarse_value_as_a_no_breaks_them(policy_from: PolicyFrom) -> None:
    """An engine as it was: a value above the node that a rule asks for is not the node."""

    def engine(policy: CompiledPolicy) -> laws.Decider:
        interpreter = Interpreter(policy)

        def decide(case: Case) -> Decision:
            drug = case.known.get("image.drug")
            # The leaf stands for what no rule asks for.
            return interpreter.decide(case.with_fact("image.drug", "antibiotics") if drug in COARSE else case)

        return decide

    with pytest.raises(laws.LawBrokenError):
        laws.check(policy_from(PHARMACY), laws.KNOWLEDGE_NARROWS, laws.SOUNDNESS, examples=400, engine=engine)


COARSE = ("prescription_only", "opioids")


def test_complete_cases_have_leaves_and_others_may_be_coarse(policy_from: PolicyFrom) -> None:
    policy = policy_from(PHARMACY)

    @settings(examples(60), suppress_health_check=SLOWLY, deadline=None)
    @given(cases(policy), cases(policy, fixed={"image.drug": "opioids"}))
    def leaves(case: Case, fixed: Case) -> None:
        assert case.known["image.drug"] not in COARSE
        assert fixed.known["image.drug"] in ("morphine", "codeine")

    leaves()
    for drug in COARSE:
        found = find(cases(policy, unknown=True), lambda case, drug=drug: case.known.get("image.drug") == drug)
        assert found.known["image.drug"] == drug


@settings(examples(30), suppress_health_check=SLOWLY, deadline=None)
@given(st.sampled_from([*COARSE, "codeine", None]), st.data())
def test_completions_lie_below_what_is_known(policy_from: PolicyFrom, drug: str | None, data: st.DataObject) -> None:
    known: dict[str, Value] = {} if drug is None else {"image.drug": drug}
    found = data.draw(completions(policy_from(PHARMACY), Case(known))).known["image.drug"]
    below = {"prescription_only": ("morphine", "codeine", "antibiotics"), "opioids": ("morphine", "codeine")}
    assert found in below.get(
        drug or "", (drug,) if drug else ("morphine", "codeine", "antibiotics", "over_the_counter")
    )
