"""The nearest request on the other side: what comparing all with all finds, found without it."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safecot_dsl.dataset.selection.nearest import NearestIndex

from safecot_dsl.artifact import Case, Verdict
from safecot_dsl.dataset.candidates import Candidate
from safecot_dsl.dataset.selection import differing_facts
from safecot_dsl.dataset.selection.codes import Codes

from .test_selection import candidate

#: Many values of few facts, so that many differ in one fact; or few values of many.
CASES = st.one_of(
    st.lists(st.tuples(*[st.sampled_from("stuvwxyz")] * 2), min_size=1, max_size=40),
    st.lists(st.tuples(*[st.sampled_from("xyz")] * 4), min_size=1, max_size=30),
)


def pool_of(cases: list[tuple[str, ...]]) -> list[Candidate]:
    """A candidate of each case; whether it is refused, and by which of two rules, is a function of the case."""
    pool: list[Candidate] = []
    for number, values in enumerate(cases):
        which = hashlib.sha256("".join(values).encode()).digest()[0]
        verdict = Verdict.REFUSE if which % 2 else Verdict.WARN
        known = dict(zip("abcd", values, strict=False))
        pool.append(candidate(f"c{number}", verdict, f"rule{which // 2 % 2}", **known))
    return pool


@given(CASES, st.integers(1, 40), st.integers(0, 3))
def test_the_nearest_is_what_comparing_all_with_all_finds(cases: list[tuple[str, ...]], window: int, seed: int) -> None:
    """Each candidate in turn asks for a partner, which is then gone. One changed fact is found in any pool; where the
    window is as large as the pool, so is any distance; a partner is found as long as there is one."""
    pool = pool_of(cases)
    index = NearestIndex(pool, seed, window)
    gone: set[str] = set()
    for start in pool:
        others = [c for c in pool if c.refused != start.refused and c.key not in gone]
        distances = [len(differing_facts(start.case, c.case)) for c in others]
        near = index.partner(start, Counter())
        assert (near is None) == (not others)
        if near is None:
            continue
        assert near.candidate in others
        assert near.facts == differing_facts(start.case, near.candidate.case)
        if min(distances) == 1 or window >= len(pool):
            assert len(near.facts) == min(distances)
        beside = index.partner(start, Counter(), most=1)
        assert (beside is not None) == (min(distances) == 1)
        index.use(near.candidate.key)
        gone.add(near.candidate.key)


@pytest.mark.parametrize("seed", range(6))
def test_of_those_beside_it_turns_are_taken(seed: int) -> None:
    """The rule with fewer rows first, then the fact that was changed less often, whoever is drawn first."""
    start = candidate("s", Verdict.REFUSE, "r", a="1", b="1")
    one, other = candidate("o", Verdict.WARN, "x", a="2", b="1"), candidate("p", Verdict.WARN, "y", a="3", b="1")
    third = candidate("q", Verdict.WARN, "y", a="1", b="2")
    index = NearestIndex([start, one, other, third], seed)
    index.add_rows(one.stratum)
    changed = Counter({(other.stratum, frozenset({"query.a"})): 1})
    near = index.partner(start, changed)
    assert near is not None
    assert (near.candidate, near.facts) == (third, {"query.b"})
    index.add_rows(other.stratum, 2)
    near = index.partner(start, changed)
    assert near is not None
    assert near.candidate is one


def test_the_two_kinds_of_unknown_are_values() -> None:
    """Not annotated, cannot be told and known are three; a case that has not heard of a fact has it not annotated."""
    cases = [Case({"a": "x"}), Case({"a": "x"}, frozenset({"b"})), Case({"a": "x", "b": True}), Case({"a": "x"})]
    codes = Codes(cases)
    assert codes.distances(Case({"a": "x"})).tolist() == [0, 1, 1, 0]
    assert codes.distances(Case({"a": "y"}, frozenset({"b"})), ["b"]).tolist() == [1, 0, 1, 1]
    assert codes.distances(Case({"a": "never seen"}), ["a", "unheard of"]).tolist() == [1, 1, 1, 1]
    assert codes.distances(Case({})).tolist() == [1, 2, 2, 1]
    without_b = codes.whole ^ codes.parts[:, codes.facts.index("b")]
    assert len(set(without_b.tolist())) == 1
    assert len(set(codes.whole.tolist())) == 3


@pytest.mark.parametrize("count", [0, 1])
def test_a_pool_without_another_side_has_no_partners(count: int) -> None:
    pool = [candidate(f"r{n}", Verdict.REFUSE, "r", a=str(n)) for n in range(count + 1)]
    assert NearestIndex(pool, 0).partner(pool[0], Counter()) is None
