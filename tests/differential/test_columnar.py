"""The columnar engine and the interpreter say the same of random policies and cases, in every field: here of many
policies and few cases of each. The ten thousand pairs of `test_accounts.py` are theirs, too."""

from __future__ import annotations

from random import Random

import pytest

from safecot_dsl.artifact import Case, CompiledPolicy, Fact, FlagIs, FlagType, Rule, Verdict
from safecot_dsl.engine.columnar import blocks
from tests.engine.columnar.policies import wide_policies
from tests.strategies import build_policy

from .chunks import ANY_POLICY, over_policies
from .columnar import compare_columnar
from .compare import random_cases
from .disagreement import Disagreement

#: Policies of a run in `make test`, and cases of each (many have fewer).
POLICIES, CASES = 250, 12


class _Pairs:
    """Compares the engines on random cases of the policies that it is called with, and counts."""

    def __init__(self, cases: int) -> None:
        self.cases = cases
        self.policies = self.pairs = 0

    def __call__(self, policy: CompiledPolicy) -> None:
        cases = random_cases(policy, self.cases, Random(policy.digest))
        compare_columnar(policy, cases)
        self.policies += 1
        self.pairs += len(cases)


def test_a_few_cases_of_many_policies(record_property: pytest.RecordProperty) -> None:
    pairs = _Pairs(CASES)
    over_policies(1_000_000, POLICIES, pairs)  # of a seed that no chunk has: other policies
    assert pairs.policies >= 200
    assert pairs.pairs >= 2_000
    record_property("pairs", pairs.pairs)


def test_more_values_and_rules_than_a_word_has_bits() -> None:
    """Sets of up to 130 members, 300 values to choose from, masks of rules and facts in several words."""
    pairs = _Pairs(40)
    over_policies(1, 14, pairs, wide_policies())
    assert pairs.pairs >= 500


@pytest.mark.long
@pytest.mark.parametrize("tenth", range(10))
def test_a_million_pairs(tenth: int, record_property: pytest.RecordProperty) -> None:
    """A tenth of them, on policies of its own."""
    pairs = _Pairs(150)
    number = 1_000 * (tenth + 1)
    while pairs.pairs < 100_000:
        over_policies(number, 100, pairs, wide_policies() if number % 10 == 9 else ANY_POLICY)
        number += 1
    record_property("pairs", pairs.pairs)


def test_a_disagreement_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that takes every level of strictness for one more is caught."""
    policy = build_policy(
        [Fact(name="query.a", type=FlagType())],
        [Rule(name="one", when=FlagIs(fact="query.a"), verdict=Verdict.WARN)],
        Verdict.COMPLY,
        Verdict.CLARIFY,
    )
    compare_columnar(policy, [Case({"query.a": True})])
    right = blocks.strictness
    monkeypatch.setattr(blocks, "strictness", lambda planes, count: right(planes, count) + 1)
    with pytest.raises(Disagreement, match="verdict"):
        compare_columnar(policy, [Case({"query.a": True})])
