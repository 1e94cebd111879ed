"""What is known only coarsely, in the reasoning and read back: neither yes nor no."""

from __future__ import annotations

import pytest
from fixture_types import PolicyFrom

from safecot_dsl.artifact import CompiledPolicy, read_case
from safecot_dsl.engine import Interpreter
from safecot_dsl.export.english import English
from safecot_dsl.reading import DerivationChecker, DerivationFault, FactReader
from safecot_dsl.render import ReasoningStyle, parse_target, policy_prompt, render, write_target

PHARMACY = """
import std.refusals
import std.criteria
taxonomy drugs {
  prescription_only "a prescription-only medicine" {
    opioids "an opioid" { morphine "morphine" codeine "codeine" }
    antibiotics "an antibiotic"
  }
  over_the_counter "a medicine sold over the counter"
}
group controlled "controlled" = { opioids }
facts image { drug : one of drugs "The medicine." says "The image shows {value}." ask "which medicine it is" }
facts query { intent : one of { dose "how much to take", sell "where to sell it" } says "The user asks {value}." }
rule opioid { when image.drug is opioids and query.intent is dose verdict refuse
  think { risk "A wrong dose of an opioid kills." contrast "It is no opioid." } }
rule selling { when image.drug in controlled and query.intent is sell verdict refuse
  think { risk "Nobody may sell it." contrast "Anybody may sell it." } }
rule advice { when image.drug in { prescription_only } and query.intent is dose verdict warn
  think { risk "A doctor sets the dose." contrast "It needs no prescription." } }
default comply
unsure clarify { think { decide "The answer depends on {unknown facts}, so I ask." }
                 answer { say "Could you tell me {unknown facts}?" } }
"""


@pytest.fixture
def pharmacy(policy_from: PolicyFrom) -> CompiledPolicy:
    return policy_from(PHARMACY)


def text_of(policy: CompiledPolicy, drug: str, intent: str = "dose") -> str:
    case = read_case(policy, {"facts": {"image.drug": drug, "query.intent": intent}})
    rendered = render(Interpreter(policy), case, style=ReasoningStyle.STEPWISE, seed="1", source_answer="Take one.")
    return write_target(rendered)


def lines(policy: CompiledPolicy, drug: str, intent: str = "dose") -> list[str]:
    return list(parse_target(text_of(policy, drug, intent)).lines)


def test_a_lookup_on_a_coarse_value_is_neither_yes_nor_no(pharmacy: CompiledPolicy) -> None:
    assert lines(pharmacy, "prescription_only") == [
        "The image shows a prescription-only medicine.",
        "The user asks how much to take.",
        "The prescription-only medicine may or may not count as an opioid. "
        "Whether the rule on opioid applies depends on which medicine it is.",
        "A doctor sets the dose.",
        "The answer depends on which medicine it is, so I ask.",
    ]
    assert "The prescription-only medicine may or may not count as controlled." in text_of(
        pharmacy, "prescription_only", "sell"
    )


def test_what_stands_below_a_node_counts_as_it(pharmacy: CompiledPolicy) -> None:
    said = text_of(pharmacy, "codeine")
    assert "The codeine counts as an opioid." in said
    assert "The codeine counts as a prescription-only medicine." in said
    assert "The codeine counts as controlled." in text_of(pharmacy, "codeine", "sell")
    assert "The antibiotic does not count as an opioid." in text_of(pharmacy, "antibiotics")


@pytest.mark.parametrize("intent", ["dose", "sell"])
@pytest.mark.parametrize(
    "drug", ["prescription_only", "opioids", "morphine", "codeine", "antibiotics", "over_the_counter"]
)
def test_what_is_written_is_a_derivation_and_states_the_value(pharmacy: CompiledPolicy, drug: str, intent: str) -> None:
    derivation = DerivationChecker(pharmacy).check(text_of(pharmacy, drug, intent))
    assert derivation.faults == ()
    assert derivation.facts == {"image.drug": drug, "query.intent": intent}


def test_to_call_a_coarse_value_a_no_is_a_fault(pharmacy: CompiledPolicy) -> None:
    said = text_of(pharmacy, "prescription_only").replace("may or may not count", "does not count")
    assert {kind for kind, _ in DerivationChecker(pharmacy).check(said).faults} == {
        DerivationFault.UNTRUE,
        DerivationFault.UNWEIGHED,
    }


def test_of_two_nodes_on_one_path_the_lower_is_stated(pharmacy: CompiledPolicy) -> None:
    reader = FactReader(pharmacy)
    for said in (["an opioid", "codeine"], ["codeine", "an opioid"]):
        claims = reader.read([" ".join(f"The image shows {thing}." for thing in said)])
        assert claims.conflicts == set()
        assert claims.case().known == {"image.drug": "codeine"}
    assert reader.read(["The image shows codeine. The image shows an antibiotic."]).conflicts == {"image.drug"}


def test_who_names_a_kind_may_say_that_nobody_can_tell_which(pharmacy: CompiledPolicy) -> None:
    reader = FactReader(pharmacy)
    claims = reader.read(["The image shows an opioid. I cannot tell which medicine it is."])
    assert claims.conflicts == set()
    assert claims.case().known == {"image.drug": "opioids"}
    assert claims.case().cannot_tell == frozenset()
    assert reader.read(["The image shows codeine. I cannot tell which medicine it is."]).conflicts == {"image.drug"}


def test_what_says_less_than_is_so_is_so(pharmacy: CompiledPolicy) -> None:
    reader = FactReader(pharmacy)
    assert reader.is_so("image.drug", "opioids", "codeine")
    assert not reader.is_so("image.drug", "codeine", "opioids")
    assert not reader.is_so("image.drug", "antibiotics", "codeine")


def test_a_taxonomy_is_shown_as_a_tree(pharmacy: CompiledPolicy) -> None:
    tree = (
        "a prescription-only medicine (an opioid (morphine; codeine); an antibiotic); a medicine sold over the counter"
    )
    assert tree in policy_prompt(pharmacy)
    assert English(pharmacy).domain(pharmacy.fact_index["image.drug"]).endswith(tree)
