"""What both trainings of the base share: batches of shuffled rows, a phase that goes on from what was saved of it, and
one update at a rate that rises and falls."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from safecot_dsl.miniature.unfinished import Unfinished
from safecot_dsl.storage import Progress

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

RATE = 2e-3


def shuffled_batches(n: int, size: int, seed: int, lengths: Tensor | None = None) -> Iterator[Tensor]:
    """Endless batches (size,) of row numbers: each row once, in an order drawn anew, before any comes again.

    With `lengths` (n,), rows of like length stand together: of 16 batches at a time the rows are sorted, which saves a
    fifth of the tokens in padding.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    size = min(size, n)
    while True:
        order = torch.randperm(n, generator=generator)
        for pool in order[: n - n % size].split(16 * size):
            if lengths is not None:
                pool = pool[lengths[pool].argsort(stable=True)]
            batches = pool.reshape(-1, size)
            yield from batches[torch.randperm(len(batches), generator=generator)]


def begin_phase(
    phase: str,
    steps: int,
    model: nn.Module,
    optimizers: Sequence[Optimizer],
    progress: Progress,
    unfinished: Unfinished,
) -> int:
    """Show the phase, put back what an earlier build learnt in it, and give the steps that it did."""
    saved, done = unfinished.begun()
    if saved == phase:
        unfinished.restore(model, optimizers)
    else:
        done = 0
    progress.start(f"base: {phase}", steps, completed=done, unit="steps")
    return done


def update(
    optimizers: Sequence[Optimizer],
    weights: Sequence[Tensor],
    loss: Tensor,
    step: int,
    steps: int,
    warmup: int,
    least: float = 0.05,
) -> None:
    """One update by a `loss` (); the rate rises over `warmup` steps and then falls along a cosine to a share `least` of
    itself."""
    import torch

    fall = least + (1 - least) * 0.5 * (1 + math.cos(math.pi * step / steps))
    for group in (group for optimizer in optimizers for group in optimizer.param_groups):
        group["lr"] = RATE * group["part"] * min(1.0, (step + 1) / warmup) * fall
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    for optimizer in optimizers:
        optimizer.step()
