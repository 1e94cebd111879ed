"""The stage that trains the adapter of an arm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.artifact import canonical_json
from safecot_dsl.diagnostics import closest
from safecot_dsl.pipeline.disk import writing
from safecot_dsl.pipeline.recipe import RecipeError
from safecot_dsl.pipeline.stages import digest_of_stage
from safecot_dsl.training import TrainingResult, train
from safecot_dsl.training.processes import first_alone

if TYPE_CHECKING:
    from safecot_dsl.pipeline.run import Run


def train_arm(run: Run, arm: str) -> TrainingResult:
    """The adapter of an arm, in `arms/ARM/adapter`; the arm that it starts from is trained first, and its data are
    made by the first process alone."""
    training = run.recipe.training_of(arm)
    start = _start(run, arm, training.start_from) if training.start_from is not None else None
    with first_alone():
        model = run.model
        data, _ = run.generate(arm)
    # What this arm comes from, and no more: a change of another arm leaves this one as it is.
    made_by = run.recipe.model_copy(update={"data": run.recipe.data_of(arm), "training": training})
    directory = run.out / "arms" / arm / "adapter"
    with writing(directory):
        return train(
            data,
            model,
            directory,
            training.model_copy(update={"seed": run.recipe.seed}),
            policy_digest=run.policy.digest,
            data_digest=digest_of_stage(data),
            policy=run.policy,
            start_from=start,
            tags=run.recipe.data_of(arm).tags,
            reasoning=run.recipe.data_of(arm).reasoning,
            recipe_json=canonical_json(
                made_by.model_dump(mode="json", exclude={"arms", "evaluation", "description"}) | {"arm": arm}
            ),
            progress=run.progress,
        )


def _start(run: Run, arm: str, named: str) -> Path:
    """The adapter that an arm starts from: another arm's, or that of a folder."""
    if named in run.recipe.arms:
        return run.train(named).adapter
    folder = run.base_dir / named
    if not folder.is_dir():
        near = closest(named, run.recipe.arms)
        raise RecipeError(
            f"{run.path}: the arm `{arm}` starts from `{named}`, which is neither an arm nor an adapter's folder "
            f"(the arms are {', '.join(run.recipe.arms)})" + (f"; did you mean `{near}`?" if near else "")
        )
    return folder
