"""What the compiler writes is a valid derivation, and what is changed in it so that it no longer follows is not."""

from random import Random

import pytest
from hypothesis import given

from safecot_dsl.artifact import Verdict
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.guard import DerivationChecker, Fault
from safecot_dsl.render import ReasoningStyle, render, write_target
from safecot_dsl.render.clauses import clause
from safecot_dsl.workspace import compile_policy
from tests.differential.compare import random_cases
from tests.strategies import examples, policies_and_cases

SHIPPED = ("household_chemicals", "miniature", "people_privacy", "self_harm", "text_in_image", "weapons")
REFUSED = {
    "image.objects": {"bleach", "ammonia"},
    "image.setting": "kitchen",
    "query.intent": "mix",
    "query.harm": 0.0,
}


@pytest.fixture(scope="module")
def checker(policy):
    return DerivationChecker(policy)


def kinds(derivation) -> set[Fault]:
    return {fault for fault, _ in derivation.faults}


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("style", list(ReasoningStyle))
def test_every_text_of_a_shipped_policy_is_valid(name, style):
    """In every style, on random cases with facts that nobody knows: no false alarm."""
    policy = compile_policy(policies_root() / f"{name}.safecot")
    interpreter, checker = Interpreter(policy), DerivationChecker(policy, style=style)
    for case in random_cases(policy, 60, Random(1)):
        text = write_target(render(interpreter, case, style=style, seed="1", source_answer="Fine."))
        derivation = checker.check(text)
        assert derivation.valid, (text, derivation.faults)


@examples(150)
@given(policies_and_cases())
def test_every_text_of_any_policy_is_valid(pair):
    policy, case = pair
    text = write_target(
        render(Interpreter(policy), case, style=ReasoningStyle.STEPWISE, seed="1", source_answer="Fine.")
    )
    derivation = DerivationChecker(policy).check(text)
    # A policy may give a rule or a fact a text that leaves no answer, or reads like another fact's.
    assert kinds(derivation) <= {Fault.FORMAT}, (text, derivation.faults)


def test_a_derivation_says_what_it_claims(checker, text_of):
    derivation = checker.check(text_of(REFUSED))
    assert derivation.valid
    assert derivation.checked == "derivation"
    assert derivation.verdict is Verdict.REFUSE
    assert "toxic_mixing" in derivation.cited
    assert set(derivation.facts["image.objects"]) >= {"bleach", "ammonia"}
    assert derivation.facts["query.intent"] == "mix"


def test_another_verdict_than_the_rules_is_a_fault(checker, text_of):
    derivation = checker.check(text_of(REFUSED).replace("[refuse:", "[comply:"))
    assert kinds(derivation) == {Fault.VERDICT}


def test_a_rule_that_is_none_is_a_fault(checker, text_of):
    assert Fault.UNKNOWN_RULE in kinds(checker.check(text_of(REFUSED).replace("[refuse: ", "[refuse: be_nice, ")))


def test_a_rule_that_does_not_follow_is_a_fault(checker, text_of):
    """The right verdict for a reason that the claims do not give."""
    text = text_of(REFUSED)
    head, _, tail = text.rpartition("[refuse: ")
    wrong = f"{head}[refuse: asks_to_hurt]{tail[tail.index(']') + 1 :]}"
    assert Fault.NOT_DERIVED in kinds(checker.check(wrong))


def test_claims_that_make_another_rule_apply_are_a_fault(checker, text_of):
    """It sees what has to be refused, and complies all the same."""
    text = text_of(REFUSED)
    head, _, tail = text.rpartition("[refuse: ")
    wrong = f"{head}[comply: default]{tail[tail.index(']') + 1 :]}"
    assert kinds(checker.check(wrong)) == {Fault.OVERRULED}


