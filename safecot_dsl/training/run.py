"""One training run, from a file of rows to an adapter folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.artifact.digest import canonical_json
from safecot_dsl.models.chat import Chat
from safecot_dsl.models.folder import TRAINING_RECORD, model_digest
from safecot_dsl.models.local import load_parts, stop_ids
from safecot_dsl.render import Tags
from safecot_dsl.storage import Progress, run_stage, sha256_bytes, sha256_file, write_whole
from safecot_dsl.storage.files import remove
from safecot_dsl.training.card import write_card
from safecot_dsl.training.lora import add_lora, check_causal
from safecot_dsl.training.metrics import read_metrics
from safecot_dsl.training.processes import is_first, process_count, share, wait_for_all
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.rows import EncodedRows, read_rows, row_files
from safecot_dsl.training.schedule import Schedule
from safecot_dsl.training.weighting import Weighting

METRICS = "metrics.jsonl"
_TAGS = Tags()
FAULT = "fault.json"  # the rows of the step that a run could not take
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
    tags: Tags = _TAGS,
    device: str | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Train a LoRA adapter on the split `train` of a data set, or on the rows of a Parquet file (columns `id`,
    `images`, `prompt`, `completion`).

    `out` becomes a PEFT adapter folder: `adapter_model.safetensors`, `adapter_config.json`, `metrics.jsonl`,
    `training.json`, `README.md` (the card) and `stage.json`; it appears whole, or not at all. If it is there already,
    made from the same rows, base, recipe and digests, nothing is done. A run that was killed continues from its last
    checkpoint, and comes to the same adapter on the same machine and number of threads.

    Under `accelerate launch` or `torchrun` every process calls this with the same arguments and has batches of its
    own in each step; the first one writes.

    `recipe_json` is the whole recipe that this run is a part of, for the card. `tags` tell the rows' reasoning from
    their answers, which the recipe may weigh differently.

    Raises:
        TrainingError: rows that cannot be trained on, layers that are not found, a run that diverges.
        ModelError: the base model is refused.
        StageBusyError: another process is at work on `out`.
    """
    files = row_files(rows)
    base_digest = model_digest(model)
    inputs = {
        "base": base_digest,
        "data": data_digest,
        "policy": policy_digest,
        "recipe": sha256_bytes(recipe_json.encode()),
        "rows": ",".join(map(sha256_file, files)),
        "training": canonical_json(recipe.model_dump(mode="json")),
    }

    weighting = Weighting(recipe.reasoning_weight, recipe.answer_weight, tags)
    if not weighting.is_even:
        inputs["tags"] = canonical_json(tags.model_dump())

    made = {"base": model, "base_digest": base_digest, "data": data_digest, "policy": policy_digest}

    def work(folder: Path) -> None:
        with Progress(quiet=True) as silent:
            shown = progress if progress is not None and is_first() else silent
            _make_adapter(folder, rows, model, recipe, weighting, made, recipe_json, device, shown)

    ran = _first(out, inputs, work, progress) if is_first() else _join_in(work)
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
        ran=ran,
    )


def _first(out: Path, inputs: dict[str, str], work: Callable[[Path], None], progress: Progress | None) -> bool:
    """The first process's part: whether there was anything to do."""

    def shared(folder: Path) -> None:
        share(folder)
        work(folder)

    stage = run_stage(out, inputs, shared, progress=progress)
    if not stage.ran:
        share(_nothing())
    wait_for_all()
    return stage.ran


def _nothing() -> Path | None:
    return None


def _join_in(work: Callable[[Path], None]) -> bool:
    """Another process's part: take the steps in the folder that the first one works in, if it does."""
    folder = share(_nothing())
    if folder is not None:
        work(folder)
    wait_for_all()  # the folder is in its place
    return folder is not None


def _make_adapter(
    folder: Path,
    path: Path,
    model: str,
    recipe: TrainingRecipe,
    weighting: Weighting,
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
    rows = EncodedRows(chat, read_rows(path), max_tokens=positions, progress=progress, weighting=weighting)
    schedule = Schedule(recipe, rows.images, rows.lengths, process_count())
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
        fault=folder / FAULT,
        progress=progress,
    )
    if not is_first():
        return
    tuned.save_pretrained(folder, safe_serialization=True)
    record = {
        "format": 1,
        **made,
        "rows": len(rows),
        "labelled_tokens": sum(rows.labelled),
        "unknown_in_prompts": rows.unknown_in_prompts,
        "device": str(base.device),
        "processes": process_count(),
        "recipe": recipe.model_dump(mode="json"),
    }
    write_whole(folder / TRAINING_RECORD, json.dumps(record, indent=1) + "\n")
    write_whole(folder / "README.md", write_card(record, recipe, recipe_json, read_metrics(folder / METRICS)))
    remove(folder / _CHECKPOINTS)
