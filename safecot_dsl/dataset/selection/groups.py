"""Candidates by equal case, in drawn order, and which of them are still to be had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic

from safecot_dsl.dataset.selection.codes import Codes
from safecot_dsl.dataset.selection.draws import shuffled
from safecot_dsl.dataset.selection.plan import S

if TYPE_CHECKING:
    from safecot_dsl.artifact import Decision


class Groups(Generic[S]):
    """Groups of candidates with equal cases, numbered in drawn order of their first members.

    `drawn` are the candidates in drawn order; `place` says where one stands there, by key, and `of` (places,) in which
    group. `codes` are those of the groups' cases, one row each, and `decisions` their decisions.
    """

    def __init__(self, pool: Sequence[S], seed: int) -> None:
        import numpy as np

        self.drawn = shuffled(pool, seed, "partner")
        self.place = {candidate.key: place for place, candidate in enumerate(self.drawn)}
        cases = [candidate.case for candidate in self.drawn]
        # A pool that comes from an index holds each case once, so that few have to be read.
        once = {id(case): case for case in cases}
        row = {own: at for at, own in enumerate(once)}
        rows = np.array([row[id(case)] for case in cases], np.int64)
        codes = Codes(list(once.values()))
        _, first, kind = np.unique(codes.whole[rows], return_index=True, return_inverse=True)
        by_first = np.argsort(first, kind="stable")
        rank = np.empty(len(first), np.int64)
        rank[by_first] = np.arange(len(first))
        self.of = rank[kind.reshape(-1)]
        first = first[by_first]
        self.codes = codes.taken(rows[first])
        self.decisions: list[Decision] = [self.drawn[place].decision for place in first.tolist()]
        self.sizes = np.bincount(self.of, minlength=len(first))
        self._members = np.argsort(self.of, kind="stable")
        self._end = np.cumsum(self.sizes)
        self._next = self._end - self.sizes
        self._used = bytearray(len(self.drawn))

    def use(self, key: str) -> None:
        """This candidate is not to be had any more; one that is not in the pool never was."""
        place = self.place.get(key)
        if place is not None:
            self._used[place] = 1

    def used(self, place: int) -> bool:
        return bool(self._used[place])

    def left(self, group: int) -> int:
        """The place of the group's first member that is still to be had, -1 where there is none."""
        while self._next[group] < self._end[group]:
            place = int(self._members[self._next[group]])
            if not self._used[place]:
                return place
            self._next[group] += 1
        return -1

    def differing(self, one: int, other: int) -> frozenset[str]:
        """The facts in which the cases of two groups differ."""
        import numpy as np

        values = self.codes.values
        return frozenset(self.codes.facts[f] for f in np.flatnonzero(values[one] != values[other]).tolist())
