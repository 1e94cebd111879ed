"""Which candidates become rows: at random, by strata, in contrast pairs, or so that everything is covered.

Every draw is a hash of the seed and the candidate's key: the order in which sources give their items changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.selection.collecting import GapTable, ToCollect, gap_table
from safecot_dsl.dataset.selection.contrast import differing_facts, select_contrast
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
from safecot_dsl.dataset.selection.plan import Chosen, Neighbours, S, Selectable, Selection, SelectionPlan
from safecot_dsl.dataset.selection.shares import select_random, select_stratified

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
    plan: SelectionPlan,
    *,
    seed: int,
    neighbours: Neighbours[S] | None = None,
    policy: CompiledPolicy | None = None,
    excluded: Collection[str] = (),
) -> Selection[S]:
    """The rows that a plan asks for. The same pool, plan and seed give the same rows, in whatever order the pool is;
    rows outside pairs stand in the pool's order.

    `neighbours` makes, where a source can, what differs from a candidate in one fact; without it partners come from the
    pool. `policy` names the goals that the pool has nothing for; without it `goals` stays empty. `excluded` are keys of
    neighbours that must not be chosen.
    """
    make = neighbours if neighbours is not None else lambda _: None
    if plan.kind == "random":
        found = select_random(pool, rows=plan.rows, balance=plan.balance, seed=seed)
    elif plan.kind == "contrast":
        found = select_contrast(pool, rows=plan.rows, seed=seed, neighbours=make, excluded=excluded)
    elif plan.kind == "coverage":
        found = select_coverage(pool, plan, seed=seed, neighbours=make, excluded=excluded)
    else:
        found = select_stratified(pool, rows=plan.rows, balance=plan.balance, seed=seed)
    if policy is None:
        return found
    wanted = 0 if plan.kind != "coverage" or plan.rows is None else rows_each(pool, plan.rows, plan.each)
    return Selection(found.chosen, found.short, count_goals(policy, pool, found.chosen, wanted=wanted))
