"""Preference pairs: the right text against one that is wrong in a known way; and one request under two policies."""

from __future__ import annotations

from typing import Any

import pytest

from safecot_dsl.artifact import CompiledPolicy, Verdict, read_case
from safecot_dsl.criteria import response_verdict
from safecot_dsl.dataset.writing import Flips, Job, PairKind, Preferences, TemplateWriter, Verifier, failed
from safecot_dsl.dataset.writing.flips import carried
from safecot_dsl.render import Lookups, Order, Reasoning, ReasoningStyle, parse_target, policy_prompt, write_target
from safecot_dsl.workspace import compile_policy

from .scripted import MIXING, STORING, job

KINDS: tuple[PairKind, ...] = ("over_refusal", "unsafe", "unreasoned")


def pairs(policy: CompiledPolicy, one: Job, order: Order = Order.REASONING_FIRST) -> dict[str, dict[str, Any]]:
    """The pairs of a job's row, by kind."""
    (written,) = TemplateWriter(policy, ReasoningStyle.FULL).write([one])
    completion = write_target(written.rendered, order=order)
    row = {"id": "r1", "images": [], "prompt": one.prompt, "completion": completion}
    found = Preferences(policy, KINDS, order=order).pairs(one, written.rendered, row)
    return {pair["kind"]: pair for pair in found}


def test_a_refused_request_is_set_against_help_and_against_a_bare_answer(chemicals: CompiledPolicy):
    """There is no over-refusal of what is to be refused. The source's own answer is the one that is not to be given."""
    found = pairs(chemicals, job(chemicals, MIXING, answer="Pour the bleach into the ammonia."))
    assert list(found) == ["unsafe", "unreasoned"]
    helps = parse_target(found["unsafe"]["rejected"])
    assert (helps.verdict, helps.answer, helps.problems) == (Verdict.COMPLY, "Pour the bleach into the ammonia.", ())
    assert found["unreasoned"]["rejected"] == parse_target(found["unreasoned"]["chosen"]).answer


def test_no_harmful_answer_is_made_up(chemicals: CompiledPolicy):
    """Without an answer of the source's that helps, what is rejected begins to help and says nothing yet."""
    for answer in (None, "I'm sorry, but I can't help with that."):
        text = parse_target(pairs(chemicals, job(chemicals, MIXING, answer=answer))["unsafe"]["rejected"]).answer
        assert response_verdict(chemicals, text) is Verdict.COMPLY
        assert len(text.split()) < 10


def test_an_answered_request_is_set_against_a_refusal_for_the_nearest_rules_reason(chemicals: CompiledPolicy):
    found = pairs(chemicals, job(chemicals, STORING, answer="On two shelves."))
    assert list(found) == ["over_refusal", "unreasoned"]
    refuses = parse_target(found["over_refusal"]["rejected"])
    assert (refuses.verdict, refuses.cited, refuses.problems) == (Verdict.REFUSE, ("toxic_mixing",), ())
    assert response_verdict(chemicals, refuses.answer) is Verdict.REFUSE


def test_a_wrong_text_says_its_lookups_as_the_right_one_does(chemicals: CompiledPolicy):
    asked = Reasoning(lookups=Lookups.ASKED)
    one = job(chemicals, STORING, answer="On two shelves.")
    (written,) = TemplateWriter(chemicals, ReasoningStyle.STEPWISE, asked).write([one])
    row = {"id": "r1", "images": [], "prompt": one.prompt, "completion": write_target(written.rendered)}
    rejected = {
        reasoning: Preferences(chemicals, ("over_refusal",), reasoning=reasoning).pairs(one, written.rendered, row)
        for reasoning in (None, asked)
    }
    assert "What counts as" in rejected[asked][0]["rejected"]
    assert "What counts as" not in rejected[None][0]["rejected"]


@pytest.mark.parametrize("facts", [MIXING, STORING])
def test_the_verifier_tells_the_two_texts_of_a_pair_apart(facts: dict[str, Any], chemicals: CompiledPolicy):
    verifier = Verifier(chemicals, style=ReasoningStyle.FULL)
    case = read_case(chemicals, {"facts": facts})
    for pair in pairs(chemicals, job(chemicals, facts, answer="On two shelves.")).values():
        assert failed(verifier.verify(case, None, pair["chosen"])) == ()
        assert failed(verifier.verify(case, None, pair["rejected"])) != ()


def test_pairs_know_their_row_and_have_ids_of_their_own(chemicals: CompiledPolicy):
    found = list(pairs(chemicals, job(chemicals, MIXING)).values())
    assert {pair["row"] for pair in found} == {"r1"}
    assert {pair["policy"] for pair in found} == {chemicals.digest}
    assert len({pair["id"] for pair in found}) == len(found) == 2
    assert all(
        list(pair) == ["id", "images", "prompt", "system", "chosen", "rejected", "kind", "row", "policy"]
        for pair in found
    )
    assert found == list(pairs(chemicals, job(chemicals, MIXING)).values())


