"""One training run, from a file of rows to an adapter folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.digest import canonical_json
from safecot_dsl.models.chat import Chat
from safecot_dsl.models.folder import TRAINING_RECORD, model_digest
from safecot_dsl.models.local import load_parts, stop_ids
from safecot_dsl.models.naming import resolve_model
from safecot_dsl.render import Reasoning, Tags
from safecot_dsl.storage import Progress, run_stage, sha256_bytes, sha256_file, write_whole
from safecot_dsl.storage.files import remove
from safecot_dsl.training.card import write_card
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.lora import adapter_weights, add_lora
from safecot_dsl.training.metrics import read_metrics
from safecot_dsl.training.objective import CHECKPOINTS, METRICS, Trained
from safecot_dsl.training.processes import is_first, process_count, share, wait_for_all
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.rows import row_files
from safecot_dsl.training.start import load_start, start_digest

_TAGS = Tags()
_REASONING = Reasoning()


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
    policy: CompiledPolicy | None = None,
    start_from: Path | None = None,
    recipe_json: str = "{}",
    tags: Tags = _TAGS,
    reasoning: Reasoning = _REASONING,
    device: str | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Train a LoRA adapter on the split `train` of a data set, or on the rows of a Parquet file (columns `id`,
    `images`, `prompt`, `completion`), by the recipe's objective.

    `out` becomes a PEFT adapter folder: `adapter_model.safetensors`, `adapter_config.json`, `metrics.jsonl`,
    `training.json`, `README.md` (the card) and `stage.json`, and `group_rows.jsonl` where rows ask about groups; it
    appears whole, or not at all. If it is there already, made from the same rows, base, recipe and digests, nothing is
    done. A run that was killed continues from its last checkpoint, and comes to the same adapter on the same machine
    and number of threads.

    Under `accelerate launch` or `torchrun` every process calls this with the same arguments and has batches of its
    own in each step; the first one writes.

    `policy` is the one that answers are rewarded by, and whose groups rows ask about: only the objective `grpo` and
    `recipe.group_rows` need it. `start_from` is the folder
    of the adapter whose weights the training begins with; without it `recipe.start_from` is taken for that folder.
    `recipe_json` is the whole recipe that this run is a part of, for the card. `tags` tell the rows' reasoning from
    their answers, and `reasoning` is how it was written.

    Raises:
        TrainingError: rows that cannot be trained on, layers that are not found, a run that diverges.
        ModelError: the base model is refused.
        StageBusyError: another process is at work on `out`.
    """
    base_digest = model_digest(model)
    start = start_from or (Path(recipe.start_from) if recipe.start_from is not None else None)
    inputs = {
        "base": base_digest,
        "data": data_digest,
        "policy": policy_digest,
        "recipe": sha256_bytes(recipe_json.encode()),
        "rows": ",".join(map(sha256_file, _files(rows, recipe))),
        "training": canonical_json(recipe.model_dump(mode="json")),
    }
    made = {"base": model, "base_digest": base_digest, "data": data_digest, "policy": policy_digest}
    if start is not None:
        inputs["start"] = made["start"] = start_digest(start)
    if recipe.uses_tags:
        inputs["tags"] = canonical_json(tags.model_dump())
    if (recipe.objective == "grpo" or recipe.group_rows is not None) and reasoning != _REASONING:
        inputs["reasoning"] = canonical_json(reasoning.model_dump())
    job = _Job(rows, model, recipe, tags, reasoning, policy, start, made, recipe_json, device)

    def work(folder: Path) -> None:
        with Progress(quiet=True) as silent:
            shown = progress if progress is not None and is_first() else silent
            _make_adapter(folder, job, shown)

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


def _files(rows: Path, recipe: TrainingRecipe) -> tuple[Path, ...]:
    """The files that the objective reads."""
    if recipe.objective != "dpo":
        return row_files(rows)
    from safecot_dsl.training.dpo.pairs import pair_files

    return (*row_files(rows), *pair_files(rows)) if rows.is_dir() else pair_files(rows)


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


@dataclass(frozen=True)
class _Job:
    """What one run is about, besides its folder."""

    rows: Path
    model: str
    recipe: TrainingRecipe
    tags: Tags
    reasoning: Reasoning
    policy: CompiledPolicy | None
    start: Path | None
    made: dict[str, Any]
    recipe_json: str
    device: str | None


def _make_adapter(folder: Path, job: _Job, progress: Progress) -> None:
    from transformers import set_seed

    recipe = job.recipe
    base, processor = load_parts(job.model, device=job.device, training=True)
    chat = Chat(processor, stop_ids(base.generation_config))
    set_seed(recipe.seed)  # the adapter's first weights
    tuned = add_lora(base, recipe, revision=resolve_model(job.model).revision)
    if job.start is not None:
        load_start(tuned, job.start, job.model, recipe)
    trained = _train_objective(folder, job, tuned, chat, progress)
    weights = adapter_weights(tuned)
    if not is_first():
        return
    # Else PEFT asks the hub whether the vocabulary has grown, and of another revision.
    tuned.save_pretrained(folder, state_dict=weights, safe_serialization=True, save_embedding_layers=False)
    record = {
        "format": 1,
        **job.made,
        "rows": trained.rows,
        "labelled_tokens": trained.labelled_tokens,
        "unknown_in_prompts": trained.unknown_in_prompts,
        **trained.record,
        "device": str(base.device),
        "processes": process_count(),
        "recipe": recipe.model_dump(mode="json"),
    }
    write_whole(folder / TRAINING_RECORD, json.dumps(record, indent=1) + "\n")
    write_whole(folder / "README.md", write_card(record, recipe, job.recipe_json, read_metrics(folder / METRICS)))
    remove(folder / CHECKPOINTS)


def _train_objective(folder: Path, job: _Job, tuned: Any, chat: Chat, progress: Progress) -> Trained:
    """Take the steps of the recipe's objective on `tuned`, the model with its adapter."""
    recipe = job.recipe
    if recipe.objective == "dpo":
        from safecot_dsl.training.dpo.run import train_dpo

        return train_dpo(folder, job.rows, tuned, chat, recipe, progress=progress)
    if recipe.objective == "grpo":
        from safecot_dsl.training.grpo.run import train_grpo

        if job.policy is None:
            raise TrainingError("`objective: grpo` rewards answers by the policy, and none was given")
        return train_grpo(folder, job.rows, tuned, chat, job.policy, recipe, job.tags, job.reasoning, progress=progress)
    from safecot_dsl.training.sft import train_sft

    return train_sft(folder, job.rows, tuned, chat, job.policy, recipe, job.tags, job.reasoning, progress=progress)
