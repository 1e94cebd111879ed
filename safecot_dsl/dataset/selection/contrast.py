"""Pairs of a refused request and a laxer one that are as near to each other as can be had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Generic

from safecot_dsl.artifact import Case
from safecot_dsl.dataset.selection.draws import draw, in_turn
from safecot_dsl.dataset.selection.nearest import Changed, Near, NearestIndex
from safecot_dsl.dataset.selection.plan import Chosen, Neighbours, S, Selection

if TYPE_CHECKING:
    from safecot_dsl.dataset.candidates import Stratum


def select_contrast(
    pool: Sequence[S],
    *,
    rows: int | None,
    seed: int,
    neighbours: Neighbours[S],
    excluded: Collection[str] = (),
) -> Selection[S]:
    """`rows` / 2 pairs (as many as the pool gives, where `rows` is None) of a refused candidate and a laxer one.

    Pairs start, by strata in turn, from a refused candidate or from one that a rule or `unsure` makes laxer: so every
    rule and every exception gets its share. For the partner see :class:`Pairing`. No candidate stands in two pairs, and
    one without a partner is passed over. The refused row of a pair comes first, the laxer one follows.
    """
    wanted = None if rows is None else rows // 2
    pairing = Pairing(pool, seed, neighbours, excluded)
    chosen: list[Chosen[S]] = []
    alone = 0
    for start in in_turn(starts(pool), seed):
        if wanted is not None and len(chosen) == 2 * wanted:
            break
        if start.key in pairing.used:
            continue
        pair = pairing.pair(start)
        if pair is None:
            alone += 1
        else:
            chosen += pair
    short: dict[str, int] = {}
    if wanted is not None and len(chosen) < 2 * wanted:
        short["pairs"] = wanted - len(chosen) // 2
    if alone:
        short["without_partner"] = alone
    return Selection(tuple(chosen), short)


def starts(pool: Sequence[S]) -> list[S]:
    """The candidates that a pair can start from: all but those that `default` makes laxer."""
    return [candidate for candidate in pool if candidate.refused or candidate.stratum.speaker != "default"]


def differing_facts(one: Case, other: Case) -> frozenset[str]:
    """The facts in which two cases differ; known and unknown differ, and so do the two kinds of unknown."""
    names = one.known.keys() | other.known.keys() | one.cannot_tell | other.cannot_tell
    return frozenset(
        name
        for name in names
        if one.known.get(name) != other.known.get(name) or (name in one.cannot_tell) != (name in other.cannot_tell)
    )


class Pairing(Generic[S]):
    """Finds partners for candidates of a pool; `used` are the keys that stand in a row already.

    The partner comes from the other side. Of the start's neighbours by one fact it is one of the stratum with the
    fewest rows so far, and of these one by the fact that was changed least often to get there: else a fact with many
    values would be the only one that pairs teach. Where the source makes no neighbours, it is the candidate of the pool
    that differs in the fewest facts (see :class:`~safecot_dsl.dataset.selection.nearest.NearestIndex`), at most `most`.
    """

    def __init__(
        self,
        pool: Sequence[S],
        seed: int,
        neighbours: Neighbours[S],
        excluded: Collection[str] = (),
        most: int | None = None,
    ) -> None:
        self._pool, self._seed, self._neighbours, self._most = pool, seed, neighbours, most
        self.used: set[str] = set(excluded)
        self._filled: Counter[Stratum] = Counter()
        self._changed: Changed = Counter()

    def take(self, candidate: S) -> None:
        """The candidate is a row."""
        self.used.add(candidate.key)
        self._filled[candidate.stratum] += 1
        if "_nearest" in self.__dict__:
            self._nearest.use(candidate.key)
            self._nearest.add_rows(candidate.stratum)

    def pair(self, start: S, why: str = "") -> tuple[Chosen[S], Chosen[S]] | None:
        """The start and its partner, the refused one first, both taken; None where it has no partner. `why` is what the
        start was chosen for."""
        near = self._partner(start)
        if near is None:
            return None
        partner, facts = near.candidate, ", ".join(sorted(near.facts))
        self._changed[partner.stratum, near.facts] += 1
        for one in (start, partner):
            if one.key not in self.used:
                self.take(one)
        first = Chosen(start, start.key, len(near.facts), why or f"contrast by {facts}")
        second = Chosen(partner, start.key, len(near.facts), f"contrast to {start.key} by {facts}")
        return (first, second) if start.refused else (second, first)

    def _partner(self, start: S) -> Near[S] | None:
        made = self._neighbours(start)
        if made is None:
            return self._nearest.partner(start, self._changed, self._most)
        others = [near for near in made if near.refused != start.refused and near.key not in self.used]
        by_turn = min(others, key=lambda near: self._turn(start, near), default=None)
        return None if by_turn is None else Near(by_turn, differing_facts(start.case, by_turn.case))

    def _turn(self, start: S, near: S) -> tuple[int, int, bytes]:
        facts = differing_facts(start.case, near.case)
        return self._filled[near.stratum], self._changed[near.stratum, facts], draw(self._seed, "partner", near.key)

    @cached_property
    def _nearest(self) -> NearestIndex[S]:
        index = NearestIndex(self._pool, self._seed)
        for key in self.used:
            index.use(key)
        for stratum, count in self._filled.items():
            index.add_rows(stratum, count)
        return index
