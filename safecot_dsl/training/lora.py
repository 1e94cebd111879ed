"""LoRA adapters: on the language model alone, unless the recipe asks for more."""

from __future__ import annotations

import re
from typing import Any

from safecot_dsl.models.families import ModelParts, linear_layers, parts_of
from safecot_dsl.models.precision import mixed_precision
from safecot_dsl.models.quiet import quiet_libraries
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.weighting import LOSS_WEIGHTS

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def add_lora(model: Any, recipe: TrainingRecipe, *, revision: str | None = None) -> Any:
    """The model with fresh adapters on the linear layers of the parts that the recipe names, and nothing else
    trainable. `revision` is the hub's that the model is of; PEFT keeps it with the adapter.

    Raises:
        TrainingError: a part or a layer that the model does not have, or a trainable parameter outside those parts.
    """
    from peft import LoraConfig, get_peft_model

    parts = parts_of(model)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        # The bare names of layers would also match other parts that use them (peft#2615).
        target_modules=adapted_layers(model, recipe),
    )
    with quiet_libraries():
        tuned: Any = get_peft_model(model, config, revision=revision)
    check_trainable(tuned, parts, recipe)
    return tuned


def adapted_layers(model: Any, recipe: TrainingRecipe) -> str:
    """A pattern of the layers that the recipe adapts, as PEFT's `target_modules` takes it; `model` may be without
    weights.

    Raises:
        TrainingError: a part or a layer that the model does not have.
    """
    parts = parts_of(model)
    patterns: list[str] = []
    for part in recipe.adapt:
        path = _path(parts, part, type(model).__name__)
        there = set(linear_layers(model, path))
        if part == "language":
            names = recipe.target_modules or PROJECTIONS
            pattern = rf"{re.escape(path)}\..*\.(?:{'|'.join(map(re.escape, names))})"
            if not any(re.fullmatch(pattern, name) for name in there):
                last = sorted({name.rpartition(".")[2] for name in there})
                raise TrainingError(
                    f"no layer named {', '.join(names)} lies in the language model of a {type(model).__name__}; its "
                    f"linear layers there are {', '.join(last) or 'none'}: name them in `target_modules`"
                )
            patterns.append(pattern)
            continue
        # Towers and projectors name their layers in many ways, and a vision tower may hold the projector.
        inner = parts.projector if part == "vision" and parts.projector is not None else None
        there = {name for name in there if inner is None or not name.startswith(f"{inner}.")}
        if not there:
            raise TrainingError(f"the {part} part of a {type(model).__name__} (`{path}`) has no linear layer to adapt")
        patterns += map(re.escape, sorted(there))
    return "|".join(patterns)


def _path(parts: ModelParts, part: str, model: str) -> str:
    path = {"language": parts.language, "vision": parts.vision, "projector": parts.projector}[part]
    if path is None:
        raise TrainingError(f"`adapt` names `{part}`, and no such part was found in a {model}")
    return path


def check_trainable(model: Any, parts: ModelParts, recipe: TrainingRecipe) -> None:
    """Check that what is trained are adapters of the chosen parts only.

    Raises:
        TrainingError: naming the first parameter that is not.
    """
    trainable = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    if not trainable:
        raise TrainingError("nothing in the model is trainable")
    paths = [_path(parts, part, "model") for part in recipe.adapt]
    for name in trainable:
        own = name.removeprefix("base_model.model.")
        if "lora_" not in name or not any(own.startswith(f"{path}.") for path in paths):
            raise TrainingError(
                f"`{name}` would be trained, but only adapters of these parts may be: {', '.join(recipe.adapt)}"
            )


def adapter_weights(tuned: Any) -> dict[str, Any]:
    """The adapters' weights, whole. Where they are spread over several processes (FSDP), every process must call it."""
    from torch.distributed.tensor import DTensor

    return {
        name: value.full_tensor() if isinstance(value, DTensor) else value
        for name, value in tuned.state_dict().items()
        if "lora_" in name
    }


def check_causal(model: Any, row: dict[str, Any]) -> None:
    """Check that the model, on a row as it is encoded for training, cannot see the tokens that it is to predict.

    Some families let a prompt look ahead, and tell prompt from answer by marks of their own (PaliGemma). Without these
    a run would seem to learn wonderfully, and nothing would come of it.

    Raises:
        TrainingError: changing the last token changes what is predicted before it.
    """
    import torch

    inputs = {key: value.to(model.device) for key, value in row.items() if key != LOSS_WEIGHTS}
    changed = inputs | {"input_ids": inputs["input_ids"].clone()}
    changed["input_ids"][0, -1] = changed["input_ids"][0, -2]
    model.eval()  # without dropout
    with torch.no_grad(), mixed_precision(model):
        before, after = (model(**each).logits[0, :-1].float() for each in (inputs, changed))
    if not torch.allclose(before, after, rtol=1e-2, atol=1e-2):
        raise TrainingError(
            f"a {type(model.get_base_model()).__name__} sees tokens of the answer before it has predicted them, in the "
            "way in which rows are encoded here: this family is not supported"
        )
