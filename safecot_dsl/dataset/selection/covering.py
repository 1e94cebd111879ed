"""Rows that cover a policy: every rule, exception and verdict first, then contrast pairs, then the strata in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.selection.contrast import share_out
from safecot_dsl.dataset.selection.draws import by_strata, shuffled, turns
from safecot_dsl.dataset.selection.goals import met_by
from safecot_dsl.dataset.selection.pairing import Pairing
from safecot_dsl.dataset.selection.plan import Chosen, Neighbours, S, Selectable, Selection, SelectionPlan
from safecot_dsl.dataset.selection.shares import of_share, shares

if TYPE_CHECKING:
    from safecot_dsl.dataset.candidates import Stratum

#: One part in so many of the rows is shared out among the goals where the plan does not say how many each gets.
COVERING = 3


def rows_each(pool: Iterable[Selectable], rows: int, each: int | None) -> int:
    """How many of `rows` rows every goal that the pool can meet gets before anything else: `each` where given."""
    if each is not None:
        return each
    decisions = {id(candidate.decision): candidate for candidate in pool}
    goals = {goal for candidate in decisions.values() for goal in met_by(candidate)}
    return max(1, rows // (COVERING * max(1, len(goals))))


def select_coverage(
    pool: Sequence[S],
    policy: CompiledPolicy,
    plan: SelectionPlan,
    *,
    seed: int,
    neighbours: Neighbours[S],
    excluded: Collection[str] = (),
) -> Selection[S]:
    """`plan.rows` rows; all of the pool where that is None. `plan.unknown` is not looked at.

    1. Every goal that the pool can meet gets :func:`rows_each` rows; a row counts for each goal that it meets. Goals
       take turns, the scarcest first, so that a budget that is too small for all is shared. Within a goal, what else
       is decided there takes turns.
    2. Contrast pairs that differ in at most `plan.distance` facts: partners for the rows of step 1 in their order, then
       whole pairs by the ways out of rules in turn, until `plan.pairs` of the rows stand in one.
    3. What is left goes to the strata with the fewest rows so far, so that `plan.balance` of all rows are refused.

    Pairs come first, each with its stricter row first; the others follow in the pool's order.
    """
    if plan.rows is None:
        return Selection(tuple(Chosen(candidate, why="all are taken") for candidate in pool), {})
    drawn = shuffled(pool, seed, "stratum")
    covering, whys = _covered(drawn, plan.rows, plan.each)
    pairing = Pairing(pool, policy, seed, neighbours, excluded, most=plan.distance)
    wanted = int(plan.rows * plan.pairs) // 2
    paired: list[Chosen[S]] = []
    size = len(covering)
    for start in covering:
        if len(paired) == 2 * wanted or size == plan.rows:
            break
        if start.key in pairing.used or (pair := pairing.pair_of(start, whys[start.key])) is None:
            continue
        size += sum(row.candidate.key not in whys for row in pair)
        paired += pair
    for candidate in covering:
        if candidate.key not in pairing.used:
            pairing.take(candidate)
    room = min(wanted - len(paired) // 2, (plan.rows - size) // 2)
    paired += pairing.in_turn(pairing.drawn_ways("fails"), room)
    size += 2 * room
    short = {"pairs": wanted - len(paired) // 2} if len(paired) < 2 * wanted and size < plan.rows else {}
    taken = {row.candidate.key for row in paired}
    singles = {candidate.key: whys[candidate.key] for candidate in covering if candidate.key not in taken}
    rows = [*(row.candidate for row in paired), *(c for c in covering if c.key not in taken)]
    filling, missing = _filled([c for c in drawn if c.key not in pairing.used], rows, plan.rows, plan.balance)
    singles |= {candidate.key: "of the stratum with the fewest rows" for candidate in filling}
    others = [Chosen(candidate, why=singles[candidate.key]) for candidate in pool if candidate.key in singles]
    chosen = (*paired, *others)
    return Selection(chosen, short | missing, ways=share_out(pairing, pool, chosen, pairs=wanted, hanging=0))


def _covered(drawn: Sequence[S], rows: int, each: int | None) -> tuple[list[S], dict[str, str]]:
    """The candidates of step 1 in the order in which they were chosen, and what for, by key."""
    # All of a cell meet the same goals.
    cells: dict[tuple[Stratum, tuple[str, ...]], list[S]] = {}
    for candidate in drawn:
        cells.setdefault((candidate.stratum, candidate.decision.deciding), []).append(candidate)
    available: Counter[tuple[str, str]] = Counter()
    for members in cells.values():
        available.update(dict.fromkeys(met_by(members[0]), len(members)))
    most = rows_each((members[0] for members in cells.values()), rows, each)
    first = [members[:most] for members in cells.values()]
    queues: dict[tuple[str, str], Iterator[S]] = {}
    # Of goals that are equally scarce, the one that was drawn first.
    for goal in sorted(available, key=lambda goal: available[goal]):
        # Of a goal's first candidates those that are rows already have been counted for it: no more are ever needed.
        members = [iter(found) for found in first if goal in met_by(found[0])]
        queues[goal] = islice(turns(members), most)
    got: Counter[tuple[str, str]] = Counter()
    covering: list[S] = []
    whys: dict[str, str] = {}
    for turn in range(most):
        for goal, queue in queues.items():
            if len(covering) == rows:
                return covering, whys
            if got[goal] > turn:
                continue
            for candidate in queue:
                if candidate.key not in whys:
                    covering.append(candidate)
                    whys[candidate.key] = f"covers {goal[1]}"
                    got.update(met_by(candidate))
                    break
    return covering, whys


def _filled(rest: Sequence[S], chosen: Sequence[S], rows: int, balance: float | None) -> tuple[list[S], dict[str, int]]:
    """Candidates of `rest` that make `chosen` up to `rows`, and what is short of each share."""
    room = rows - len(chosen)
    filled = Counter(candidate.stratum for candidate in chosen)
    found: list[S] = []
    short: dict[str, int] = {}
    for name, share in shares(rows, balance).items():
        wanted = min(room, max(0, share - len(of_share(chosen, name))))
        picked = list(islice(by_strata(of_share(rest, name), filled), wanted))
        found += picked
        room -= wanted
        if len(picked) < wanted:
            short[name] = wanted - len(picked)
    return found, short
