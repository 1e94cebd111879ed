"""Supervised training: the model learns to write the rows' completions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.models.chat import Chat
from safecot_dsl.render import Reasoning, Tags
from safecot_dsl.storage import Progress
from safecot_dsl.storage.files import remove
from safecot_dsl.training.begun import begun_rows, check_may_begin
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.group_rows import GROUP_ROWS, GroupRow, group_rows, write_group_rows
from safecot_dsl.training.lora import check_causal
from safecot_dsl.training.objective import CHECKPOINTS, FAULT, METRICS, Trained
from safecot_dsl.training.processes import is_first, process_count
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.rows import EncodedRows, read_rows
from safecot_dsl.training.schedule import Schedule
from safecot_dsl.training.weighting import Weighting

_ROWS = ".rows"  # encoded ones, as long as the run lasts


def train_sft(
    folder: Path,
    rows: Path,
    model: Any,
    chat: Chat,
    policy: CompiledPolicy | None,
    recipe: TrainingRecipe,
    tags: Tags,
    reasoning: Reasoning,
    *,
    progress: Progress,
) -> Trained:
    """Take the recipe's steps with the loss on the completions of `rows`; `model` has the adapter that is trained.

    Rows on the groups of `policy` are learnt besides, where the recipe asks for them, in the wording of `reasoning`.
    Metrics, checkpoints and the rows of a fault are written in `folder`.

    Raises:
        TrainingError: rows that cannot be trained on, or a run that diverges or has too little memory.
    """
    from safecot_dsl.training.trainer import run_steps

    weighting = Weighting(recipe.reasoning_weight, recipe.answer_weight, tags)
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    cache = folder / _ROWS
    about_groups = rows_on_groups(policy, recipe, tags, reasoning)
    learnt = list(begun_rows(read_rows(rows), recipe.begun, recipe.seed, tags))
    learnt += [each.row for each in about_groups]
    check_may_begin(chat, learnt)
    if recipe.begun is not None:
        progress.note(f"{sum(bool(row.request.begun) for row in learnt)} of {len(learnt)} rows follow a beginning")
    if about_groups:
        progress.note(f"{len(about_groups)} of {len(learnt)} rows ask what counts as what")
        if is_first():
            write_group_rows(about_groups, folder / GROUP_ROWS)
    encoded = EncodedRows(chat, learnt, max_tokens=positions, progress=progress, weighting=weighting, cache=cache)
    schedule = Schedule(recipe, encoded.images, encoded.lengths, process_count())
    check_causal(model, encoded[0])
    used = run_steps(
        model,
        encoded,
        schedule,
        recipe,
        pad_id=chat.pad_id,
        checkpoints=folder / CHECKPOINTS,
        metrics=folder / METRICS,
        fault=folder / FAULT,
        progress=progress,
    )
    if is_first():
        remove(cache)
    record: dict[str, Any] = {"speedups": asdict(used)}
    if about_groups:
        record["group_rows"] = len(about_groups)
    return Trained(len(encoded), sum(encoded.labelled), encoded.unknown_in_prompts, record)


def rows_on_groups(
    policy: CompiledPolicy | None, recipe: TrainingRecipe, tags: Tags, reasoning: Reasoning
) -> tuple[GroupRow, ...]:
    """The rows on the policy's groups that the recipe asks for.

    Raises:
        TrainingError: there is no policy, or it has no groups.
    """
    if recipe.group_rows is None:
        return ()
    if policy is None:
        raise TrainingError("`group_rows` ask about the groups of a policy, and none was given")
    return group_rows(policy, recipe.group_rows, reasoning.lookups, recipe.seed, tags)
