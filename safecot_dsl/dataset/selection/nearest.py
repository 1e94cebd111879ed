"""The nearest request on the other side, refused beside laxer, found without comparing all with all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from safecot_dsl.dataset.selection.groups import Groups
from safecot_dsl.dataset.selection.plan import S

if TYPE_CHECKING:
    import numpy as np

    from safecot_dsl.dataset.candidates import Stratum

#: Beyond one changed fact, the nearest is looked for among so many distinct cases of a side at a time, in drawn order:
#: comparing a case with them takes a fraction of a millisecond.
WINDOW = 16_384

#: How often facts were changed to get to a stratum.
Changed = Counter[tuple["Stratum", frozenset[str]]]


@dataclass(frozen=True)
class Near(Generic[S]):
    """A partner, and the facts in which it differs."""

    candidate: S
    facts: frozenset[str]


class NearestIndex(Generic[S]):
    """The candidates of a pool, of which each is given away once.

    Those that differ from a candidate in one fact are found exactly, by hashes that leave a fact out: the time for all
    of them together grows as the pool does. One that differs in more facts is the nearest of `window` distinct cases,
    so the nearest of all where its side has no more.
    """

    def __init__(self, pool: Sequence[S], seed: int, window: int = WINDOW) -> None:
        self._groups = Groups(pool, seed)
        self._beside = [_Beside(self._groups, fact) for fact in range(len(self._groups.facts))]
        self._windows = {side: _Window(self._groups, side, window) for side in (False, True)}

    def use(self, key: str) -> None:
        """This candidate is nobody's partner any more."""
        self._groups.use(key)

    def add_rows(self, stratum: Stratum, count: int = 1) -> None:
        """So many rows more are of the stratum."""
        self._groups.add_rows(stratum, count)

    def partner(self, start: S, changed: Changed, most: int | None = None) -> Near[S] | None:
        """Of the candidates on the other side, the one that differs from `start` (which is of the pool) in the fewest
        facts, at most `most`. Of several: one of the stratum with the fewest rows so far; among those that differ in
        one fact, then by the fact that was changed least often to get there; then the first drawn."""
        groups = self._groups
        own = groups.of[groups.place[start.key]]
        rows = groups.rows.tolist()
        best: tuple[tuple[int, int, int], frozenset[str]] | None = None
        for fact, beside in zip(groups.facts, self._beside, strict=True):
            facts = frozenset((fact,))
            for place, number in beside.others(own, start.refused):
                stratum = groups.strata[number]
                turn = (rows[number], changed[stratum, facts], place)
                if best is None or turn < best[0]:
                    best = (turn, facts)
        if best is not None:
            return Near(groups.drawn[best[0][2]], best[1])
        if most == 1:
            return None
        return self._windows[not start.refused].nearest(own, most)


class _Beside(Generic[S]):
    """Which groups of the two sides differ in one given fact alone.

    Groups that are equal but for the fact are a bucket; only buckets with groups of both sides count. A run is the
    groups of a bucket that share a side and a stratum, in drawn order; its end moves on as its groups are used up.
    """

    def __init__(self, groups: Groups[S], fact: int) -> None:
        import numpy as np

        self._groups = groups
        _, bucket = np.unique(groups.without[fact], return_inverse=True)
        bucket = bucket.reshape(-1)
        both = (np.bincount(bucket, groups.refused) > 0) & (np.bincount(bucket, ~groups.refused) > 0)
        inside = np.flatnonzero(both[bucket])
        # A stable sort: within a run, groups stay in drawn order.
        inside = inside[np.lexsort((groups.stratum[inside], groups.refused[inside], bucket[inside]))]
        runs = np.stack((bucket[inside], groups.refused[inside], groups.stratum[inside]), axis=1)
        starts = np.flatnonzero(np.any(runs != np.roll(runs, 1, axis=0), axis=1)) if len(inside) else np.zeros(0, int)
        if len(inside) and not len(starts):
            starts = np.zeros(1, int)
        self._order = inside.astype(np.int32)
        self._next: list[int] = starts.tolist()
        self._end: list[int] = np.append(starts[1:], len(inside)).tolist()
        self._refused: list[bool] = groups.refused[inside[starts]].tolist()
        self._stratum: list[int] = groups.stratum[inside[starts]].tolist()
        # The runs of bucket b are numbers first[b] to first[b + 1]: none where it has groups of one side only.
        self._bucket = bucket.astype(np.int32)
        self._first = np.searchsorted(bucket[inside[starts]], np.arange(len(both) + 1)).astype(np.int32)

    def others(self, group: int, refused: bool) -> Iterator[tuple[int, int]]:
        """For each stratum on the other side the place of the first candidate to be had, and the stratum's number."""
        bucket = self._bucket[group]
        for run in range(self._first[bucket], self._first[bucket + 1]):
            if self._refused[run] == refused:
                continue
            while self._next[run] < self._end[run]:
                place = self._groups.left(int(self._order[self._next[run]]))
                if place >= 0:
                    yield place, self._stratum[run]
                    break
                self._next[run] += 1


class _Window(Generic[S]):
    """Some groups of one side, in drawn order, that are compared with a case all at once."""

    def __init__(self, groups: Groups[S], refused: bool, size: int) -> None:
        import numpy as np

        self._groups, self._size = groups, size
        self._rest: np.ndarray = np.flatnonzero(groups.refused == refused)
        self._shown: np.ndarray = self._rest[:0]
        self._spent: np.ndarray = np.zeros(0, bool)
        # Facts by groups, unlike `groups.values`: comparing a fact of all groups is one pass over memory.
        self._values: np.ndarray = groups.values[:0].T
        self._stratum: np.ndarray = groups.stratum[:0]

    def nearest(self, own: int, most: int | None) -> Near[S] | None:
        import numpy as np

        groups = self._groups
        if len(self._rest) and (len(self._shown) - self._spent.sum()) * 2 <= self._size:
            self._fill()
        if not len(self._shown):
            return None
        far = np.zeros(len(self._shown), np.int16)
        for values, value in zip(self._values, groups.values[own], strict=True):
            far += values != value
        turn = far * (groups.rows.max() + 1) + groups.rows[self._stratum]
        turn[self._spent] = np.iinfo(np.int64).max
        while not self._spent[at := int(turn.argmin())]:
            if most is not None and far[at] > most:
                return None
            group = int(self._shown[at])
            place = groups.left(group)
            if place >= 0:
                return Near(groups.drawn[place], groups.differing(own, group))
            self._spent[at] = True
            turn[at] = np.iinfo(np.int64).max
        return self.nearest(own, most) if len(self._rest) else None

    def _fill(self) -> None:
        import numpy as np

        kept = self._shown[~self._spent]
        more = self._size - len(kept)
        self._shown = np.concatenate((kept, self._rest[:more]))
        self._rest = self._rest[more:]
        self._values = np.ascontiguousarray(self._groups.values[self._shown].T)
        self._stratum = self._groups.stratum[self._shown]
        self._spent = np.zeros(len(self._shown), bool)
