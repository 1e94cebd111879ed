"""What a recipe would do, and whether all that it needs is there: before hours of work, nothing of it is done."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.generate import reviews_of
from safecot_dsl.facts import Source
from safecot_dsl.facts.read import open_source
from safecot_dsl.models.bare import bare_model
from safecot_dsl.pipeline.held_back import held_back_items
from safecot_dsl.pipeline.run import Run
from safecot_dsl.pipeline.suites import suite_items
from safecot_dsl.pipeline.unseen import policies_of_no_arm


class SourcePlan(Frozen):
    """A source: how many entries it has, None where that cannot be told, and its licence."""

    source: str
    entries: int | None
    licence: str


class ArmPlan(Frozen):
    """An arm: its rows at most (None: not known before they are made), its steps, and the rows seen in all of them."""

    arm: str
    objective: str
    sources: tuple[SourcePlan, ...]
    rows: int | None
    steps: int | None
    seen: int | None


class RunPlan(Frozen):
    """A recipe, looked at.

    `asked` are the items that each arm answers, None where they cannot be counted; `problems` are what would stop the
    run.
    """

    name: str
    policy: str
    rules: int
    model: str
    parameters: int | None
    arms: tuple[ArmPlan, ...]
    asked: int | None
    problems: tuple[str, ...]


def look_ahead(run: Run) -> RunPlan:
    """Open everything that the recipe names. Raises what a policy with errors raises."""
    problems: list[str] = []

    def tried(what: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except (ValueError, OSError) as error:  # what our parts raise for what is wrong with their inputs
            problems.append(f"{what}: {error}")
            return None

    recipe = run.recipe
    bare = tried("model", lambda: bare_model(run.model)) if recipe.miniature is None else None
    arms = tuple(_arm(run, arm, tried) for arm in recipe.arms)
    return RunPlan(
        name=recipe.name,
        policy=run.policy.digest,
        rules=len(run.policy.rules),
        model="the miniature's, built by the run" if recipe.miniature is not None else str(recipe.model),
        parameters=sum(parameter.numel() for parameter in bare.parameters()) if bare is not None else None,
        arms=arms,
        asked=_asked(run, tried),
        problems=tuple(dict.fromkeys(problems)),
    )


def _arm(run: Run, arm: str, tried: Callable[..., Any]) -> ArmPlan:
    data, training = run.recipe.data_of(arm), run.recipe.training_of(arm)
    sources = tuple(_source(run, source, tried) for source in data.sources)
    tried("reviews", lambda: reviews_of(data, run.base_dir))
    entries = [source.entries for source in sources]
    there = None if None in entries else sum(entry or 0 for entry in entries)
    rows = data.rows if data.rows is not None else None if data.selects else there
    if rows is not None and data.replay is not None:
        rows += data.replay.rows
    a_step = training.per_device_train_batch_size * training.gradient_accumulation_steps
    steps = training.max_steps if training.max_steps > 0 else None
    if steps is None and rows is not None:
        steps = math.ceil(training.num_train_epochs * rows / a_step)
    return ArmPlan(
        arm=arm,
        objective=training.objective,
        sources=sources,
        rows=rows,
        steps=steps,
        seen=steps * a_step if steps is not None else None,
    )


def _source(run: Run, source: Source, tried: Callable[..., Any]) -> SourcePlan:
    opened = tried(
        f"source `{source.kind}`", lambda: open_source(source, run.policy, run.base_dir, seed=run.recipe.seed)
    )
    if opened is None:
        return SourcePlan(source=source.kind, entries=None, licence="")
    if source.kind == "miniature":  # drawn, and as many as asked for
        return SourcePlan(source=opened.name, entries=source.pool, licence=opened.licence)
    entries = tried(f"source `{opened.name}`", lambda: sum(block.stop - block.start for block in opened.blocks()))
    return SourcePlan(source=opened.name, entries=entries, licence=opened.licence)


def _asked(run: Run, tried: Callable[..., Any]) -> int | None:
    """How many items the splits, the suites and the requests that are held back have."""
    found = tried("evaluation", lambda: (run.world,))
    if found is None:
        return None
    settings, (world,) = run.recipe.evaluation, found
    counts: list[int | None] = []
    if world is not None:
        counts += [split.policy + split.utility + split.perception for split in settings.splits.values()]
    for entry in settings.suites:
        with tempfile.TemporaryDirectory() as folder:
            found = tried(
                f"suite `{entry.suite}`",
                lambda entry=entry, folder=folder: sum(
                    1
                    for _ in suite_items(
                        run.policy,
                        (entry,),
                        Path(folder),
                        base_dir=run.base_dir,
                        world=world,
                        seed=run.recipe.seed,
                        progress=run.progress,
                        policies=lambda folder=folder: policies_of_no_arm(
                            run.recipe, run.policy, run.base_dir, Path(folder) / "policies"
                        ),
                    )
                ),
            )
        counts.append(found)
    if settings.sources:
        counts.append(tried("held back", lambda: _held_back(run)))
    return None if None in counts else sum(count or 0 for count in counts)


def _held_back(run: Run) -> int | None:
    """How many requests are held back; None where annotators have a say in it, which a plan does not ask."""
    settings = run.recipe.evaluation
    if run.recipe.data.annotators:
        return None
    with tempfile.TemporaryDirectory() as folder:
        items = held_back_items(
            run.policy,
            settings.sources,
            (),
            Path(folder),
            base_dir=run.base_dir,
            cache=Path(folder),
            seed=run.recipe.seed,
            progress=run.progress,
        )
    return len(items)
