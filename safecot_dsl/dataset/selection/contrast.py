"""Contrast pairs for every way out of every rule, and which of these got how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.selection.pairing import Pairing
from safecot_dsl.dataset.selection.plan import Chosen, Neighbours, S, Selectable, Selection
from safecot_dsl.dataset.selection.ways import SECOND, SECOND_ALIKE


class WayCount(Frozen):
    """What a rule, or a way out of it, was to get, and what it got.

    `kind` is `applies` (the rule decides), `fails` (one of its literals keeps it from applying), `unknown` (the verdict
    hangs on a fact that cannot be told), or `unneeded` (a fact cannot be told, and nothing hangs on it). `clause` is
    where the literal stands, else empty; `what` is the literal or the fact, and `sentence` says it of a case.
    `available` are the requests of the pool of which it is so. Of `applies`, `wanted` and `got` are rows; of the others
    pairs, of which the source `made` the partner of so many. `lacking` says that something was wanted, the pool has
    none, and the source makes none; never of `unneeded`, in whose place `unknown` gets more.
    """

    kind: Literal["applies", "fails", "unknown", "unneeded"]
    rule: str
    clause: Literal["", "when", "unless"]
    what: str
    sentence: str
    wanted: int
    available: int
    got: int
    made: int
    lacking: bool


def select_contrast(
    pool: Sequence[S],
    policy: CompiledPolicy,
    *,
    rows: int | None,
    seed: int,
    neighbours: Neighbours[S],
    unknown: float = 0,
    excluded: Collection[str] = (),
) -> Selection[S]:
    """`rows` / 2 pairs (as many as the pool gives, where `rows` is None).

    First come pairs by facts that cannot be told, so that `unknown` of the rows hang on one: beside each stands a
    request in which it is told, or one in which it cannot be told either and need not be. The rest are pairs by the
    literals of rules. Each time all ways take turns, in drawn order. No candidate stands in two pairs. Of a pair the
    stricter row comes first. For partners see :class:`Pairing`.
    """
    total = None if rows is None else rows // 2
    hanging = 0 if rows is None else round(rows * unknown)
    pairing = Pairing(pool, policy, seed, neighbours, excluded)
    chosen = pairing.in_turn(pairing.drawn_ways("unknown", "unneeded"), hanging)
    short: dict[str, int] = {}
    if len(chosen) < 2 * hanging:
        short["unknown"] = hanging - len(chosen) // 2
    chosen += pairing.in_turn(pairing.drawn_ways("fails"), None if total is None else total - len(chosen) // 2)
    if total is not None and len(chosen) < 2 * total:
        short["pairs"] = total - len(chosen) // 2
    counts = share_out(pairing, pool, chosen, pairs=None if total is None else total - hanging, hanging=hanging)
    return Selection(tuple(chosen), short, ways=counts)


def share_out(
    pairing: Pairing[S], pool: Sequence[Selectable], chosen: Sequence[Chosen[S]], *, pairs: int | None, hanging: int
) -> tuple[WayCount, ...]:
    """What every rule got, and then its ways out: its literals, and its facts. `pairs` were asked for by literals
    (None: all there are), and `hanging` by facts that cannot be told."""
    decided = _deciding(pool)
    rows = _deciding(one.candidate for one in chosen)
    ways = pairing.ways.all
    number_of = Counter(way.kind for way in ways)
    untold = _share(hanging, number_of["unknown"] + number_of["unneeded"])
    each = {"fails": _share(pairs, number_of["fails"]), "unknown": untold, "unneeded": untold}
    found: list[WayCount] = []
    for at, rule in enumerate(pairing.ways.policy.rules):
        own = [number for number, way in enumerate(ways) if way.place[0] == at]
        wanted = each["fails"] * sum(ways[number].kind == "fails" for number in own)
        found.append(
            WayCount(
                kind="applies",
                rule=rule.name,
                clause="",
                what="",
                sentence=f"`{rule.name}` decides",
                wanted=wanted,
                available=decided[rule.name],
                got=rows[rule.name],
                made=0,
                lacking=bool(wanted) and not decided[rule.name] and not rows[rule.name],
            )
        )
        for number in own:
            way, roles = ways[number], pairing.roles[number]
            available = int(pairing.groups.sizes[(roles == SECOND) | (roles == SECOND_ALIKE)].sum())
            # A request in which the fact is told does as well as one that does not need it.
            wanted = each[way.kind] if way.kind != "unneeded" else 0
            none = wanted and not available and not pairing.pairs[number]
            found.append(
                WayCount(
                    kind=way.kind,
                    rule=rule.name,
                    clause=way.clause or "",
                    what=way.text,
                    sentence=way.sentence,
                    wanted=each[way.kind],
                    available=available,
                    got=pairing.pairs[number],
                    made=pairing.made[number],
                    lacking=bool(none) and not pairing.can_be_made(number),
                )
            )
    return tuple(found)


def _share(pairs: int | None, ways: int) -> int:
    """How many pairs each way is to get: its whole share, and at least one where there are any."""
    if not pairs and pairs is not None:
        return 0
    return max(1, (pairs or 0) // max(1, ways))


def _deciding(candidates: Iterable[Selectable]) -> Counter[str]:
    """How many candidates each rule decides."""
    lists = Counter(candidate.decision.deciding for candidate in candidates)
    found: Counter[str] = Counter()
    for names, count in lists.items():
        found.update(dict.fromkeys(names, count))
    return found
