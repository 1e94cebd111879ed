"""Candidates by equal case, and which of them are still to be had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic

from safecot_dsl.dataset.selection.codes import Codes, mixed
from safecot_dsl.dataset.selection.draws import shuffled
from safecot_dsl.dataset.selection.plan import S

if TYPE_CHECKING:
    from safecot_dsl.dataset.candidates import Stratum


class Groups(Generic[S]):
    """Groups of candidates with equal cases and strata, numbered in drawn order of their first members.

    Of each group `values` (groups, facts) are the codes of its case, `refused` (groups,) its side, and `stratum`
    (groups,) the number of its stratum in `strata`. `without[f]` (groups,) is a hash of the case but for fact `f`.
    `rows` (strata,) counts the rows that each stratum has so far.
    """

    def __init__(self, pool: Sequence[S], seed: int) -> None:
        import numpy as np

        self.drawn = shuffled(pool, seed, "partner")
        self.place = {candidate.key: place for place, candidate in enumerate(self.drawn)}
        self.strata: list[Stratum] = sorted({candidate.stratum for candidate in self.drawn})
        self._number = number = {stratum: at for at, stratum in enumerate(self.strata)}
        self.rows = np.zeros(len(self.strata), np.int64)
        cases = [candidate.case for candidate in self.drawn]
        # A pool that comes from an index holds each case once, so that few have to be read.
        once = {id(case): case for case in cases}
        row = {own: at for at, own in enumerate(once)}
        rows = np.array([row[id(case)] for case in cases], np.int64)
        codes = Codes(list(once.values()))
        strata = np.array([number[candidate.stratum] for candidate in self.drawn], np.int32)
        kinds = codes.whole[rows] ^ mixed(strata.astype(np.uint64))
        _, first, kind = np.unique(kinds, return_index=True, return_inverse=True)
        by_first = np.argsort(first, kind="stable")
        rank = np.empty(len(first), np.int64)
        rank[by_first] = np.arange(len(first))
        of = rank[kind.reshape(-1)]
        first = first[by_first]
        self.of: list[int] = of.tolist()
        self.facts = codes.facts
        self.values = codes.values[rows[first]]
        self.without = (codes.whole[rows[first], None] ^ codes.parts[rows[first]]).T
        self.stratum = strata[first]
        self.refused = np.array([self.drawn[place].refused for place in first.tolist()], bool)
        sizes = np.bincount(of, minlength=len(first))
        self._members: list[int] = np.argsort(of, kind="stable").tolist()
        self._end: list[int] = np.cumsum(sizes).tolist()
        self._next: list[int] = (np.cumsum(sizes) - sizes).tolist()
        self._used = bytearray(len(self.drawn))

    def use(self, key: str) -> None:
        """This candidate is not to be had any more; one that is not in the pool never was."""
        place = self.place.get(key)
        if place is not None:
            self._used[place] = 1

    def add_rows(self, stratum: Stratum, count: int) -> None:
        """So many rows more are of the stratum, which need not be one of the pool's."""
        if stratum in self._number:
            self.rows[self._number[stratum]] += count

    def left(self, group: int) -> int:
        """The place in `drawn` of the group's first member that is still to be had, -1 where there is none."""
        while self._next[group] < self._end[group]:
            place = self._members[self._next[group]]
            if not self._used[place]:
                return place
            self._next[group] += 1
        return -1

    def differing(self, one: int, other: int) -> frozenset[str]:
        """The facts in which the cases of two groups differ."""
        import numpy as np

        return frozenset(self.facts[f] for f in np.flatnonzero(self.values[one] != self.values[other]).tolist())
