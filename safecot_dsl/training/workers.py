"""Tensors made by several processes, in order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from safecot_dsl.systems import processors
from safecot_dsl.training.processes import process_count

if TYPE_CHECKING:
    from torch import Tensor

_MANY, _MOST = 500, 8


def default_workers(items: int) -> int:
    """How many processes make so many rows' tensors: none where starting them would take as long as they save, and none
    where they cannot begin as this one is now (Windows), or should not (macOS, whose libraries do not bear a fork)."""
    mine = processors() // process_count()
    return min(_MOST, mine - 1) if sys.platform == "linux" and items >= _MANY and mine > 2 else 0


def in_workers(
    make: Callable[[int], dict[str, Tensor] | str], numbers: Sequence[int], workers: int
) -> Iterator[dict[str, Tensor] | str]:
    """What `make` gives for each number, in this order, made by so many processes that begin as this one is now."""
    from torch.utils.data import DataLoader

    loader: Any = DataLoader(
        _RowDataset(make),  # pyright: ignore[reportArgumentType]  (it has what a Dataset needs)
        batch_size=None,
        sampler=numbers,
        num_workers=workers,
        multiprocessing_context="fork",
    )
    for made in loader:
        # What a worker sends lies in shared memory, of which there is little.
        yield made if isinstance(made, str) else {key: value.clone() for key, value in made.items()}


class _RowDataset:
    def __init__(self, make: Callable[[int], dict[str, Tensor] | str]) -> None:
        self._make = make

    def __getitem__(self, number: int) -> dict[str, Tensor] | str:
        return self._make(number)
