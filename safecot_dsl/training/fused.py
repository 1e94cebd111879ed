"""A linear layer with its LoRA adapter as one operation.

PEFT's own layer multiplies, scales and adds in passes of their own, each over all of the layer's output; here the
adapter's part is added by the matrix product itself, forward and backward. It is the same sum, so the numbers are those
of PEFT's layer but for rounding. In a small model these passes are a seventh of the step. Dropout before the adapter
is PEFT's on a GPU. On a CPU it has draws of its own: PyTorch's dropout takes 14 ns a number on one thread, which made
it the costliest part of a small model's step; with sixteen bits out of whole random words it takes 8.
"""

from __future__ import annotations

import functools
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_LEVELS = 1 << 16  # of a random number that says whether to keep one


class _LoraLinear(torch.autograd.Function):
    """x·Wᵀ + bias + scale · (d·Aᵀ)·Bᵀ, with no gradient for W and bias; d is x after dropout, None for x itself."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,
        x: Tensor,
        dropped: Tensor | None,
        weight: Tensor,
        bias: Tensor | None,
        down: Tensor,
        up: Tensor,
        scale: float,
    ) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        adapted = flat if dropped is None else dropped.reshape(-1, x.shape[-1])
        inner = adapted @ down.t()
        made = torch.nn.functional.linear(flat, weight, bias)
        made.addmm_(inner, up.t(), alpha=scale)
        ctx.save_for_backward(adapted, weight, down, up, inner)
        ctx.scale, ctx.dropped = scale, dropped is not None
        return made.view(*x.shape[:-1], weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        adapted, weight, down, up, inner = ctx.saved_tensors
        above = gradients[0].reshape(-1, gradients[0].shape[-1])
        of_inner = torch.mm(above, up).mul_(ctx.scale)
        of_up = torch.mm(above.t(), inner).mul_(ctx.scale)
        of_down = torch.mm(of_inner.t(), adapted)
        of_x = of_dropped = None
        shape = (*gradients[0].shape[:-1], weight.shape[1])
        if ctx.needs_input_grad[0]:
            of_x = torch.mm(above, weight)
            if not ctx.dropped:
                of_x.addmm_(of_inner, down)
            of_x = of_x.view(shape)
        if ctx.needs_input_grad[1]:
            of_dropped = torch.mm(of_inner, down).view(shape)
        return of_x, of_dropped, None, None, of_down, of_up, None


def fits(layer: Any) -> bool:
    """Whether a module is a LoRA layer that this is the same as: one plain adapter over a frozen linear layer."""
    from peft.tuners.lora import Linear

    if type(layer) is not Linear or type(layer.base_layer) is not torch.nn.Linear:
        return False
    base, names = layer.base_layer, layer.active_adapters
    return (
        len(names) == 1
        and names[0] in layer.lora_A
        and not layer.disable_adapters
        and not layer.merged
        and not layer.fan_in_fan_out
        and names[0] not in layer.lora_variant
        and isinstance(layer.lora_dropout[names[0]], torch.nn.Identity | torch.nn.Dropout)
        and not layer.lora_bias[names[0]]
        and not any(parameter.requires_grad for parameter in base.parameters())
    )


def _fused(layer: Any, plain: Any, x: Tensor, *arguments: Any, **options: Any) -> Tensor:
    # Looked at in every call: generation and a reference switch adapters off for a while.
    if arguments or options or layer.disable_adapters or layer.merged:
        return plain(x, *arguments, **options)
    weight = layer.base_layer.weight
    autocast = torch.is_autocast_enabled(x.device.type)
    name = layer.active_adapters[0]
    down, up = layer.lora_A[name].weight, layer.lora_B[name].weight
    if autocast:
        kind = torch.get_autocast_dtype(x.device.type)
        x, weight, down, up = (each.to(kind) for each in (x, weight, down, up))
    if not x.dtype == weight.dtype == down.dtype == up.dtype:
        return plain(x)
    bias = layer.base_layer.bias
    with torch.autocast(x.device.type, enabled=False):
        dropout = layer.lora_dropout[name]
        dropped = _dropped(x, dropout) if isinstance(dropout, torch.nn.Dropout) and dropout.training else None
        return _LoraLinear.apply(  # pyright: ignore[reportReturnType]
            x, dropped, weight, bias if bias is None else bias.to(x.dtype), down, up, layer.scaling[name]
        )


def _dropped(x: Tensor, dropout: torch.nn.Dropout) -> Tensor:
    """x with each number zero at the dropout's rate (to 1/65536) and else divided by the share that is kept."""
    kept = round((1 - dropout.p) * _LEVELS)
    if x.device.type != "cpu" or dropout.inplace or not 0 < kept < _LEVELS:
        return dropout(x)
    count = x.numel()
    # All 2⁶⁴ words are equally likely, so each of a word's four 16-bit numbers is anything from -2¹⁵ to 2¹⁵ - 1.
    words = torch.empty(-(-count // 4), dtype=torch.int64).random_(torch.iinfo(torch.int64).min, None)
    keep = words.view(torch.int16)[:count].view(x.shape) < kept - _LEVELS // 2
    return x * keep.to(x.dtype).mul_(_LEVELS / kept)


@contextmanager
def fused_lora(model: Any) -> Generator[int]:
    """While the block runs, those LoRA layers of `model` that this fits are computed so; gives how many there are."""
    layers = [module for module in model.modules() if fits(module)]
    for layer in layers:
        layer.forward = functools.partial(_fused, layer, layer.forward)
    try:
        yield len(layers)
    finally:
        for layer in layers:
            del layer.forward
