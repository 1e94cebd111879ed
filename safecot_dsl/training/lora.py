"""LoRA on the language model alone."""

from __future__ import annotations

import re
from typing import Any

from safecot_dsl.models.quiet import quiet_libraries
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.recipe import TrainingRecipe

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
# What families call it: Idefics and SmolVLM the one; LLaVA, Qwen-VL, Gemma and InternVL the other.
_LANGUAGE_MODEL = r"(?:text_model|language_model)"
_ELSEWHERE = re.compile(r"vision|visual|image|connector|projector|audio", re.IGNORECASE)


def add_lora(model: Any, recipe: TrainingRecipe) -> Any:
    """The model with fresh adapters on its language model's linear layers, and nothing else trainable.

    Raises:
        TrainingError: no layer of these names is in the language model, or a trainable parameter lies outside it.
    """
    from peft import LoraConfig, get_peft_model

    names = recipe.target_modules or PROJECTIONS
    # The bare names would also match vision towers that use them (peft#2615).
    pattern = rf".*\b{_LANGUAGE_MODEL}\b.*\.(?:{'|'.join(map(re.escape, names))})"
    if not any(re.fullmatch(pattern, name) for name, _ in model.named_modules()):
        raise TrainingError(
            f"no layer named {', '.join(names)} lies in the language model of a {type(model).__name__}; its linear "
            f"layers there are {', '.join(_linear_names(model)) or 'none'}: name them in `target_modules`"
        )
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=pattern,
    )
    with quiet_libraries():
        tuned: Any = get_peft_model(model, config)
    check_trainable(tuned)
    return tuned


def check_trainable(model: Any) -> None:
    """Check that what is trained are adapters of the language model only.

    Raises:
        TrainingError: naming the first parameter that is not.
    """
    trainable = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    if not trainable:
        raise TrainingError("nothing in the model is trainable")
    for name in trainable:
        if _ELSEWHERE.search(name) or "lora_" not in name or not re.search(_LANGUAGE_MODEL, name):
            raise TrainingError(f"`{name}` would be trained, but only adapters of the language model may be")


def check_causal(model: Any, row: dict[str, Any]) -> None:
    """Check that the model, on a row as it is encoded for training, cannot see the tokens that it is to predict.

    Some families let a prompt look ahead, and tell prompt from answer by marks of their own (PaliGemma). Without these
    a run would seem to learn wonderfully, and nothing would come of it.

    Raises:
        TrainingError: changing the last token changes what is predicted before it.
    """
    import torch

    inputs = {key: value.to(model.device) for key, value in row.items()}
    changed = inputs | {"input_ids": inputs["input_ids"].clone()}
    changed["input_ids"][0, -1] = changed["input_ids"][0, -2]
    model.eval()  # without dropout
    with torch.no_grad(), torch.autocast(model.device.type, torch.bfloat16, enabled=model.device.type == "cuda"):
        before, after = (model(**each).logits[0, :-1].float() for each in (inputs, changed))
    if not torch.allclose(before, after, rtol=1e-2, atol=1e-2):
        raise TrainingError(
            f"a {type(model.get_base_model()).__name__} sees tokens of the answer before it has predicted them, in the "
            "way in which rows are encoded here: this family is not supported"
        )


def _linear_names(model: Any) -> list[str]:
    from torch.nn import Linear

    inside = [n for n, m in model.named_modules() if isinstance(m, Linear) and re.search(_LANGUAGE_MODEL, n)]
    return sorted({name.rpartition(".")[2] for name in inside})
