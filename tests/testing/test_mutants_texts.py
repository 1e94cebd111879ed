"""Slips in texts: each is seen by whatever compares texts, and changes no decision."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixture_types import PolicyFrom
from hypothesis import given
from strategies import examples, policies

from safecot_dsl.analysis.difference_texts import changed_texts
from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.datafiles import policies_root
from safecot_dsl.workspace import compile_policy

from .text_mutants import FACT_OPERATORS, GROUP_OPERATORS, TextMutant, text_mutants

TEXT = """
facts image {
  things : set of { cat "a cat", dog "a dog", emu "a dog" }
           says "It shows {value}." not "It shows no {value}." none "It shows nothing."
  named  : flag says "There is a name." not "There is no name."
  blank  : flag
}
facts query { harm : score says { below 0.5 "Low." below 0.75 "Middling." else "High." } }
group pets_at_home "a pet" says "{value} are pets." none "No pet is there." = { cat, dog }
group birds = { emu }
rule r { when image.things has any of pets_at_home and image.things has any of birds verdict refuse }
default comply
unsure clarify
"""


def test_every_slip_of_a_policy(policy_from: PolicyFrom) -> None:
    made = [(mutant.operator, mutant.key) for mutant in text_mutants(policy_from(TEXT))]
    assert made == [
        ("sentence left out", "fact:image.things.says"),
        ("sentence left out", "fact:image.things.not"),
        ("sentence left out", "fact:image.things.none"),
        ("`says` and `not` exchanged", "fact:image.things.says"),
        ("phrases of values exchanged", "fact:image.things"),  # the last two values have one phrase
        ("sentence left out", "fact:image.named.says"),
        ("sentence left out", "fact:image.named.not"),
        ("`says` and `not` exchanged", "fact:image.named.says"),
        ("sentence left out", "fact:query.harm.bands"),
        ("bands exchanged", "fact:query.harm.bands"),
        ("bands exchanged", "fact:query.harm.bands"),
        ("band's end moved", "fact:query.harm.bands"),
        ("band's end moved", "fact:query.harm.bands"),
        ("group's phrase left out", "group:pets_at_home"),
        ("group's `says` left out", "group:pets_at_home"),
        ("group's `none` left out", "group:pets_at_home"),
    ]


def test_what_a_slip_makes(policy_from: PolicyFrom) -> None:
    made = list(text_mutants(policy_from(TEXT)))
    by_operator = {mutant.operator: mutant.policy for mutant in reversed(made)}
    assert set(by_operator) == {*FACT_OPERATORS, *GROUP_OPERATORS}
    assert by_operator["group's phrase left out"].groups["pets_at_home"].phrase == "pets at home"
    moved = [m.policy.fact_index["query.harm"].bands for m in made if m.operator == "band's end moved"]
    assert [[band.below for band in bands] for bands in moved] == [[0.25, 0.75, None], [0.5, 0.625, None]]


def assert_seen(mutant: TextMutant) -> None:
    changed = mutant.policy
    assert mutant.key in changed_texts(mutant.original, changed)
    assert changed.digest != mutant.original.digest
    assert changed.rules == mutant.original.rules
    assert CompiledPolicy.from_json(changed.to_json()) == changed


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.long] * (path.stem != "household_chemicals"))
        for path in sorted(policies_root().glob("*.safecot"))
    ],
    ids=lambda path: path.stem,
)
def test_every_slip_of_a_shipped_policy_is_seen(path: Path) -> None:
    for mutant in text_mutants(compile_policy(path)):
        assert_seen(mutant)


@examples(60)
@given(policies())
def test_every_slip_of_a_random_policy_is_seen(policy: CompiledPolicy) -> None:
    for mutant in text_mutants(policy):
        assert_seen(mutant)
