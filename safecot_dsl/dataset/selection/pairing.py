"""Pairs of requests that a way out of a rule sets apart: the rule decides one of them, and the other got out of it."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.dataset.selection.codes import Codes
from safecot_dsl.dataset.selection.draws import draw, shuffled
from safecot_dsl.dataset.selection.plan import Chosen, Neighbours, S
from safecot_dsl.dataset.selection.ways import SIDE, TIER, TIERS, Way, WayKind, Ways

if TYPE_CHECKING:
    import numpy as np

    from safecot_dsl.artifact import Decision

#: The nearest is looked for among so many distinct cases of a side at a time, in drawn order: to compare a case with
#: them takes less than a millisecond.
WINDOW: Final = 16_384
#: So many starts without a partner, one after another, and a way has no pairs left.
GIVEN_UP: Final = 1_000
#: So many starts are tried to see whether a source makes partners at all.
TRIED: Final = 20
#: Candidates among which the starts of a way are looked for at once.
_AT_ONCE: Final = 1 << 16


def differing_facts(one: Case, other: Case) -> frozenset[str]:
    """The facts in which two cases differ; known and unknown differ, and so do the two kinds of unknown."""
    names = one.known.keys() | other.known.keys() | one.cannot_tell | other.cannot_tell
    return frozenset(
        name
        for name in names
        if one.known.get(name) != other.known.get(name) or (name in one.cannot_tell) != (name in other.cannot_tell)
    )


@dataclass(frozen=True)
class Partner(Generic[S]):
    """A partner, the facts in which it differs, and whether its source made it."""

    candidate: S
    facts: frozenset[str]
    made: bool


class Pairing(Generic[S]):
    """Finds pairs in a pool; `used` are the keys that stand in a row already, `pairs` and `made` count for each way (by
    its number in `ways.all`) its pairs, and those of them with a partner that the source made.

    The partner of a start is of the way's other side. Where the source can make what differs from the start in one
    fact, it is one of these, drawn; else the request of the pool that differs in the fewest facts (of the first
    `WINDOW` in drawn order), and of several the first drawn. One with another verdict goes before one with the same,
    and one that differs in this literal alone before one that differs in several on the same fact.
    """

    def __init__(
        self,
        pool: Sequence[S],
        policy: CompiledPolicy,
        seed: int,
        neighbours: Neighbours[S],
        excluded: Collection[str] = (),
        most: int | None = None,
        window: int = WINDOW,
    ) -> None:
        import numpy as np

        self._seed, self._neighbours, self._most, self._window = seed, neighbours, most, window
        self.ways = Ways(policy)
        self.groups = Groups(pool, seed)
        self.roles = self.ways.roles(self.groups.codes, self.groups.decisions)
        self.used: set[str] = set(excluded)
        for key in self.used:
            self.groups.use(key)
        self.pairs = [0] * len(self.ways.all)
        self.made = [0] * len(self.ways.all)
        self._tiers = np.array(TIER, np.int8)
        self._sides = np.array(SIDE, np.int8)
        self._windows: dict[tuple[int, int, int], _Window[S]] = {}
        self._verdicts: Counter[tuple[int, int]] = Counter()
        self._drawn_ways = [*self.drawn_ways("fails"), *self.drawn_ways("unknown")]

    def take(self, candidate: S) -> None:
        """The candidate is a row."""
        self.used.add(candidate.key)
        self.groups.use(candidate.key)

    def drawn_ways(self, *kinds: WayKind) -> list[int]:
        """The numbers of the ways of these kinds, in drawn order."""
        numbers = [number for number, way in enumerate(self.ways.all) if way.kind in kinds]
        return sorted(numbers, key=lambda number: draw(self._seed, "way", str(self.ways.all[number].place)))

    def in_turn(self, ways: Iterable[int], wanted: int | None) -> list[Chosen[S]]:
        """`wanted` pairs (as many as there are, where it is None), both rows of each side by side. The next pair is
        always of the way that has the fewest so far and still has some; of several, of the first of `ways`."""
        turn = [(self.pairs[number], order, number) for order, number in enumerate(ways)]
        heapq.heapify(turn)
        pairs = {number: self._pairs(number) for _, _, number in turn}
        chosen: list[Chosen[S]] = []
        while turn and (wanted is None or len(chosen) < 2 * wanted):
            _, order, number = heapq.heappop(turn)
            pair = next(pairs[number], None)
            if pair is not None:
                chosen += pair
                heapq.heappush(turn, (self.pairs[number], order, number))
        return chosen

    def pair_of(self, start: S, why: str) -> tuple[Chosen[S], Chosen[S]] | None:
        """A pair of a request of the pool: by the way that has the fewest so far, of those that it is on a side of and
        has a partner for. `why` is what the request was chosen for."""
        place = self.groups.place[start.key]
        tiers = self._tiers[self.roles[:, self.groups.of[place]]].tolist()
        mine = [number for number in self._drawn_ways if tiers[number] >= 0]
        for number in sorted(mine, key=lambda number: (tiers[number], self.pairs[number])):
            partner = self._made(number, place) or self._of_pool(number, place)
            if partner is not None:
                return self._paired(number, place, partner, why)
        return None

    def can_be_made(self, number: int) -> bool:
        """Whether a source makes a partner for one of the first starts of a way, whatever is used already."""
        return any(self._made(number, place) for place in islice(self._starts(number, again=True), TRIED))

    def _pairs(self, number: int) -> Iterator[tuple[Chosen[S], Chosen[S]]]:
        """The pairs of a way. What a start's source makes is nearer than what the pool has: starts for which it makes
        no partner get one of the pool when all the others are used up."""
        failed = 0
        later: list[int] = []
        for place in self._starts(number):
            partner = self._made(number, place)
            if partner is None and self._neighbours(self.groups.drawn[place]) is None:
                partner = self._of_pool(number, place)
            elif partner is None:
                later.append(place)
            if partner is not None:
                failed = 0
                yield self._paired(number, place, partner)
            elif (failed := failed + 1) >= GIVEN_UP:
                break
        for place in later:
            if not self.groups.used(place) and (partner := self._of_pool(number, place)) is not None:
                yield self._paired(number, place, partner)

    def _paired(self, number: int, place: int, partner: Partner[S], why: str = "") -> tuple[Chosen[S], Chosen[S]]:
        """The candidate at this place and its partner by a way, the stricter one first, both taken. `why` is what the
        start was chosen for, "" where it was chosen for the way."""
        start, side = self.groups.drawn[place], self._side(number, place)
        self.pairs[number] += 1
        self.made[number] += partner.made
        self._verdicts[number, partner.candidate.decision.verdict.strictness] += 1
        by = f"pair by {', '.join(sorted(partner.facts))}"
        says = _says(self.ways.all[number])
        for one in (start, partner.candidate):
            self.take(one)
        first = Chosen(start, start.key, len(partner.facts), why or f"{says[side]}; {by}")
        second = Chosen(partner.candidate, start.key, len(partner.facts), f"{says[1 - side]}; {by}")
        strictness = [one.candidate.decision.verdict.strictness for one in (first, second)]
        turned = strictness[0] < strictness[1] or (strictness[0] == strictness[1] and side == 1)
        return (second, first) if turned else (first, second)

    def _side(self, number: int, place: int) -> int:
        return SIDE[int(self.roles[number, self.groups.of[place]])]

    def _starts(self, number: int, again: bool = False) -> Iterator[int]:
        """The places of the candidates on either side of a way that are still to be had, or `again` of all: better ones
        first, and else in drawn order."""
        import numpy as np

        tiers = self._tiers[self.roles[number]]
        of = self.groups.of
        for tier in range(TIERS):
            wanted = tiers == tier
            if not wanted.any():
                continue
            for at in range(0, len(of), _AT_ONCE):
                for place in np.flatnonzero(wanted[of[at : at + _AT_ONCE]]).tolist():
                    if again or not self.groups.used(at + place):
                        yield at + place

    def _made(self, number: int, place: int) -> Partner[S] | None:
        """The partner among what the start's source makes."""
        start, side = self.groups.drawn[place], self._side(number, place)
        made = [near for near in self._neighbours(start) or () if near.key not in self.used]
        if not made:
            return None
        way = self.ways.all[number]
        roles = self.ways.role(way, Codes([near.case for near in made]), [near.decision for near in made])
        others = [(TIER[role], near) for near, role in zip(made, roles.tolist(), strict=True) if SIDE[role] == 1 - side]
        if not others:
            return None
        _, near = min(others, key=lambda other: (other[0], self._turn(number, other[1])))
        return Partner(near, differing_facts(start.case, near.case), made=True)

    def _turn(self, number: int, near: S) -> tuple[int, bytes]:
        strictness = near.decision.verdict.strictness
        return self._verdicts[number, strictness], draw(self._seed, "partner", near.key)

    def _of_pool(self, number: int, place: int) -> Partner[S] | None:
        own, side = int(self.groups.of[place]), self._side(number, place)
        for tier in range(TIERS):
            window = self._windows.get((number, 1 - side, tier))
            if window is None:
                roles = self.roles[number]
                here = (self._sides[roles] == 1 - side) & (self._tiers[roles] == tier)
                window = self._windows[number, 1 - side, tier] = _Window(self.groups, here, self._window)
            found = window.nearest(own, self._most)
            if found is not None:
                return Partner(self.groups.drawn[found[0]], self.groups.differing(own, found[1]), made=False)
        return None


