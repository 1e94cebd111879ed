"""In which numbers a model computes: bfloat16 where the device is fast in it and the model loses nothing by it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


def dtype_for(device: str, saved: Any) -> Any:
    """The type to load weights in, for a device and the type that they are `saved` in (None where that does not count).

    On a GPU it is bfloat16. On a CPU it is bfloat16 for weights that were saved so, where the processor multiplies
    matrices in it (AMX, AVX512-BF16): half the memory, and less time for whole batches. Else it is float32. Answers are
    written in float32 on a CPU, a token at a time, where an adapter can be merged: that is three times as fast.
    """
    import torch

    if torch.device(device).type != "cpu":
        return torch.bfloat16
    return torch.bfloat16 if saved == torch.bfloat16 and has_fast_bfloat16() else torch.float32


def has_fast_bfloat16() -> bool:
    """Whether this processor has instructions for matrix products in bfloat16."""
    import torch

    found = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}  # from torch 2.11 on
    return any(found.get(name) for name in ("amx_bf16", "amx_tile", "avx512_bf16", "bf16"))


def mixed_precision(model: Any) -> AbstractContextManager[Any]:
    """For passes through a model with adapters or a head in float32: matrix products in bfloat16 where its weights are,
    and float32 throughout where these are float32. A GPU always mixes."""
    import torch

    kind = model.device.type
    return torch.autocast(kind, torch.bfloat16, enabled=mixes_precision(model))


def mixes_precision(model: Any) -> bool:
    """Whether :func:`mixed_precision` computes in bfloat16."""
    import torch

    return model.device.type == "cuda" or model.dtype == torch.bfloat16
