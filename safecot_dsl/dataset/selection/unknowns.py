"""Requests whose verdict hangs on a fact that cannot be told, drawn so that every rule and fact gets its share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.selection.draws import turns
from safecot_dsl.dataset.selection.pairing import Pairing
from safecot_dsl.dataset.selection.plan import S
from safecot_dsl.dataset.selection.ways import SECOND


def hanging(pool: Sequence[S], policy: CompiledPolicy, seed: int) -> Iterator[S]:
    """The requests of the pool whose verdict hangs on a fact that cannot be told: one for each rule and fact, then a
    second for each, and so on; in drawn order, and none twice."""
    import numpy as np

    unsure = [candidate for candidate in pool if not candidate.decision.certain]
    pairing = Pairing(unsure, policy, seed, lambda _: None)
    groups = pairing.groups
    queues = [
        iter(np.flatnonzero((pairing.roles[number] == SECOND)[groups.of]).tolist())
        for number in pairing.drawn_ways("unknown")
    ]
    rest = iter(range(len(groups.drawn)))  # what hangs on facts of several rules, and on none of them alone
    taken: set[int] = set()
    for queue in (turns([_unless(taken, queue) for queue in queues]), rest):
        for place in queue:
            if place not in taken:
                taken.add(place)
                yield groups.drawn[place]


def _unless(taken: set[int], places: Iterator[int]) -> Iterator[int]:
    return (place for place in places if place not in taken)
