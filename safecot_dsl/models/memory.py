"""The batch size of generation by the memory that is free, and how running out of memory is noticed."""

from __future__ import annotations

from typing import Any

_MOST = 256  # rows; more gain nothing, see benchmarks/inference
_SHARE = 0.6  # of the free memory; the rest is for what the layers make in passing


def fitting_batch_size(model: Any, tokens: int) -> int:
    """How many rows of `tokens` tokens (prompt and answer) to write at once, by the free memory of the model's device.
    It is a start: whoever runs out of memory halves it."""
    free = _free(model.device)
    # A step makes the cache anew, one token longer, beside the old one, where there is no more room.
    return max(1, min(_MOST, int(_SHARE * free / (2 * tokens * bytes_per_token(model)))))


def _free(device: Any) -> int:
    if device.type == "cuda":
        import torch

        return torch.cuda.mem_get_info(device)[0]
    import psutil

    return psutil.virtual_memory().available


def bytes_per_token(model: Any) -> int:
    """What the keys and values of one token take, in all layers."""
    config = model.config.get_text_config(decoder=True)
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * width * model.dtype.itemsize


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device has run out of memory."""
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "not enough memory" in str(error)  # as torch says it of a CPU


def release_memory() -> None:
    """Give back what torch keeps for later."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
