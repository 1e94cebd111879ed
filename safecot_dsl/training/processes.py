"""Several processes at one run, as `accelerate launch` and `torchrun` start them: who is first, and what they share."""

from __future__ import annotations

import atexit
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


def process_count() -> int:
    """How many processes are at this run; 1 where nobody started more."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process is the one that writes files and talks."""
    return rank() == 0


def share(value: T) -> T:
    """The first process's `value`, in every process; each must call it at the same point."""
    if process_count() == 1:
        return value
    import torch

    _join()
    box: list[Any] = [value]
    torch.distributed.broadcast_object_list(box, src=0)
    return box[0]


def rank() -> int:
    """Which of the processes this is, from 0."""
    return int(os.environ.get("RANK", "0"))


def gather(value: T) -> list[T]:
    """Every process's `value`, by rank; each must call it at the same point."""
    if process_count() == 1:
        return [value]
    import torch

    _join()
    values: list[Any] = [None] * process_count()
    torch.distributed.all_gather_object(values, value)
    return values


def add_up(tensors: Sequence[Tensor]) -> None:
    """Put the sum over all processes into each tensor, which are of one type; each must call it at the same point."""
    if process_count() == 1:
        return
    import torch

    _join()
    joined = torch.cat([tensor.flatten() for tensor in tensors])
    torch.distributed.all_reduce(joined)
    for tensor, part in zip(tensors, joined.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def wait_for_all() -> None:
    """Return when every process has come here."""
    share(0)


@contextmanager
def first_alone() -> Generator[None]:
    """The block runs in the first process, and when it is done there, in the others."""
    if not is_first():
        wait_for_all()
    yield
    if is_first():
        wait_for_all()


def _join() -> None:
    """Join the group of processes, over gloo on a CPU, over nccl on GPUs; it is left when this process ends."""
    import torch
    from accelerate import PartialState

    if torch.distributed.is_initialized():
        return
    PartialState(cpu=not torch.cuda.is_available())
    # Torn down by the interpreter instead, gloo's threads may still be running, which aborts a process that was done.
    atexit.register(torch.distributed.destroy_process_group)
