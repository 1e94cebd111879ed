"""Which candidates become rows: shares, turns, pairs; never the order in which they came."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import Case, Decision, Verdict
from safecot_dsl.dataset.candidates import Candidate, Stratum
from safecot_dsl.dataset.selection import (
    Selection,
    SelectionPlan,
    differing_facts,
    in_turn,
    select,
    select_contrast,
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
    SelectionPlan("contrast", 20),
    SelectionPlan("coverage", 20),
    SelectionPlan("coverage", 30, each=3, balance=None),
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: f"{plan.kind}-{plan.rows}")
def test_the_order_of_the_pool_changes_nothing(plan: SelectionPlan) -> None:
    for seed in range(3):
        shuffled = random.Random(seed).sample(POOL, len(POOL))
        one, other = select(POOL, plan, seed=seed), select(shuffled, plan, seed=seed)
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


def test_contrast_from_the_pool_takes_the_nearest() -> None:
    refused = candidate("r", Verdict.REFUSE, "rule", intent="mix", place="home", what="acid")
    near = candidate("n", Verdict.COMPLY, "default", "rule", intent="store", place="home", what="acid")
    far = candidate("f", Verdict.COMPLY, "default", "rule", intent="store", place="street", what="acid")
    other = candidate("o", Verdict.REFUSE, "rule", intent="mix", place="home", what="base")
    selection = select_contrast([far, near, refused, other], rows=4, seed=0, neighbours=lambda _: None)
    pairs = {(c.candidate.item.id, c.pair) for c in selection.chosen}
    # `r` and `o` compete for `n`: whoever is drawn second gets `f`.
    assert {name for name, _ in pairs} == {"r", "o", "n", "f"}
    assert [c.pair for c in selection.chosen] == [key for key in ("s/r", "s/o") for _ in range(2)] or [
        c.pair for c in selection.chosen
    ] == [key for key in ("s/o", "s/r") for _ in range(2)]
    assert selection.chosen[1].candidate is near
    assert selection.chosen[1].distance == (1 if selection.chosen[0].candidate is refused else 2)
    assert selection.short == {}
    alone = select_contrast([refused, other, near], rows=4, seed=0, neighbours=lambda _: None)
    assert (len(alone.chosen), alone.short) == (2, {"pairs": 1, "without_partner": 1})


def test_contrast_starts_from_rare_exceptions_too() -> None:
    """No refusal's nearest is the exception, so only a pair that starts from it can teach it."""
    exception = candidate("e", Verdict.REDIRECT, "exception", what="z", place="lab")
    pool = [
        exception,
        *(candidate(f"r{n}", Verdict.REFUSE, "rule", what=str(n), place="home") for n in range(20)),
        *(candidate(f"c{n}", Verdict.COMPLY, "default", "rule", what=str(n), place="street") for n in range(20)),
    ]
    selection = select_contrast(pool, rows=6, seed=0, neighbours=lambda _: None)
    # Turns: the exception's stratum before the rule's (`redirect` before `refuse`), then the rule's again.
    assert selection.chosen[1].candidate is exception
    assert [c.candidate.refused for c in selection.chosen] == [True, False] * 3
    assert [c.distance for c in selection.chosen] == [2, 2, 1, 1, 1, 1]
    assert len({c.candidate.key for c in selection.chosen}) == 6


def test_contrast_with_neighbours_shares_out_strata_and_changed_facts() -> None:
    """Each refusal has many neighbours by `what` and one each by `place` and `intent`: the turns are even."""

    def neighbours(refused: Candidate) -> list[Candidate]:
        name = refused.item.id
        known = {fact.removeprefix("query."): str(value) for fact, value in refused.item.case.known.items()}
        return [
            *(
                candidate(f"{name}-w{i}", Verdict.COMPLY, "default", "rule", **{**known, "what": str(i)})
                for i in range(20)
            ),
            candidate(f"{name}-p", Verdict.COMPLY, "default", "rule", **{**known, "place": "street"}),
            candidate(f"{name}-i", Verdict.COMPLY, "default", "rule", **{**known, "intent": "store"}),
            candidate(f"{name}-e", Verdict.WARN, "exception", "", **{**known, "place": "lab"}),
            candidate(f"{name}-r", Verdict.REFUSE, "rule", "", **{**known, "what": "other acid"}),
        ]

    pool = [
        candidate(f"r{number}", Verdict.REFUSE, "rule", intent="mix", place="home", what=f"acid {number}")
        for number in range(30)
    ]
    selection = select_contrast(pool, rows=24, seed=0, neighbours=neighbours)
    partners = [c.candidate for c in selection.chosen[1::2]]
    assert Counter(c.stratum.speaker for c in partners) == {"default": 6, "exception": 6}
    changed = Counter(c.item.id.split("-")[1][0] for c in partners if c.stratum.speaker == "default")
    assert changed == {"w": 2, "p": 2, "i": 2}
    assert {c.distance for c in selection.chosen} == {1}
    used = {c.candidate.key for c in selection.chosen}
    again = select_contrast(pool, rows=24, seed=0, neighbours=neighbours, excluded={partners[0].key})
    assert partners[0].key in used
    assert partners[0].key not in {c.candidate.key for c in again.chosen}


def test_contrast_from_the_pool_shares_out_strata() -> None:
    """Each refusal has one partner of the stratum near `x` and three, by three other facts, near `y`: half and half."""
    pool: list[Candidate] = []
    for number in range(12):
        what = {"id": str(number), "a": "0", "b": "0", "c": "0", "d": "0"}
        pool.append(candidate(f"r{number}", Verdict.REFUSE, "rule", **what))
        for fact in "abcd":
            near = "x" if fact == "a" else "y"
            pool.append(candidate(f"{fact}{number}", Verdict.COMPLY, "default", near, **{**what, fact: "1"}))
    selection = select_contrast(pool, rows=24, seed=0, neighbours=lambda _: None)
    assert Counter(c.candidate.stratum.nearest for c in selection.chosen) == {"": 12, "x": 6, "y": 6}
    assert {c.distance for c in selection.chosen} == {1}
