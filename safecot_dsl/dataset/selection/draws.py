"""Draws that are hashes: the order in which sources give their items changes nothing."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from safecot_dsl.dataset.selection.plan import S

if TYPE_CHECKING:
    from safecot_dsl.dataset.candidates import Stratum


def draw(seed: int, purpose: str, key: str) -> bytes:
    """A uniform draw for `key`, independent for each purpose."""
    return hashlib.sha256(f"{seed}\0{purpose}\0{key}".encode("utf-8", "surrogatepass")).digest()


def shuffled(candidates: Iterable[S], seed: int, purpose: str) -> list[S]:
    """In drawn order."""
    return sorted(candidates, key=lambda candidate: draw(seed, purpose, candidate.key))


def first_drawn(candidates: Iterable[S], count: int, seed: int, purpose: str) -> list[S]:
    """The first `count` of :func:`shuffled`, without sorting the rest."""
    return heapq.nsmallest(count, candidates, key=lambda candidate: draw(seed, purpose, candidate.key))


def in_turn(candidates: Iterable[S], seed: int) -> Iterator[S]:
    """One of each stratum, by name, then a second of each, and so on; within a stratum in drawn order."""
    return by_strata(shuffled(candidates, seed, "stratum"))


def by_strata(candidates: Iterable[S], filled: Mapping[Stratum, int] | None = None) -> Iterator[S]:
    """The next is always of the stratum with the fewest so far (`filled`: how many before the first), the first by
    name; within a stratum in the order given."""
    strata: dict[Stratum, list[S]] = {}
    for candidate in candidates:
        strata.setdefault(candidate.stratum, []).append(candidate)
    rows = Counter(filled or {})
    queues = {stratum: iter(members) for stratum, members in strata.items()}
    turn = [(rows[stratum], stratum) for stratum in strata]
    heapq.heapify(turn)
    while turn:
        count, stratum = heapq.heappop(turn)
        for candidate in queues[stratum]:
            heapq.heappush(turn, (count + 1, stratum))
            yield candidate
            break


def turns(queues: Iterable[Iterator[S]]) -> Iterator[S]:
    """One of each queue, then a second of each, and so on, until all are empty."""
    left = list(queues)
    while left:
        still: list[Iterator[S]] = []
        for queue in left:
            for candidate in queue:
                still.append(queue)
                yield candidate
                break
        left = still
