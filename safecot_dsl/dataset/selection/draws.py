"""Draws that are hashes: the order in which sources give their items changes nothing."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from safecot_dsl.dataset.selection.plan import S

if TYPE_CHECKING:
    from safecot_dsl.dataset.candidates import Stratum

T = TypeVar("T")


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
    """One of each stratum, then a second of each, and so on; strata and what is in them are in drawn order."""
    return by_strata(shuffled(candidates, seed, "stratum"))


def by_strata(candidates: Iterable[S], filled: Mapping[Stratum, int] | None = None) -> Iterator[S]:
    """The next is always of the stratum with the fewest so far (`filled`: how many before the first); of several, of
    the one that comes first in the order given, and so within a stratum."""
    strata: dict[Stratum, list[S]] = {}
    for candidate in candidates:
        strata.setdefault(candidate.stratum, []).append(candidate)
    rows = Counter(filled or {})
    queues = [iter(members) for members in strata.values()]
    turn = [(rows[stratum], order) for order, stratum in enumerate(strata)]
    heapq.heapify(turn)
    while turn:
        count, order = heapq.heappop(turn)
        for candidate in queues[order]:
            heapq.heappush(turn, (count + 1, order))
            yield candidate
            break


def turns(queues: Iterable[Iterator[T]]) -> Iterator[T]:
    """One of each queue, then a second of each, and so on, until all are empty."""
    left = list(queues)
    while left:
        still: list[Iterator[T]] = []
        for queue in left:
            for candidate in queue:
                still.append(queue)
                yield candidate
                break
        left = still
