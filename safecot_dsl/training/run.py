"""One training run, from a file of rows to an adapter folder."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.artifact.digest import canonical_json
from safecot_dsl.models.chat import Chat
from safecot_dsl.models.folder import TRAINING_RECORD, model_digest
from safecot_dsl.models.local import load_parts, stop_ids
from safecot_dsl.storage import Progress, run_stage, sha256_bytes, sha256_file, write_whole
from safecot_dsl.storage.files import remove
from safecot_dsl.training.card import write_card
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.lora import add_lora, check_causal
from safecot_dsl.training.metrics import read_metrics
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.rows import EncodedRows, read_rows
from safecot_dsl.training.schedule import Schedule

METRICS = "metrics.jsonl"
_CHECKPOINTS = ".checkpoints"


@dataclass(frozen=True)
class TrainingResult:
    """A trained adapter and how the training went."""

    adapter: Path
    rows: int
    labelled_tokens: int
    unknown_in_prompts: int  # prompt tokens that the tokenizer does not know
    steps: int
    loss: float  # of the last line of the metrics
    seconds: float
    ran: bool  # false where the adapter was there already, made from the same inputs


def train(
    rows: Path,
    model: str,
    out: Path,
    recipe: TrainingRecipe,
    *,
    policy_digest: str,
    data_digest: str,
    recipe_json: str = "{}",
    device: str | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Train a LoRA adapter on the rows of a Parquet file (columns `id`, `images`, `prompt`, `completion`).

    `out` becomes a PEFT adapter folder: `adapter_model.safetensors`, `adapter_config.json`, `metrics.jsonl`,
    `training.json`, `README.md` (the card) and `stage.json`; it appears whole, or not at all. If it is there already,
    made from the same rows, base, recipe and digests, nothing is done. A run that was killed continues from its last
    checkpoint, and comes to the same adapter on the same machine and number of threads. One process and one device.

    `recipe_json` is the whole recipe that this run is a part of, for the card.

    Raises:
        TrainingError: rows that cannot be trained on, layers that are not found, a run that diverges.
        ModelError: the base model is refused.
        StageBusyError: another process is at work on `out`.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise TrainingError("training runs in one process; start it without torchrun or `accelerate launch`")
    if not rows.is_file():
        raise TrainingError(f"there is no file of training rows `{rows}`")
    base_digest = model_digest(model)
    inputs = {
        "base": base_digest,
        "data": data_digest,
        "policy": policy_digest,
        "recipe": sha256_bytes(recipe_json.encode()),
        "rows": sha256_file(rows),
        "training": canonical_json(recipe.model_dump(mode="json")),
    }

    def work(folder: Path) -> None:
        made = {"base": model, "base_digest": base_digest, "data": data_digest, "policy": policy_digest}
        with Progress(quiet=True) as silent:
            _make_adapter(folder, rows, model, recipe, made, recipe_json, device, progress or silent)

    stage = run_stage(out, inputs, work, progress=progress)
    record = json.loads((out / TRAINING_RECORD).read_text(encoding="utf-8"))
    last = read_metrics(out / METRICS)[-1]
    return TrainingResult(
        adapter=out,
        rows=record["rows"],
        labelled_tokens=record["labelled_tokens"],
        unknown_in_prompts=record["unknown_in_prompts"],
        steps=last["step"],
        loss=last["loss"],
        seconds=last["seconds"],
        ran=stage.ran,
    )


def _make_adapter(
    folder: Path,
    path: Path,
    model: str,
    recipe: TrainingRecipe,
    made: dict[str, Any],
    recipe_json: str,
    device: str | None,
    progress: Progress,
) -> None:
    from transformers import set_seed

    from safecot_dsl.training.trainer import run_steps

    base, processor = load_parts(model, device=device)
    chat = Chat(processor, stop_ids(base.generation_config))
    positions = getattr(base.config.get_text_config(), "max_position_embeddings", None)
    rows = EncodedRows(chat, read_rows(path), max_tokens=positions, progress=progress)
    schedule = Schedule(recipe, rows.images, rows.lengths)
    set_seed(recipe.seed)  # the adapter's first weights
    tuned = add_lora(base, recipe)
    check_causal(tuned, rows[0])
    run_steps(
        tuned,
        rows,
        schedule,
        recipe,
        pad_id=chat.pad_id,
        checkpoints=folder / _CHECKPOINTS,
        metrics=folder / METRICS,
        progress=progress,
    )
    tuned.save_pretrained(folder, safe_serialization=True)
    record = {
        "format": 1,
        **made,
        "rows": len(rows),
        "labelled_tokens": sum(rows.labelled),
        "unknown_in_prompts": rows.unknown_in_prompts,
        "device": str(base.device),
        "recipe": recipe.model_dump(mode="json"),
    }
    write_whole(folder / TRAINING_RECORD, json.dumps(record, indent=1) + "\n")
    write_whole(folder / "README.md", write_card(record, recipe, recipe_json, read_metrics(folder / METRICS)))
    remove(folder / _CHECKPOINTS)
