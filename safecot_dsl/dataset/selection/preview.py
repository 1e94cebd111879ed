"""What a recipe would select, before anything is written: no picture is opened, and no model asked for answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.candidates import Candidate
from safecot_dsl.dataset.selection import GapTable, GoalCount, Selection, SelectionPlan, gap_table, select
from safecot_dsl.dataset.selection.collecting import SECONDS
from safecot_dsl.dataset.setup import Setup, Worker

if TYPE_CHECKING:
    from safecot_dsl.dataset.pool import BlockCounts, Entry
    from safecot_dsl.dataset.recipe import DataRecipe
    from safecot_dsl.storage import Progress


@dataclass(frozen=True)
class Preview:
    """What would be selected of `candidates` usable items, what the goals get, and what a random selection of as many
    rows with the same `balance` and seed would give them (`random`, in the order of the goals)."""

    counts: BlockCounts
    candidates: int
    selection: Selection[Entry]
    table: GapTable
    random: tuple[GoalCount, ...]


def preview(
    policy: CompiledPolicy,
    recipe: DataRecipe,
    *,
    seed: int,
    base_dir: Path,
    cache: Path,
    answers: str = "",
    seconds: float = SECONDS,
    progress: Progress | None = None,
) -> Preview:
    """Decide the items of a recipe's sources, and select among them; arguments as those of
    :func:`~safecot_dsl.dataset.generate.generate`. `answers` names the model that is to answer what the sources leave
    open, "" for none. What shows only when a picture is opened or an answer read, such as a broken picture or a near
    duplicate, is in the counts still, and `recipe.replay` is not.

    Raises:
        FactsError: a source that cannot be read, or facts that do not fit the policy.
        GenerateError: with `recipe.strict`, an item that is left out.
    """
    from safecot_dsl.dataset.pool import BlockCounts, PoolIndex, entry_of, judge_block

    worker = Worker(Setup(policy, recipe, base_dir, seed, cache, answers), progress=progress)
    entries: list[Entry] = []
    counts = BlockCounts()
    blocks = worker.blocks()
    if progress is not None:
        progress.start("deciding", unit="items")
    for number, block in enumerate(blocks):
        placed, found = judge_block(worker, block)
        entries += [entry_of(one.candidate, PoolIndex(number, one.position)) for one in placed]
        counts.add(found)
    if progress is not None:
        progress.start("selecting")

    def neighbours(entry: Entry) -> Sequence[Entry] | None:
        if not entry.has_neighbours:
            return None
        block = blocks[entry.place.block]
        item = worker.read(block)[entry.place.position]
        make = getattr(item, "neighbours", None)
        assert make is not None
        judged = [worker.judge.judge(near, worker.key(block.source, near)) for near in make()]
        return [entry_of(near, entry.place) for near in judged if isinstance(near, Candidate)]

    selection = select(entries, policy, recipe.selection_plan, seed=seed, neighbours=neighbours)
    drawn = SelectionPlan(kind="random", rows=max(1, len(selection.chosen)), balance=recipe.balance)
    random = select(entries, policy, drawn, seed=seed).goals
    if progress is not None:
        progress.start("looking for cases to collect")
    return Preview(counts, len(entries), selection, gap_table(policy, entries, selection, seconds=seconds), random)
