"""LoRA on the language model alone."""

from __future__ import annotations

import re
from typing import Any

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


def _linear_names(model: Any) -> list[str]:
    from torch.nn import Linear

    inside = [n for n, m in model.named_modules() if isinstance(m, Linear) and re.search(_LANGUAGE_MODEL, n)]
    return sorted({name.rpartition(".")[2] for name in inside})
