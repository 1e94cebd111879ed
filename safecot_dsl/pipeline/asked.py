"""The stage that makes what every arm is asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.artifact import canonical_json
from safecot_dsl.evaluation import EvalItem, read_items, write_items
from safecot_dsl.pipeline.held_back import held_back_inputs, held_back_items
from safecot_dsl.pipeline.items import miniature_items
from safecot_dsl.pipeline.recipe import RecipeError
from safecot_dsl.pipeline.stages import MEANING
from safecot_dsl.pipeline.suites import suite_inputs, suite_items
from safecot_dsl.pipeline.unseen import policies_of_no_arm, unseen_inputs

if TYPE_CHECKING:
    from safecot_dsl.pipeline.run import Run


def world_of(run: Run) -> int | None:
    """The miniature's world that the arms learn in, None where they learn elsewhere.

    Raises:
        RecipeError: the arms learn in several worlds, or there is nothing to ask.
    """
    worlds = {s.world for arm in run.recipe.arms for s in run.recipe.data_of(arm).sources if s.kind == "miniature"}
    settings = run.recipe.evaluation
    if len(worlds) > 1:
        raise RecipeError(f"{run.path}: the arms' sources name several miniature worlds, and evaluation is of one")
    if not (worlds or settings.suites or settings.sources):
        raise RecipeError(
            f"{run.path}: there is nothing to ask, since no source is the miniature's: give `evaluation.suites`, "
            "or `evaluation.sources` with requests of your own that are held back"
        )
    return next(iter(worlds), None)


def make_items(run: Run) -> tuple[EvalItem, ...]:
    """What every arm is asked, in `items/items.parquet`: the splits of the miniature world, where the arms learn in
    it, the suites, and the requests that are held back."""
    settings, world, seed = run.recipe.evaluation, run.world, run.recipe.seed
    annotators = run.recipe.data.annotators

    def work(folder: Path) -> None:
        items: list[EvalItem] = []
        if world is not None:
            items += miniature_items(run.policy, settings, world=world, seed=seed, progress=run.progress)
        items += suite_items(
            run.policy,
            settings.suites,
            folder,
            base_dir=run.base_dir,
            world=world,
            seed=seed,
            progress=run.progress,
            policies=lambda: policies_of_no_arm(run.recipe, run.policy, run.base_dir, run.out / "cache" / "policies"),
        )
        items += held_back_items(
            run.policy,
            settings.sources,
            annotators,
            folder,
            base_dir=run.base_dir,
            cache=run.out / "cache",
            seed=seed,
            progress=run.progress,
        )
        write_items(folder / "items.parquet", items)

    inputs = {
        "policy": run.policy.told_digest,
        "splits": canonical_json({name: split.model_dump() for name, split in settings.splits.items()}),
        "world": str(world),
        "seed": str(seed),
        "meaning": MEANING,
        **suite_inputs(settings.suites, run.base_dir),
        **unseen_inputs(run.recipe, run.policy),
        **held_back_inputs(settings.sources, annotators, run.base_dir),
    }
    return read_items(run.stage(run.out / "items", inputs, work).directory / "items.parquet")
