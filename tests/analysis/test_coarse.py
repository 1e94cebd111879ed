"""Values that are known only coarsely, to the solver and in what is made with it."""

from __future__ import annotations

import pytest
from fixture_types import PolicyFrom

from safecot_dsl.analysis.cases import contrast, find_case, neighbours
from safecot_dsl.analysis.claims import prove_law, prove_property
from safecot_dsl.analysis.difference import compare
from safecot_dsl.analysis.encoding import Satisfiability
from safecot_dsl.artifact import Case, CompiledPolicy, Verdict
from safecot_dsl.engine import Interpreter

FACTS = """
taxonomy drugs { prescription_only { opioids { morphine codeine } antibiotics } over_the_counter }
facts image { drug : one of drugs }
facts query { dose : flag }
"""
RULE = "rule opioid { when image.drug is opioids and query.dose verdict refuse }\n"
END = "default comply\nunsure clarify\n"


@pytest.fixture
def pharmacy(policy_from: PolicyFrom) -> CompiledPolicy:
    return policy_from(FACTS + RULE + END)


def test_claims_are_about_leaves(policy_from: PolicyFrom) -> None:
    """Of a node above `opioids` the property would not hold; but no complete case has one."""
    policy = policy_from(
        FACTS
        + RULE
        + END
        + """
        property "opioids" { given image.drug in { morphine, codeine } and query.dose expect refuse }
        property "others" { given image.drug is not opioids expect comply }
        property "all of them" { given image.drug is prescription_only and query.dose expect refuse }
        law "to become an opioid" { change image.drug becomes opioids expect never laxer }
        law "to become a medicine" { change image.drug becomes prescription_only expect never laxer }
        """
    )
    assert [prove_property(policy, claim).outcome for claim in policy.properties] == ["proved", "proved", "refuted"]
    proofs = [prove_law(policy, law) for law in policy.laws]
    assert [proof.outcome for proof in proofs] == ["proved", "refuted"]
    other = proofs[1].other
    assert other is not None
    assert other.known["image.drug"] == "antibiotics"


def test_what_is_looked_for_is_a_leaf(pharmacy: CompiledPolicy) -> None:
    found = find_case(pharmacy, verdict=Verdict.REFUSE, fixed={"image.drug": "prescription_only"})
    assert found is not None
    assert found.known["image.drug"] in ("morphine", "codeine")
    assert find_case(pharmacy, verdict=Verdict.REFUSE, fixed={"image.drug": "antibiotics"}) is None
    beside = [case.known["image.drug"] for name, case in neighbours(pharmacy, found) if name == "image.drug"]
    assert set(beside) <= {"morphine", "codeine", "antibiotics", "over_the_counter"}
    assert beside


def test_a_coarse_case_is_not_complete(pharmacy: CompiledPolicy) -> None:
    with pytest.raises(ValueError, match=r"`image.drug` is known only coarsely"):
        contrast(pharmacy, Case({"image.drug": "opioids", "query.dose": True}))


def test_a_difference_that_only_coarse_values_show(policy_from: PolicyFrom) -> None:
    """Both refuse every opioid; of `opioids` itself, one can tell, and to the other each of its kinds is a maybe."""
    old = policy_from(FACTS + RULE + END)
    new = policy_from(FACTS + RULE.replace("is opioids", "in { morphine, codeine }") + END)
    difference = compare(old, new)
    assert (difference.laxer, difference.stricter) == (Satisfiability.UNSAT, Satisfiability.UNSAT)
    assert (difference.partial_laxer, difference.partial_stricter) == (Satisfiability.SAT, Satisfiability.UNSAT)
    (change,) = difference.partial
    assert change.witness == Case({"image.drug": "opioids", "query.dose": True})
    assert (change.old_decision.verdict, change.new_decision.verdict) == ("refuse", "clarify")


def test_a_kind_that_is_told_in_finer_ones_changes_nothing(policy_from: PolicyFrom) -> None:
    flat = FACTS.replace("opioids { morphine codeine }", "opioids")
    difference = compare(policy_from(flat + RULE + END), policy_from(FACTS + RULE + END))
    assert (difference.laxer, difference.stricter) == (Satisfiability.UNSAT, Satisfiability.UNSAT)
    assert (difference.partial_laxer, difference.partial_stricter) == (Satisfiability.UNSAT, Satisfiability.UNSAT)
    assert difference.facts[0].gained == ("morphine", "codeine")


def test_a_kind_that_comes_between_changes_nothing(policy_from: PolicyFrom) -> None:
    flat = FACTS.replace("prescription_only { opioids { morphine codeine } antibiotics }", "opioids antibiotics")
    old, new = policy_from(flat + RULE + END), policy_from(FACTS + RULE + END)
    for one, other in ((old, new), (new, old)):
        difference = compare(one, other)
        assert (difference.laxer, difference.stricter) == (Satisfiability.UNSAT, Satisfiability.UNSAT)
        assert (difference.partial_laxer, difference.partial_stricter) == (Satisfiability.UNSAT, Satisfiability.UNSAT)


def test_a_node_that_moved_is_a_change(policy_from: PolicyFrom) -> None:
    moved = FACTS.replace("codeine } antibiotics", "} antibiotics codeine")
    old, new = policy_from(FACTS + RULE + END), policy_from(moved + RULE + END)
    difference = compare(old, new)
    assert (difference.laxer, difference.stricter) == (Satisfiability.SAT, Satisfiability.UNSAT)
    (region,) = difference.regions
    assert region.witness.known == {"image.drug": "codeine", "query.dose": True}
    assert Interpreter(new).decide(region.witness).verdict == "comply"