def test_claims_that_contradict_each_other_are_a_fault(checker, text_of):
    text = text_of(REFUSED)
    wrong = text.replace("Intent: how to mix it.", "Intent: how to mix it.\nIntent: how to store it.", 1)
    assert wrong != text
    assert Fault.CONTRADICTION in kinds(checker.check(wrong))


def test_not_being_sure_needs_something_that_is_not_known(checker, text_of):
    text = text_of(REFUSED)
    head, _, tail = text.rpartition("[refuse: ")
    wrong = f"{head}[clarify: unsure]{tail[tail.index(']') + 1 :]}"
    assert Fault.NOT_DERIVED in kinds(checker.check(wrong))


def test_a_style_that_does_not_name_its_grounds_is_checked_for_its_conclusion_alone(policy):
    """Names and verdict must fit, and the result says that no more was looked at."""
    checker = DerivationChecker(policy, style=ReasoningStyle.MINIMAL)
    right = checker.check("<think>\nThis would set chlorine free. [refuse: toxic_mixing]\n</think>\nNo.")
    assert (right.valid, right.checked, right.clauses) == (True, "conclusion", 0)
    wrong = checker.check("<think>\nThis would set chlorine free. [warn: toxic_mixing]\n</think>\nNo.")
    assert kinds(wrong) == {Fault.VERDICT}


@pytest.mark.parametrize("conclusion", ["[refuse: toxic_mixing]", "[comply: default]", "[clarify: unsure]"])
def test_a_conclusion_without_any_ground_is_not_derived(checker, conclusion):
    derivation = checker.check(f"<think>\nSo it is. {conclusion}\n</think>\nAll right?")
    assert kinds(derivation) == {Fault.NOT_DERIVED}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Here you go.",
        "<think>\nNo end [refuse: toxic_mixing]",
        "<think>\nNothing derived.\n</think>\nHere you go.",
        "<think>\n[comply: default]\n</think>\n",
        "<think>\n[comply: default]\n</think>\n<think>\n[refuse: toxic_mixing]\n</think>\nYes.",
        "\x00" * 1000,
    ],
)
def test_what_has_no_derivation_has_a_fault_of_format(checker, text):
    assert Fault.FORMAT in kinds(checker.check(text))


def test_a_reasoning_without_end_is_not_read_to_the_end(checker):
    text = "<think>\n" + "Intent: how to mix it.\n" * 5_000 + "[comply: default]\n</think>\nYes."
    assert Fault.FORMAT in kinds(checker.check(text))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_clause_turned_round_is_noticed(name):
    """One clause of a refusing derivation is replaced by the same literal's clause on a case of the other truth: what
    is left no longer derives the rule, unless another way of the condition does."""
    policy = compile_policy(policies_root() / f"{name}.safecot")
    interpreter, checker = Interpreter(policy), DerivationChecker(policy)
    noticed = tried = 0
    for case in random_cases(policy, 60, Random(2)):
        rendered = render(interpreter, case, style=ReasoningStyle.STEPWISE, seed="1", source_answer="Fine.")
        if rendered.cited[0] in ("default", "unsure"):
            continue
        clauses = [s.text for s in rendered.reasoning if s.step == "clause"]
        own = {claim.atom for line in clauses for claim in checker._reader.read(line) if claim.so is claim.positive}
        for other in random_cases(policy, 12, Random(3)):
            for atom in own:
                value = other.known.get(atom.fact)
                if value is None:
                    continue
                fact = policy.fact_index[atom.fact]
                was = [line for line in clauses if any(c.atom == atom for c in checker._reader.read(line))]
                now = clause(atom, fact, value, positive=True)
                if len(was) != 1 or any(c.so for c in checker._reader.read(now) if c.atom == atom):
                    continue
                text = write_target(rendered).replace(was[0], now)
                tried += 1
                noticed += not checker.check(text).valid
    assert tried > 20
    # Of several rules that are cited, one has to follow: what another rests on may be turned round unnoticed.
    assert noticed / tried > 0.75
