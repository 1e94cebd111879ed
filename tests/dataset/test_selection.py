"""Which candidates become rows: shares, turns, pairs; never the order in which they came."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Verdict
from safecot_dsl.dataset.candidates import Candidate, Stratum
from safecot_dsl.dataset.selection import (
    Selection,
    SelectionPlan,
    differing_facts,
    in_turn,
    select,
    select_random,
    select_stratified,
)
from safecot_dsl.facts import Item


def candidate(name: str, verdict: Verdict, speaker: str, nearest: str = "", **known: str) -> Candidate:
    case = Case({f"query.{fact}": value for fact, value in known.items()})
    decision = Decision(
        verdict=verdict,
        lower=verdict,
        upper=verdict,
        certain=True,
        deciding=() if speaker in ("default", "unsure") else (speaker,),
        effective=(),
        undecided=(),
        unsettled=(),
        speaker=speaker,
        assumed={},
        policy="",
    )
    item = Item(id=name, source="s", licence="", prompt=name, images=(), case=case)
    return Candidate(f"s/{name}", item, decision, Stratum(verdict, speaker, nearest))


def group(name: str, count: int, verdict: Verdict, speaker: str, nearest: str = "") -> list[Candidate]:
    return [candidate(f"{name}{number}", verdict, speaker, nearest, n=str(number)) for number in range(count)]


#: 100 of a common refusal, 3 of a rare one; 100 complying near one rule, 2 near another, 1 of an exception.
POOL = [
    *group("common", 100, Verdict.REFUSE, "common"),
    *group("rare", 3, Verdict.REFUSE, "rare"),
    *group("near_common", 100, Verdict.COMPLY, "default", "common"),
    *group("near_rare", 2, Verdict.COMPLY, "default", "rare"),
    *group("exception", 1, Verdict.REDIRECT, "exception"),
]


def speakers(selection: Selection[Candidate]) -> Counter[str]:
    return Counter(
        (c.candidate.stratum.nearest and "near_") + (c.candidate.stratum.nearest or c.candidate.stratum.speaker)
        for c in selection.chosen
    )


def test_stratified_rows_go_round_in_turn() -> None:
    """Of 10 refusals the rare rule gives its 3, the common one 7; of 10 others the small strata give all they have."""
    selection = select_stratified(POOL, rows=20, balance=0.5, seed=0)
    assert speakers(selection) == {"common": 7, "rare": 3, "near_common": 7, "near_rare": 2, "exception": 1}
    assert selection.short == {}


def test_stratified_without_a_balance_goes_round_all_strata() -> None:
    """Six rows from five strata: one each, and a second from the first in order (comply before redirect, refuse)."""
    selection = select_stratified(POOL, rows=5, balance=None, seed=0)
    assert speakers(selection) == {"common": 1, "rare": 1, "near_common": 1, "near_rare": 1, "exception": 1}


def test_random_keeps_the_balance_and_says_what_is_short() -> None:
    selection = select_random(POOL, rows=20, balance=0.25, seed=0)
    assert Counter(c.candidate.refused for c in selection.chosen) == {True: 5, False: 15}
    selection = select_random(POOL[95:103], rows=20, balance=0.5, seed=0)
    assert (len(selection.chosen), selection.short) == (8, {"refused": 2, "not_refused": 10})
    assert len(select_random(POOL, rows=None, balance=0.5, seed=0).chosen) == len(POOL)


def test_random_draws_uniformly() -> None:
    """Over 400 seeds a candidate with the chance 20/206 is drawn 38.8 times on average; 3.5 sigma is 20.7."""
    counts = Counter(
        c.candidate.key for seed in range(400) for c in select_random(POOL, rows=20, balance=None, seed=seed).chosen
    )
    assert len(counts) == len(POOL)
    assert all(abs(count - 400 * 20 / 206) < 26 for count in counts.values())


PLANS = [
    SelectionPlan("random", 20),
    SelectionPlan("stratified", 20),
    SelectionPlan("coverage", 20),
    SelectionPlan("coverage", 30, each=3, balance=None),
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: f"{plan.kind}-{plan.rows}")
def test_the_order_of_the_pool_changes_nothing(policy: CompiledPolicy, plan: SelectionPlan) -> None:
    for seed in range(3):
        shuffled = random.Random(seed).sample(POOL, len(POOL))
        one, other = (select(pool, policy, plan, seed=seed) for pool in (POOL, shuffled))
        assert {(c.candidate.key, c.pair, c.why) for c in one.chosen} == {
            (c.candidate.key, c.pair, c.why) for c in other.chosen
        }
        assert len({c.candidate.key for c in one.chosen}) == len(one.chosen) == plan.rows


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rows": 0}, "`rows` is 0"),
        ({"balance": 1.5}, "`balance` is 1.5"),
        ({"each": 0}, "`each` is 0"),
        ({"pairs": -0.1}, "`pairs` is -0.1"),
        ({"distance": 0}, "`distance` is 0"),
        ({"unknown": 1.5, "rows": 2}, "`unknown` is 1.5"),
        ({"unknown": 0.1}, "`unknown` is a share of the `rows`"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(given: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SelectionPlan("coverage", **given)  # pyright: ignore[reportArgumentType]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.integers(0, 20))
def test_turns_fill_like_water(sizes: list[int], rows: int) -> None:
    """No stratum gets a second row more than another that still has some to give."""
    pool = [c for number, size in enumerate(sizes) for c in group(f"g{number}_", size, Verdict.REFUSE, f"g{number}")]
    taken = Counter(c.stratum.speaker for c, _ in zip(in_turn(pool, 0), range(rows), strict=False))
    assert sum(taken.values()) == min(rows, sum(sizes))
    for one, size in enumerate(sizes):
        for other in range(len(sizes)):
            assert taken[f"g{other}"] <= taken[f"g{one}"] + 1 or taken[f"g{one}"] == size


def test_differing_facts() -> None:
    one = Case({"a": True, "b": "x"}, frozenset({"c"}))
    assert differing_facts(one, one) == set()
    assert differing_facts(one, Case({"a": False, "b": "x"}, frozenset({"c"}))) == {"a"}
    assert differing_facts(one, Case({"a": True, "b": "x", "c": 1.0})) == {"c"}
    assert differing_facts(one, Case({"a": True, "b": "x"})) == {"c"}  # cannot be told is not the same as not annotated
    assert differing_facts(one, Case({"d": True})) == {"a", "b", "c", "d"}
