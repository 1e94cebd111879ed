"""Which candidates become rows. Every draw is a hash of the seed and the candidate's key: the order in which sources
give their items changes nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from safecot_dsl.artifact import Case
from safecot_dsl.dataset.candidates import Candidate, Stratum

#: The candidates that differ from one in a single fact, or None where its source cannot make any.
Neighbours = Callable[[Candidate], Sequence[Candidate] | None]


@dataclass(frozen=True)
class Chosen:
    """A candidate that becomes a row. `pair` is shared by the two rows of a contrast pair, else ""; `distance` is the
    number of facts in which they differ, 0 outside pairs."""

    candidate: Candidate
    pair: str = ""
    distance: int = 0


@dataclass(frozen=True)
class Selection:
    """What was chosen, and how many rows were asked for and could not be had, by what is missing."""

    chosen: tuple[Chosen, ...]
    short: dict[str, int]


def draw(seed: int, purpose: str, key: str) -> bytes:
    """A uniform draw for `key`, independent for each purpose."""
    return hashlib.sha256(f"{seed}\0{purpose}\0{key}".encode("utf-8", "surrogatepass")).digest()


def select_random(pool: Sequence[Candidate], *, rows: int | None, balance: float | None, seed: int) -> Selection:
    """`rows` candidates drawn uniformly, `balance` of them refused; all where `rows` is None. In the pool's order."""
    return _select(pool, rows, balance, lambda group: _shuffled(group, seed, "random"))


def select_stratified(pool: Sequence[Candidate], *, rows: int | None, balance: float | None, seed: int) -> Selection:
    """As :func:`select_random`, but within each share the strata take turns until it is full: small strata are used
    up, large ones get equal parts of the rest. In the pool's order."""
    return _select(pool, rows, balance, lambda group: in_turn(group, seed))


def select_contrast(
    pool: Sequence[Candidate],
    *,
    rows: int | None,
    seed: int,
    neighbours: Neighbours,
    excluded: Collection[str] = (),
) -> Selection:
    """`rows` / 2 pairs (as many as the pool gives, where `rows` is None) of a refused candidate and a laxer one.

    Refused candidates take turns by stratum. The partner is, among the laxer neighbours that differ in one fact and are
    not used yet, one of the stratum with the fewest rows so far, and of these one by the fact that was changed least
    often to get there: else a fact with many values would be the only one that pairs teach. Where the source makes no
    neighbours, it is the laxer candidate of the pool that differs in the fewest facts. A refused candidate without a
    partner is passed over. Both rows of a pair follow each other.
    """
    wanted = None if rows is None else rows // 2
    laxer = _Laxer([candidate for candidate in pool if not candidate.refused], seed)
    filled: Counter[Stratum] = Counter()
    changed: Counter[tuple[Stratum, frozenset[str]]] = Counter()
    used: set[str] = set(excluded)
    chosen: list[Chosen] = []
    alone = 0
    for refused in in_turn([candidate for candidate in pool if candidate.refused], seed):
        if wanted is not None and len(chosen) == 2 * wanted:
            break
        made = neighbours(refused)
        if made is None:
            partner, distance = laxer.nearest(refused.item.case, used, filled)
        else:
            partner, distance = _next(refused, made, used, filled, changed, seed), 1
        if partner is None:
            alone += 1
            continue
        used.add(partner.key)
        filled[partner.stratum] += 1
        changed[_change(refused, partner)] += 1
        chosen += [Chosen(refused, refused.key, distance), Chosen(partner, refused.key, distance)]
    short: dict[str, int] = {}
    if wanted is not None and len(chosen) < 2 * wanted:
        short["pairs"] = wanted - len(chosen) // 2
    if alone:
        short["refused_without_partner"] = alone
    return Selection(tuple(chosen), short)


def in_turn(candidates: Iterable[Candidate], seed: int) -> Iterator[Candidate]:
    """One of each stratum, then a second of each, and so on; within a stratum in drawn order."""
    strata: dict[Stratum, list[Candidate]] = {}
    for candidate in candidates:
        strata.setdefault(candidate.stratum, []).append(candidate)
    queues = [_shuffled(strata[stratum], seed, "stratum") for stratum in sorted(strata)]
    for turn in zip_longest(*queues):
        yield from (candidate for candidate in turn if candidate is not None)


def differing_facts(one: Case, other: Case) -> frozenset[str]:
    """The facts in which two cases differ; known and unknown differ, and so do the two kinds of unknown."""
    names = one.known.keys() | other.known.keys() | one.cannot_tell | other.cannot_tell
    return frozenset(
        name
        for name in names
        if one.known.get(name) != other.known.get(name) or (name in one.cannot_tell) != (name in other.cannot_tell)
    )


def _next(
    refused: Candidate,
    neighbours: Iterable[Candidate],
    used: Collection[str],
    filled: Counter[Stratum],
    changed: Counter[tuple[Stratum, frozenset[str]]],
    seed: int,
) -> Candidate | None:
    """The laxer neighbour whose turn it is."""
    return min(
        (near for near in neighbours if not near.refused and near.key not in used),
        key=lambda near: (filled[near.stratum], changed[_change(refused, near)], draw(seed, "partner", near.key)),
        default=None,
    )


def _change(refused: Candidate, partner: Candidate) -> tuple[Stratum, frozenset[str]]:
    return partner.stratum, differing_facts(refused.item.case, partner.item.case)


class _Laxer:
    """The candidates that are not refused, by case, to find the nearest unused one."""

    def __init__(self, candidates: Sequence[Candidate], seed: int) -> None:
        self._by_case: dict[Case, list[Candidate]] = {}
        for candidate in _shuffled(candidates, seed, "partner"):
            self._by_case.setdefault(candidate.item.case, []).append(candidate)

    def nearest(self, case: Case, used: Collection[str], filled: Counter[Stratum]) -> tuple[Candidate | None, int]:
        best: tuple[tuple[int, int], Candidate] | None = None
        for other, candidates in self._by_case.items():
            candidates[:] = [c for c in candidates if c.key not in used]
            if not candidates:
                continue
            rank = (len(differing_facts(case, other)), filled[candidates[0].stratum])
            if best is None or rank < best[0]:
                best = (rank, candidates[0])
        return (best[1], best[0][0]) if best is not None else (None, 0)


def _select(
    pool: Sequence[Candidate],
    rows: int | None,
    balance: float | None,
    ordered: Callable[[Sequence[Candidate]], Iterable[Candidate]],
) -> Selection:
    if rows is None:
        return Selection(tuple(map(Chosen, pool)), {})
    if balance is None:
        shares = {"rows": (rows, pool)}
    else:
        refused = round(rows * balance)
        shares = {
            "refused": (refused, [c for c in pool if c.refused]),
            "not_refused": (rows - refused, [c for c in pool if not c.refused]),
        }
    taken: set[str] = set()
    short: dict[str, int] = {}
    for name, (wanted, group) in shares.items():
        picked = [candidate.key for candidate, _ in zip(ordered(group), range(wanted), strict=False)]
        taken.update(picked)
        if len(picked) < wanted:
            short[name] = wanted - len(picked)
    return Selection(tuple(Chosen(candidate) for candidate in pool if candidate.key in taken), short)


def _shuffled(candidates: Sequence[Candidate], seed: int, purpose: str) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: draw(seed, purpose, candidate.key))
