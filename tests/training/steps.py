"""One step of a tiny model, taken apart: its loss and its gradient."""

from pathlib import Path
from typing import Any

import torch

from safecot_dsl.models.chat import Chat
from safecot_dsl.models.local import load_parts, stop_ids
from safecot_dsl.storage import Progress
from safecot_dsl.training import TrainingRecipe
from safecot_dsl.training.forward import step_weight, target_logits, target_loss
from safecot_dsl.training.lora import add_lora
from safecot_dsl.training.rows import EncodedRows, Row

#: No speed-up at all.
PLAIN = {"padding_free": False, "cache_image_features": False, "fused_lora": False}


def tuned_model(folder: Path, **settings: Any) -> tuple[Any, Chat]:
    """A model with an adapter that changes what it says: a fresh one would have no gradient in half of its weights."""
    base, processor = load_parts(str(folder), device="cpu")
    chat = Chat(processor, stop_ids(base.generation_config))
    torch.manual_seed(0)
    model = add_lora(base, TrainingRecipe(r=4, **settings))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return model, chat


def encoded(chat: Chat, rows: list[Row], **options: Any) -> EncodedRows:
    with Progress(quiet=True) as progress:
        return EncodedRows(chat, rows, max_tokens=None, progress=progress, **options)


def gradient(model: Any) -> torch.Tensor:
    """Of all that is trained, in one row."""
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.requires_grad and p.grad is not None])


def take(model: Any, batch: dict[str, Any]) -> tuple[float, torch.Tensor]:
    """The loss of a batch, and its gradient."""
    model.train()
    model.zero_grad()
    loss = target_loss(target_logits(model, batch, model.get_base_model()), batch, step_weight(batch))
    loss.backward()
    return loss.item(), gradient(model)
