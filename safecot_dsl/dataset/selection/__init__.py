"""Which candidates become rows: at random, by strata, in contrast pairs, or so that everything is covered.

Every draw is a hash of the seed and the candidate's key: the order in which sources give their items changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import islice

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.selection.collecting import GapTable, ToCollect, gap_table
from safecot_dsl.dataset.selection.contrast import WayCount, select_contrast
from safecot_dsl.dataset.selection.covering import rows_each, select_coverage
from safecot_dsl.dataset.selection.draws import draw, in_turn
from safecot_dsl.dataset.selection.goals import GoalCount, count_goals
from safecot_dsl.dataset.selection.near_duplicates import (
    Fingerprint,
    NearDuplicateIndex,
    NearDuplicates,
    Twin,
    compared_text,
    exact_facts,
    image_hash,
    near_duplicates,
)
from safecot_dsl.dataset.selection.pairing import differing_facts
from safecot_dsl.dataset.selection.plan import Chosen, Neighbours, S, Selectable, Selection, SelectionPlan
from safecot_dsl.dataset.selection.shares import select_random, select_stratified
from safecot_dsl.dataset.selection.unknowns import hanging

__all__ = [
    "Chosen",
    "Fingerprint",
    "GapTable",
    "GoalCount",
    "NearDuplicateIndex",
    "NearDuplicates",
    "Neighbours",
    "Selectable",
    "Selection",
    "SelectionPlan",
    "ToCollect",
    "Twin",
    "WayCount",
    "compared_text",
    "differing_facts",
    "draw",
    "exact_facts",
    "gap_table",
    "image_hash",
    "in_turn",
    "near_duplicates",
    "select",
    "select_contrast",
    "select_coverage",
    "select_random",
    "select_stratified",
]


def select(
    pool: Sequence[S],
    policy: CompiledPolicy,
    plan: SelectionPlan,
    *,
    seed: int,
    neighbours: Neighbours[S] | None = None,
    excluded: Collection[str] = (),
) -> Selection[S]:
    """The rows that a plan asks for. The same pool, plan and seed give the same rows, in whatever order the pool is;
    rows outside pairs stand in the pool's order.

    `policy` is the one that decided the pool. `neighbours` makes, where a source can, what differs from a candidate in
    one fact; without it partners come from the pool. `excluded` are keys of neighbours that must not be chosen.
    """
    make = neighbours if neighbours is not None else lambda _: None
    if plan.kind == "contrast":
        found = select_contrast(
            pool, policy, rows=plan.rows, seed=seed, neighbours=make, unknown=plan.unknown, excluded=excluded
        )
    elif plan.unknown:
        found = _with_unknown(pool, policy, plan, seed, make, excluded)
    else:
        found = _select(pool, policy, plan, seed, make, excluded)
    wanted = 0 if plan.kind != "coverage" or plan.rows is None else rows_each(pool, plan.rows, plan.each)
    goals = count_goals(policy, pool, found.chosen, wanted=wanted)
    return Selection(found.chosen, found.short, goals, found.ways)


def _select(
    pool: Sequence[S],
    policy: CompiledPolicy,
    plan: SelectionPlan,
    seed: int,
    neighbours: Neighbours[S],
    excluded: Collection[str],
) -> Selection[S]:
    if plan.kind == "random":
        return select_random(pool, rows=plan.rows, balance=plan.balance, seed=seed)
    if plan.kind == "coverage":
        return select_coverage(pool, policy, plan, seed=seed, neighbours=neighbours, excluded=excluded)
    return select_stratified(pool, rows=plan.rows, balance=plan.balance, seed=seed)


def _with_unknown(
    pool: Sequence[S],
    policy: CompiledPolicy,
    plan: SelectionPlan,
    seed: int,
    neighbours: Neighbours[S],
    excluded: Collection[str],
) -> Selection[S]:
    """`plan.unknown` of the rows hang on a fact that cannot be told; the others are chosen among the certain ones."""
    assert plan.rows is not None  # the plan sees to it
    wanted = round(plan.rows * plan.unknown)
    drawn = list(islice(hanging(pool, policy, seed), wanted))
    short = {"unknown": wanted - len(drawn)} if len(drawn) < wanted else {}
    rest = [candidate for candidate in pool if candidate.decision.certain]
    found: Selection[S] = Selection((), {})
    if plan.rows > wanted:
        found = _select(rest, policy, replace(plan, rows=plan.rows - wanted, unknown=0), seed, neighbours, excluded)
    taken = {candidate.key for candidate in drawn}
    unsure = tuple(Chosen(c, why="hangs on a fact that cannot be told") for c in pool if c.key in taken)
    return Selection((*found.chosen, *unsure), short | found.short, ways=found.ways)
