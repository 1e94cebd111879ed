"""Training on preference pairs, from a data set to the last step."""

from __future__ import annotations

import functools
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safecot_dsl.models.chat import Chat
from safecot_dsl.storage import Progress
from safecot_dsl.training.dpo.pairs import EncodedPairs, read_pairs
from safecot_dsl.training.lora import check_causal
from safecot_dsl.training.objective import CHECKPOINTS, FAULT, METRICS, Trained
from safecot_dsl.training.processes import process_count
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.schedule import Schedule

_REFERENCE = ".reference.safetensors"


def train_dpo(
    folder: Path, rows: Path, model: Any, chat: Chat, recipe: TrainingRecipe, *, progress: Progress
) -> Trained:
    """Take the recipe's steps on the preference pairs of the data set `rows`; `model` has the adapter that is trained,
    and the reference is what it is now.

    Rows a batch are pairs, each of them two texts. Metrics (with the rewards' margin and accuracy), checkpoints and the
    pairs of a fault are written in `folder`.

    Raises:
        TrainingError: pairs that cannot be trained on, or a run that diverges or has too little memory.
    """
    from safecot_dsl.training.dpo.reference import reference_logprobs
    from safecot_dsl.training.dpo.trainer import PreferenceTrainer
    from safecot_dsl.training.trainer import run_steps

    read = read_pairs(rows, recipe.dpo.kinds)
    if read.other_splits:
        progress.note(f"{read.other_splits} preference pairs belong to rows outside the split `train`: left out")
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    pairs = EncodedPairs(chat, read.pairs, max_tokens=positions, progress=progress)
    schedule = Schedule(recipe, pairs.images, pairs.lengths, process_count())
    check_causal(model, pairs[0][0])
    reference = folder / _REFERENCE
    pairs.reference = reference_logprobs(model, pairs, recipe.per_device_train_batch_size, reference, progress)
    used = run_steps(
        model,
        pairs,
        schedule,
        recipe,
        pad_id=chat.pad_id,
        checkpoints=folder / CHECKPOINTS,
        metrics=folder / METRICS,
        fault=folder / FAULT,
        progress=progress,
        trainer_class=functools.partial(PreferenceTrainer, settings=recipe.dpo),
        collator=pairs.collate,
    )
    reference.unlink(missing_ok=True)
    left_out = {"other_kinds": read.other_kinds, "other_splits": read.other_splits}
    record = {"kinds": read.kinds, "left_out": left_out, "speedups": asdict(used)}
    return Trained(len(pairs), sum(pairs.labelled), pairs.unknown_in_prompts, record)
