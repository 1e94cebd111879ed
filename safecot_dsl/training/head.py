"""The loss of a batch from its hidden states, some positions at a time: its logits are never in memory all at once.

A vocabulary of 262,144 words is a megabyte of logits for every token to be learnt, and a loss over them takes four
times that: a batch of eight short answers is gigabytes. As the head that makes logits is not trained, the gradient of
its inputs is known as soon as a part's logits are, and nothing else of them is kept (as in Liger's fused linear cross
entropy, arXiv 2410.10989, section 3.2).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from safecot_dsl.models.tensors import IGNORED
from safecot_dsl.training.processes import process_count

_PART = 1 << 25  # logits at once: 128 MB in float32
#: With fewer words the logits of a batch are small, and what is saved is not worth the detour.
LARGE_VOCABULARY = 1 << 15


def why_not_in_parts(model: Any) -> str | None:
    """What keeps a model's loss (`model` without a PEFT model around it) from being worked out in parts; None where
    nothing is known to."""
    head = model.get_output_embeddings()
    if process_count() > 1:
        return "several processes may share its head"  # FSDP has it whole inside of the model's own pass alone
    if type(head) is not torch.nn.Linear:
        return f"its head is a {type(head).__name__}, not a plain linear layer"
    if any(parameter.requires_grad for parameter in head.parameters()):
        return "its head is trained"
    if head.weight.shape[0] < LARGE_VOCABULARY:
        return f"its vocabulary of {head.weight.shape[0]} words is small"
    return None


@contextmanager
def without_head(model: Any) -> Generator[Any]:
    """While the block runs, `model` gives hidden states where it gave logits; its head is handed over."""
    head = model.get_output_embeddings()
    head.forward = _unchanged
    try:
        yield head
    finally:
        del head.forward  # the class's own


def _unchanged(hidden: Tensor) -> Tensor:
    return hidden


def summed_loss(head: Any, hidden: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    """The sum of the targets' cross entropies in nats, each times its weight if there are `weights`. `hidden` are the
    head's inputs (rows, positions, width), `targets` words or `IGNORED` (rows, positions)."""
    learnt = targets != IGNORED
    counted = torch.ones_like(targets, dtype=torch.float32)[learnt] if weights is None else weights[learnt].float()
    return _SummedLoss.apply(hidden[learnt], head.weight, head.bias, targets[learnt], counted)  # pyright: ignore[reportReturnType]


class _SummedLoss(torch.autograd.Function):
    """From hidden states (targets, width) to a number, with no gradient for the head."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, counted: Tensor
    ) -> Tensor:
        size = max(1, _PART // weight.shape[0])
        total = hidden.new_zeros((), dtype=torch.float32)
        gradient = torch.empty_like(hidden)
        # In autocast a frozen weight would be cast again for each part.
        with torch.autocast(hidden.device.type, enabled=False):
            for start in range(0, len(hidden), size):
                part = slice(start, start + size)
                logits = torch.nn.functional.linear(hidden[part].to(weight.dtype), weight, bias).float()
                aimed, share = targets[part, None], counted[part, None]
                right, top = logits.gather(1, aimed), logits.amax(1, keepdim=True)
                logits.sub_(top).exp_()  # in place: a pass over a part's logits is up to a third of its product
                mass = logits.sum(1, keepdim=True)
                total += ((mass.log() + top - right) * share).sum()
                if not ctx.needs_input_grad[0]:
                    continue
                logits.mul_(share / mass).scatter_add_(1, aimed, -share)
                gradient[part] = (logits.to(weight.dtype) @ weight).to(hidden.dtype)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0].to(gradient.dtype), None, None, None, None
