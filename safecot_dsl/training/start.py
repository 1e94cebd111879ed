"""Training that goes on from an adapter, instead of from the base alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safecot_dsl.artifact.digest import canonical_json
from safecot_dsl.models.folder import ModelError, check_adapter_fits, check_adapter_folder
from safecot_dsl.storage import sha256_bytes, sha256_file
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.recipe import TrainingRecipe

_FILES = ("adapter_config.json", "adapter_model.safetensors")


def start_digest(adapter: Path) -> str:
    """Names the adapter in this folder by its weights and settings.

    Raises:
        TrainingError: the folder holds no adapter.
    """
    try:
        check_adapter_folder(adapter)
    except ModelError as error:
        raise TrainingError(f"`start_from`: {error}") from error
    return sha256_bytes(canonical_json({name: sha256_file(adapter / name) for name in _FILES}).encode())


def load_start(tuned: Any, adapter: Path, base: str, recipe: TrainingRecipe) -> None:
    """Give the fresh adapter of `tuned` the weights of the one in the folder `adapter`, made for the same `base`.

    The recipe decides the adapter's shape, so the two must agree in all that a weight's meaning hangs on.

    Raises:
        TrainingError: it was made for another base, or with another rank, `lora_alpha` or choice of layers.
    """
    from peft import get_peft_model_state_dict, set_peft_model_state_dict
    from safetensors.torch import load_file

    try:
        check_adapter_fits(adapter, base)
        settings = check_adapter_folder(adapter)
    except ModelError as error:
        raise TrainingError(f"`start_from`: {error}") from error
    for name, wanted in (("r", recipe.r), ("lora_alpha", recipe.lora_alpha)):
        if settings.get(name) != wanted:
            raise TrainingError(
                f"`start_from`: the adapter `{adapter}` has `{name}: {settings.get(name)}`, and the recipe says "
                f"{wanted}: training goes on with the adapter as it is, so give them the same value"
            )
    weights = load_file(adapter / "adapter_model.safetensors")
    own = get_peft_model_state_dict(tuned)
    for missing, where, other in (
        (sorted(own.keys() - weights.keys()), "the recipe", "the adapter"),
        (sorted(weights.keys() - own.keys()), "the adapter", "the recipe"),
    ):
        if missing:
            raise TrainingError(
                f"`start_from`: {where} adapts `{missing[0]}`, and {other} does not (`{adapter}`): give both the same "
                "`adapt` and `target_modules`"
            )
    for name, tensor in weights.items():
        if tensor.shape != own[name].shape:
            raise TrainingError(
                f"`start_from`: `{name}` is {tuple(tensor.shape)} in `{adapter}`, and {tuple(own[name].shape)} in this "
                "model"
            )
    set_peft_model_state_dict(tuned, weights)