class _Window(Generic[S]):
    """Some groups in drawn order that are compared with a case all at once."""

    def __init__(self, groups: Groups[S], wanted: np.ndarray, size: int) -> None:
        import numpy as np

        self._groups, self._size = groups, size
        self._rest: np.ndarray = np.flatnonzero(wanted)
        self._shown: np.ndarray = self._rest[:0]
        self._spent: np.ndarray = np.zeros(0, bool)
        # Facts by groups, unlike the groups' values: comparing a fact of all groups is one pass over memory.
        self._values: np.ndarray = groups.codes.values[:0].T

    def nearest(self, own: int, most: int | None) -> tuple[int, int] | None:
        """The place of the nearest candidate that is still to be had, and its group."""
        import numpy as np

        while len(self._rest) or not self._spent.all():
            if len(self._rest) and (len(self._shown) - self._spent.sum()) * 2 <= self._size:
                self._fill()
            far = np.zeros(len(self._shown), np.int32)
            for values, value in zip(self._values, self._groups.codes.values[own], strict=True):
                far += values != value
            far[self._spent] = np.iinfo(np.int32).max
            while not self._spent[at := int(far.argmin())]:
                if most is not None and far[at] > most:
                    return None
                group = int(self._shown[at])
                place = self._groups.left(group)
                if place >= 0:
                    return place, group
                self._spent[at] = True
                far[at] = np.iinfo(np.int32).max
        return None

    def _fill(self) -> None:
        import numpy as np

        kept = self._shown[~self._spent]
        more = self._size - len(kept)
        self._shown = np.concatenate((kept, self._rest[:more]))
        self._rest = self._rest[more:]
        self._values = np.ascontiguousarray(self._groups.codes.values[self._shown].T)
        self._spent = np.zeros(len(self._shown), bool)


def _says(way: Way) -> tuple[str, str]:
    """What is said of a row of the first and of the second side."""
    if way.kind == "unknown":
        return f"`{way.fact}` is told, on which `{way.rule.name}` can hang", way.sentence
    if way.kind == "unneeded":
        return f"`{way.rule.name}` hangs on `{way.fact}`, which cannot be told", way.sentence
    return f"`{way.rule.name}` decides", way.sentence


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
