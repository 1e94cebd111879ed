"""The engine and the reference of these tests say the same of random policies and cases."""

from __future__ import annotations

import json

from hypothesis import given
from strategies import examples, policies_and_cases

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.engine import Interpreter

from . import reference


@examples(800)
@given(policies_and_cases())
def test_decisions_agree_in_every_field(policy_and_case: tuple[CompiledPolicy, Case]) -> None:
    policy, case = policy_and_case
    expected = reference.decide(json.loads(policy.to_json()), case.to_json()["facts"])
    assert Interpreter(policy).decide(case).model_dump(mode="json") == expected


@examples(300)
@given(policies_and_cases())
def test_nearest_rules_agree(policy_and_case: tuple[CompiledPolicy, Case]) -> None:
    policy, case = policy_and_case
    expected = reference.nearest_rule(json.loads(policy.to_json()), case.to_json()["facts"])
    nearest = Interpreter(policy).nearest_rule(case)
    assert (None if nearest is None else (nearest.rule.name, nearest.distance)) == expected
