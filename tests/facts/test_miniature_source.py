"""The miniature world as a source: requests in which a fact cannot be told."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.datafiles import policies_root
from safecot_dsl.facts.miniature import read_miniature
from safecot_dsl.facts.sources import Miniature
from safecot_dsl.workspace import compile_policy


@pytest.fixture(scope="module")
def policy() -> CompiledPolicy:
    return compile_policy(policies_root() / "miniature.safecot")


def test_the_share_of_unknown_facts_is_the_one_asked_for_and_every_fact_has_its_part(policy: CompiledPolicy) -> None:
    """600 requests at 0.3: 180 are expected, with a standard deviation of 11; a fact's part is a quarter of them."""
    items = list(read_miniature(Miniature(pool=600), policy, seed=5, unknown=0.3))
    hidden = Counter(name for item in items for name in item.case.cannot_tell)
    assert 140 < sum(hidden.values()) < 220
    assert set(hidden) == {fact.name for fact in policy.facts}
    assert min(hidden.values()) > 20
    assert len({item.id for item in items}) == len(items)


def test_the_other_requests_are_what_they_are_without_unknown_facts(policy: CompiledPolicy) -> None:
    plain = list(read_miniature(Miniature(pool=80), policy, seed=5))
    some = list(read_miniature(Miniature(pool=80), policy, seed=5, unknown=0.3))
    for one, other in zip(plain, some, strict=True):
        if other.case.cannot_tell:
            (fact,) = other.case.cannot_tell
            assert one.case.with_fact(fact, None) == other.case.with_fact(fact, None)
        else:
            assert (one.id, one.prompt, one.case, one.answer) == (other.id, other.prompt, other.case, other.answer)


def test_the_neighbours_of_an_unknown_fact_are_its_values_and_those_in_which_it_is_unknown_too(
    policy: CompiledPolicy,
) -> None:
    """So that a contrast pair shows the same request with the fact told, or another one that does not need it."""
    items = read_miniature(Miniature(pool=200), policy, seed=2, unknown=1)
    for item in islice((i for i in items if "image.setting" in i.case.cannot_tell and not i.meta["topic"]), 3):
        assert item.neighbours is not None
        near = list(item.neighbours())
        told = [other for other in near if "image.setting" in other.case.known]
        assert {other.case.known["image.setting"] for other in told} == {"kitchen", "laboratory", "street"}
        rest = item.case.with_fact("image.setting", None)
        assert all(other.case.with_fact("image.setting", None) == rest for other in told)
        assert all(other.answer for other in told)
        untold = [other for other in near if other not in told]
        for other in untold:
            assert other.case.cannot_tell == {"image.setting"}
            changed = [name for name, value in other.case.known.items() if item.case.known[name] != value]
            assert len(changed) == 1
        assert {
            name
            for other in untold
            for name in ("image.objects", "image.sign", "query.intent")
            if other.case.known[name] != item.case.known[name]
        } == {"image.objects", "image.sign", "query.intent"}
        assert len({other.id for other in near} | {item.id}) == len(near) + 1