def test_wrong_texts_are_written_in_the_order_of_the_rows(chemicals: CompiledPolicy):
    """Without reasoning in the rows there is none in what is rejected, and no pair that sets it against itself."""
    found = pairs(chemicals, job(chemicals, MIXING), Order.ANSWER_ONLY)
    assert list(found) == ["unsafe"]
    assert "<think>" not in found["unsafe"]["rejected"]
    last = pairs(chemicals, job(chemicals, MIXING), Order.ANSWER_FIRST)["unsafe"]["rejected"]
    assert last.endswith("</think>")


def test_a_row_without_an_answer_gives_no_pair(chemicals: CompiledPolicy):
    assert pairs(chemicals, job(chemicals, STORING)) == {}


LAX = """\
policy lax {
  language "1"
  version "1.0.0"
}
import std.refusals
facts image { objects : set of { bleach "a bottle of bleach", ammonia "a bottle of ammonia" } "Objects." }
facts query { intent : one of { mix "how to mix it", other "something else" } "Intent." }
rule mixing {
  when query.intent is mix and image.objects has all of { bleach, ammonia }
  verdict warn
  think { risk "The gas burns the lungs." decide "I can answer, with a warning." }
  answer { say "Please be careful: the gas is dangerous." }
}
default comply
unsure clarify
"""


@pytest.fixture(scope="session")
def lax(tmp_path_factory: pytest.TempPathFactory) -> CompiledPolicy:
    """A policy of the same facts that warns where the other one refuses."""
    path = tmp_path_factory.mktemp("lax") / "lax.safecot"
    path.write_text(LAX)
    return compile_policy(path)


def test_a_case_is_carried_by_the_facts_that_both_policies_have(chemicals: CompiledPolicy, lax: CompiledPolicy):
    """A fact that the other does not declare, and a value that it does not know, are not annotated there."""
    case = read_case(chemicals, {"facts": {**MIXING, "query.intent": "store", "image.setting": {"unknown": True}}})
    assert carried(case, lax).to_json() == {"facts": {"image.objects": ["ammonia", "bleach"]}}


def test_a_flip_is_one_request_with_two_right_texts(chemicals: CompiledPolicy, lax: CompiledPolicy):
    """Under each policy, which stands in the system turn, its own text is preferred to the other's."""
    policies = (chemicals, lax)
    writers = (TemplateWriter(chemicals, ReasoningStyle.FULL), TemplateWriter(lax, ReasoningStyle.FULL))
    flips = Flips(policies, writers)
    same = job(chemicals, {"image.objects": [], "query.intent": "identify"}, answer="A table.")
    (flip,) = flips.find([same, job(chemicals, MIXING, answer="Pour.")])
    assert [one.decision.verdict for one in flip.jobs] == [Verdict.REFUSE, Verdict.WARN]
    first, second = flips.pairs(flip, {"id": "r1", "images": [], "prompt": "What now?"})
    assert (first["chosen"], first["rejected"]) == (second["rejected"], second["chosen"])
    assert [pair["policy"] for pair in (first, second)] == [chemicals.digest, lax.digest]
    assert [pair["system"] for pair in (first, second)] == [policy_prompt(chemicals), policy_prompt(lax)]
    assert {pair["kind"] for pair in (first, second)} == {"policy_flip"}
    for policy, pair in zip(policies, (first, second), strict=True):
        case = carried(read_case(chemicals, {"facts": MIXING}), policy)
        verifier = Verifier(policy, style=ReasoningStyle.FULL)
        assert failed(verifier.verify(case, None, pair["chosen"])) == ()
        assert failed(verifier.verify(case, None, pair["rejected"])) != ()


def test_a_flip_without_an_answer_is_left_out(chemicals: CompiledPolicy, lax: CompiledPolicy):
    writers = (TemplateWriter(chemicals, ReasoningStyle.FULL), TemplateWriter(lax, ReasoningStyle.FULL))
    assert Flips((chemicals, lax), writers).find([job(chemicals, MIXING)]) == []


def test_policies_without_a_common_fact_have_no_flips(chemicals: CompiledPolicy, shipped: Any):
    other = shipped("published/rule_based_rewards")
    writers = (TemplateWriter(chemicals, ReasoningStyle.FULL), TemplateWriter(other, ReasoningStyle.FULL))
    with pytest.raises(ValueError, match="declare no fact in common"):
        Flips((chemicals, other), writers)
