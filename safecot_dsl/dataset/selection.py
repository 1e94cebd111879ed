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

    Pairs start, by strata in turn, from a refused candidate or from one that a rule or `unsure` makes laxer: so every
    rule and every exception gets its share. The partner comes from the other side. Of the start's neighbours by one
    fact it is one of the stratum with the fewest rows so far, and of these one by the fact that was changed least often
    to get there: else a fact with many values would be the only one that pairs teach. Where the source makes no
    neighbours, it is the candidate of the pool that differs in the fewest facts. No candidate stands in two pairs, and
    one without a partner is passed over. The refused row of a pair comes first, the laxer one follows.
    """
    wanted = None if rows is None else rows // 2
    laxer = _Pool([candidate for candidate in pool if not candidate.refused], seed)
    refused = _Pool([candidate for candidate in pool if candidate.refused], seed)
    filled: Counter[Stratum] = Counter()
    changed: Counter[tuple[Stratum, frozenset[str]]] = Counter()
    used: set[str] = set(excluded)
    chosen: list[Chosen] = []
    alone = 0
    for start in in_turn([c for c in pool if c.refused or c.stratum.speaker != "default"], seed):
        if wanted is not None and len(chosen) == 2 * wanted:
            break
        if start.key in used:
            continue
        made = neighbours(start)
        if made is None:
            partner = (laxer if start.refused else refused).nearest(start.item.case, used, filled)
        else:
            others = [near for near in made if near.refused != start.refused and near.key not in used]
            partner = _next(start, others, filled, changed, seed)
        if partner is None:
            alone += 1
            continue
        facts = differing_facts(start.item.case, partner.item.case)
        changed[partner.stratum, facts] += 1
        for one in (start, partner) if start.refused else (partner, start):
            used.add(one.key)
            filled[one.stratum] += 1
            chosen.append(Chosen(one, start.key, len(facts)))
    short: dict[str, int] = {}
    if wanted is not None and len(chosen) < 2 * wanted:
        short["pairs"] = wanted - len(chosen) // 2
    if alone:
        short["without_partner"] = alone
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
    start: Candidate,
    neighbours: Iterable[Candidate],
    filled: Counter[Stratum],
    changed: Counter[tuple[Stratum, frozenset[str]]],
    seed: int,
) -> Candidate | None:
    """The neighbour whose turn it is."""

    def turn(near: Candidate) -> tuple[int, int, bytes]:
        facts = differing_facts(start.item.case, near.item.case)
        return filled[near.stratum], changed[near.stratum, facts], draw(seed, "partner", near.key)

    return min(neighbours, key=turn, default=None)


class _Pool:
    """Candidates by case, to find the nearest unused one."""

    def __init__(self, candidates: Sequence[Candidate], seed: int) -> None:
        self._by_case: dict[Case, list[Candidate]] = {}
        for candidate in _shuffled(candidates, seed, "partner"):
            self._by_case.setdefault(candidate.item.case, []).append(candidate)

    def nearest(self, case: Case, used: Collection[str], filled: Counter[Stratum]) -> Candidate | None:
        best: tuple[tuple[int, int], Candidate] | None = None
        for other, candidates in self._by_case.items():
            candidates[:] = [candidate for candidate in candidates if candidate.key not in used]
            if not candidates:
                continue
            rank = (len(differing_facts(case, other)), filled[candidates[0].stratum])
            if best is None or rank < best[0]:
                best = (rank, candidates[0])
        return best[1] if best is not None else None


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
