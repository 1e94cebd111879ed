"""A watch on losses that does not make a GPU wait for each of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class _Sent:
    """A loss on its way from the GPU."""

    step: int
    loss: Tensor  # in memory of the host's that the GPU writes to
    arrived: Any  # a CUDA event

    def value(self) -> float:
        self.arrived.synchronize()
        return float(self.loss)


class FiniteLosses:
    """Calls for help at the first loss that is not finite.

    On a GPU a loss is looked at when the next one has been asked for: reading it at once would leave the GPU without
    work. What must not be done with such a loss, saving a checkpoint say, comes after `settle`.
    """

    def __init__(self, diverged: Callable[[int, float], None]) -> None:
        """`diverged` is told the step and its loss, and raises."""
        self._diverged = diverged
        self._sent: list[_Sent] = []

    def add(self, step: int, loss: Tensor) -> None:
        """The loss () of one of the step's batches, in nats."""
        if loss.device.type != "cuda":
            self._check(step, float(loss))
            return
        host = torch.empty((), dtype=torch.float32, pin_memory=True)
        host.copy_(loss.detach().float(), non_blocking=True)
        event = torch.cuda.Event()
        event.record()
        self.send(step, host, event)

    def send(self, step: int, loss: Tensor, arrived: Any) -> None:
        """A loss () that is there once `arrived` has been waited for."""
        self._sent.append(_Sent(step, loss, arrived))
        while len(self._sent) > 1:
            self._look()

    def settle(self) -> None:
        """Look at all losses so far."""
        while self._sent:
            self._look()

    def _look(self) -> None:
        sent = self._sent.pop(0)
        self._check(sent.step, sent.value())

    def _check(self, step: int, loss: float) -> None:
        if not math.isfinite(loss):
            self._diverged(step, loss)
