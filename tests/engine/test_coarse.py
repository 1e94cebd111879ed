"""A value of a taxonomy says as much as is known: decisions on coarse values, worked out by hand."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from fixture_types import PolicyFrom

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, read_case
from safecot_dsl.engine import Interpreter
from safecot_dsl.engine.columnar import ColumnarPolicy
from tests.engine import reference

PHARMACY = """
taxonomy drugs {
  prescription_only { opioids { morphine codeine } antibiotics }
  over_the_counter
}
facts image { drug : one of drugs ask "which medicine it is" }
facts query { dose : flag  sell : flag }
rule opioid { when image.drug is opioids and query.dose verdict refuse }
rule selling { when image.drug in { prescription_only } and query.sell verdict redirect unsure redirect }
exception codeine_leaflet to opioid { when image.drug is codeine verdict warn }
default comply
unsure clarify
"""


@pytest.fixture
def pharmacy(policy_from: PolicyFrom) -> CompiledPolicy:
    return policy_from(PHARMACY)


def decided(policy: CompiledPolicy, drug: Any, dose: bool = False, sell: bool = False) -> Decision:
    """What three accounts say alike."""
    facts = {"image.drug": drug, "query.dose": dose, "query.sell": sell}
    case = read_case(policy, {"facts": facts})
    decision = Interpreter(policy).decide(case)
    assert decision.model_dump(mode="json") == reference.decide(json.loads(policy.to_json()), facts)
    assert ColumnarPolicy(policy).decide_cases([case]) == [decision]
    return decision


def test_a_node_above_the_one_asked_for_is_no_no(pharmacy: CompiledPolicy) -> None:
    decision = decided(pharmacy, "prescription_only", dose=True)
    assert (decision.verdict, decision.lower, decision.upper) == ("clarify", "comply", "refuse")
    assert decision.unsettled == ("image.drug",)
    assert decision.undecided == ("codeine_leaflet", "opioid")


@pytest.mark.parametrize(
    ("drug", "verdict", "deciding"),
    [
        ("morphine", "refuse", ("opioid",)),
        ("codeine", "warn", ("codeine_leaflet",)),
        ("antibiotics", "comply", ()),
        ("over_the_counter", "comply", ()),
    ],
)
def test_leaves_decide_for_certain(
    pharmacy: CompiledPolicy, drug: str, verdict: str, deciding: tuple[str, ...]
) -> None:
    decision = decided(pharmacy, drug, dose=True)
    assert (decision.verdict, decision.certain, decision.deciding) == (verdict, True, deciding)


def test_an_exception_may_apply_where_its_rule_does(pharmacy: CompiledPolicy) -> None:
    """An opioid for certain, and whether it is codeine nobody can say."""
    decision = decided(pharmacy, "opioids", dose=True)
    assert (decision.verdict, decision.lower, decision.upper) == ("clarify", "warn", "refuse")
    assert decision.undecided == ("codeine_leaflet", "opioid")


def test_what_a_coarse_value_settles_is_settled(pharmacy: CompiledPolicy) -> None:
    decision = decided(pharmacy, "prescription_only", sell=True)
    assert (decision.verdict, decision.certain, decision.deciding) == ("redirect", True, ("selling",))
    assert decided(pharmacy, "opioids", sell=True).deciding == ("selling",)
    assert decided(pharmacy, "over_the_counter", sell=True).verdict == "comply"


def test_what_hangs_on_no_fact_of_a_kind_is_not_asked_for(pharmacy: CompiledPolicy) -> None:
    assert decided(pharmacy, "prescription_only").certain


def test_a_coarse_value_costs_a_change_either_way(pharmacy: CompiledPolicy) -> None:
    """`opioid` lacks the drug and the dose; `selling` is settled but for the sale."""
    case = read_case(pharmacy, {"facts": {"image.drug": "prescription_only", "query.dose": False, "query.sell": False}})
    nearest = Interpreter(pharmacy).nearest_rule(case)
    assert nearest is not None
    assert (nearest.rule.name, nearest.distance) == ("selling", 1)


def test_a_coarse_supposition_is_known_as_far_as_it_goes(policy_from: PolicyFrom) -> None:
    policy = policy_from(PHARMACY.replace("one of drugs", "one of drugs assume prescription_only"))
    decision = decided(policy, None, dose=True)
    assert (decision.verdict, decision.assumed) == ("clarify", {"image.drug": "prescription_only"})
    assert decision.unsettled == ("image.drug",)
    assert decided(policy, "over_the_counter", dose=True).assumed == {}


def test_refining_a_value_is_learning(pharmacy: CompiledPolicy) -> None:
    """Down every path of the tree, from nothing known: the bounds never widen, and at a leaf the case is certain."""
    paths = [
        (None, "prescription_only", "opioids", "morphine"),
        (None, "prescription_only", "opioids", "codeine"),
        (None, "prescription_only", "antibiotics"),
        (None, "over_the_counter"),
    ]
    for path, dose, sell in itertools.product(paths, (False, True), (False, True)):
        decisions = [decided(pharmacy, drug, dose, sell) for drug in path]
        for before, after in itertools.pairwise(decisions):
            assert before.lower.strictness <= after.lower.strictness
            assert after.upper.strictness <= before.upper.strictness
        assert decisions[-1].certain


def test_a_coarse_value_counts_as_one_that_cannot_be_told(pharmacy: CompiledPolicy) -> None:
    assert pharmacy.cannot_tell(Case({"image.drug": "opioids", "query.dose": True})) == {"image.drug"}
    assert pharmacy.cannot_tell(Case({"image.drug": "codeine"}, frozenset({"query.dose"}))) == {"query.dose"}
