"""A training run of ours as a configuration of another trainer, on the same rows with the same settings."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import canonical_json
from safecot_dsl.dataset.formats import export_dataset
from safecot_dsl.dataset.formats.files import pair_kinds
from safecot_dsl.dataset.formats.llamafactory import entry_name, pair_entry
from safecot_dsl.dataset.store import open_dataset
from safecot_dsl.models.bare import bare_model
from safecot_dsl.models.families import family_of_model
from safecot_dsl.models.naming import ModelName, resolve_model
from safecot_dsl.storage import Progress, sha256_bytes, whole_directory, write_whole
from safecot_dsl.storage.files import file_digests
from safecot_dsl.training.lora import PROJECTIONS, adapted_layers
from safecot_dsl.training.recipe import TrainingRecipe

#: Tokens of a row and pixels of an image up to which LLaMA-Factory leaves them as they are: more than any has here.
_ALL_TOKENS, _ALL_PIXELS = 32_768, 1 << 24


class TrainerExportError(ValueError):
    """A run that the other trainer cannot do; the message says why."""


@dataclass(frozen=True)
class Handed:
    """What was written for another trainer: the folder, the command to run in it, and what comes out otherwise."""

    path: Path
    command: str
    otherwise: tuple[str, ...]


@dataclass(frozen=True)
class _Trainer:
    title: str
    formats: Mapping[str, str]  # from objectives to the formats of the rows
    settings: Callable[[Path, str, ModelName, TrainingRecipe], dict[str, Any]]  # of the data set, its folder, the model
    file: str
    command: Callable[[TrainingRecipe, str], str]
    lacks: Mapping[str, str]  # settings of ours that it has no word for; those of an objective with a dot


def hand_over(
    tool: str, dataset: Path, model: str, recipe: TrainingRecipe, out: Path, *, progress: Progress | None = None
) -> Handed:
    """Write the rows of a data set and the tool's configuration to the folder `out`, whole or not at all.

    Raises:
        TrainerExportError: an unknown tool, or what it cannot do.
        OthersFilesError: `out` holds files that are not an older handover's; it is as it was.
    """
    trainer = _known(tool)
    if recipe.objective not in trainer.formats:
        raise TrainerExportError(
            f"{trainer.title} cannot be given the objective `{recipe.objective}`: the reward is a compiled policy"
        )
    named = resolve_model(model)
    if named.folder is not None:
        named = ModelName(str(named.folder.absolute()), None)
    lacking = tuple(f"`{key}`: {why}" for key, why in trainer.lacks.items() if _says(recipe, key))
    with whole_directory(out, spare=True) as folder:
        export_dataset(dataset, trainer.formats[recipe.objective], folder / "data", progress=progress)
        # `datasets` caches what it loads by a relative path and nothing else: other rows need another name.
        rows = f"data-{sha256_bytes(canonical_json(file_digests(folder / 'data')).encode())[-12:]}"
        (folder / "data").rename(folder / rows)
        write_whole(folder / trainer.file, _yaml(trainer.settings(dataset, rows, named, recipe)))
        command = trainer.command(recipe, trainer.file)
        write_whole(folder / "README.md", _readme(trainer.title, command, lacking))
    return Handed(out, command, lacking)


def trainers() -> tuple[str, ...]:
    """The tools that a run can be handed over to."""
    return tuple(_TRAINERS)


def _says(recipe: TrainingRecipe, key: str) -> bool:
    """Whether a recipe sets the setting `key`, which counts for its objective, otherwise than by default."""
    section, dot, _ = key.partition(".")
    of = attrgetter(key)
    return (not dot or section == recipe.objective) and of(recipe) != of(TrainingRecipe())


def _known(tool: str) -> _Trainer:
    from safecot_dsl.diagnostics import closest

    if tool in _TRAINERS:
        return _TRAINERS[tool]
    meant = closest(tool, _TRAINERS)
    hint = f"; did you mean `{meant}`?" if meant else f"; there are {', '.join(_TRAINERS)}"
    raise TrainerExportError(f"there is no trainer `{tool}`{hint}")


def _loaded(model: ModelName) -> dict[str, str]:
    """What both load, in the words of both."""
    pinned = {} if model.revision is None else {"model_revision": model.revision}
    return {"model_name_or_path": model.source, **pinned}


def _shared(recipe: TrainingRecipe) -> dict[str, Any]:
    """What both call as Transformers does."""
    same = (
        "learning_rate",
        "per_device_train_batch_size",
        "gradient_accumulation_steps",
        "max_steps",
        "num_train_epochs",
        "lr_scheduler_type",
        "warmup_steps",
        "weight_decay",
        "max_grad_norm",
        "train_sampling_strategy",
        "logging_steps",
        "save_steps",
        "gradient_checkpointing",
        "seed",
    )
    return {
        "output_dir": "adapter",
        "bf16": True,
        **{name: getattr(recipe, name) for name in same},
        "report_to": list(recipe.report_to) or "none",
    }


def _trl(dataset: Path, rows: str, model: ModelName, recipe: TrainingRecipe) -> dict[str, Any]:
    del dataset
    settings: dict[str, Any] = {
        **_loaded(model),
        "dtype": "bfloat16",
        "dataset_name": f"./{rows}",
        "use_peft": True,
        "lora_r": recipe.r,
        "lora_alpha": recipe.lora_alpha,
        "lora_dropout": recipe.lora_dropout,
        # A list of one is taken as a pattern. Bare names would also match the vision tower's layers.
        "lora_target_modules": [adapted_layers(bare_model(str(model)), recipe)],
        # Its default cuts rows at 1,024 tokens, and the answer with them.
        "max_length": None,
        **_shared(recipe),
    }
    if recipe.objective == "dpo":
        weights = recipe.dpo.loss_weights
        settings |= {
            "beta": recipe.dpo.beta,
            "loss_type": list(recipe.dpo.loss_type),
            **({} if weights is None else {"loss_weights": list(weights)}),
            "label_smoothing": recipe.dpo.label_smoothing,
        }
    return settings


def _llamafactory(dataset: Path, rows: str, model: ModelName, recipe: TrainingRecipe) -> dict[str, Any]:
    family = family_of_model(bare_model(str(model)).config.model_type)
    if family is None or family.llamafactory is None:
        title = family.title if family is not None else f"`{model}`"
        raise TrainerExportError(f"LLaMA-Factory has no template for {title}: hand the run over to `trl`")
    data = open_dataset(dataset)
    base = entry_name(data)
    kinds = [kind for kind in pair_kinds(data) if recipe.dpo.kinds is None or kind in recipe.dpo.kinds]
    entries = [pair_entry(base, kind) for kind in kinds] if recipe.objective == "dpo" else [f"{base}_train"]
    settings: dict[str, Any] = {
        **_loaded(model),
        "stage": recipe.objective,
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": recipe.r,
        "lora_alpha": recipe.lora_alpha,
        "lora_dropout": recipe.lora_dropout,
        "lora_target": ",".join(recipe.target_modules or PROJECTIONS),
        "freeze_language_model": "language" not in recipe.adapt,
        "freeze_vision_tower": "vision" not in recipe.adapt,
        "freeze_multi_modal_projector": "projector" not in recipe.adapt,
        "dataset_dir": rows,
        "dataset": ",".join(entries),
        "template": family.llamafactory,
        "cutoff_len": _ALL_TOKENS,
        "image_max_pixels": _ALL_PIXELS,
        **_shared(recipe),
    }
    settings["disable_gradient_checkpointing"] = not settings.pop("gradient_checkpointing")
    if recipe.objective == "dpo":
        settings |= {"pref_beta": recipe.dpo.beta}
    return settings


def _yaml(settings: Mapping[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True, width=1000)


def _readme(title: str, command: str, lacking: tuple[str, ...]) -> str:
    lines = [
        f"# A training run for {title}",
        "",
        "The rows, and the settings of the same run in the words of that tool. In this folder:",
        "",
        "```sh",
        command,
        "```",
        "",
        "The adapter is then in `adapter/`. It is trained on the same rows with the same settings; the order of the",
        "rows is the tool's own, so the weights are not the same to the bit.",
    ]
    if lacking:
        lines += ["", "What it has no word for, and does in its own way:", "", *(f"- {each}" for each in lacking)]
    return "\n".join((*lines, ""))


_EVEN = "every token of the completion weighs the same there"
_BEGUN = "no answer is begun by somebody else there; export the rows, and put beginnings before some of them"
_GROUPS = "it learns from the data set's rows alone; `group_rows.jsonl` beside an adapter of ours has such rows"
_TRAINERS: dict[str, _Trainer] = {
    "trl": _Trainer(
        title="TRL",
        formats={"sft": "trl-sft", "dpo": "trl-preference"},
        settings=_trl,
        file="trl.yaml",
        command=lambda recipe, file: shlex.join(["trl", recipe.objective, "--config", file]),
        lacks={
            "reasoning_weight": _EVEN,
            "answer_weight": _EVEN,
            "begun": _BEGUN,
            "group_rows": _GROUPS,
            "start_from": "it begins with fresh adapters; merge the earlier one first",
            "dpo.kinds": "it learns from the pairs of every kind",
        },
    ),
    "llamafactory": _Trainer(
        title="LLaMA-Factory",
        formats={"sft": "llamafactory", "dpo": "llamafactory"},
        settings=_llamafactory,
        file="llamafactory.yaml",
        command=lambda recipe, file: shlex.join(["llamafactory-cli", "train", file]),
        lacks={
            "reasoning_weight": _EVEN,
            "answer_weight": _EVEN,
            "begun": _BEGUN,
            "group_rows": _GROUPS,
            "start_from": "it begins with fresh adapters; name the earlier one as `adapter_name_or_path`",
            "dpo.loss_type": "its loss is `sigmoid`, unless you give it `pref_loss`",
            "dpo.label_smoothing": "it counts for other losses there",
        },
    ),
}
