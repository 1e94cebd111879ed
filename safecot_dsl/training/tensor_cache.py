"""Tensors that are dear to make, kept by a name for what they were made from: in memory up to a bound, and on disk."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_numbers = itertools.count()


class TensorCache:
    """Named tensors by key. With a folder, each entry is a safetensors file there as well, which outlives the process;
    without one, what goes beyond the bound is not kept."""

    def __init__(self, folder: Path | None, in_memory: int) -> None:
        """`in_memory` is in bytes. Several processes may share the folder."""
        self._folder = folder
        self._left = in_memory
        self._memory: dict[str, dict[str, Tensor]] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> dict[str, Tensor] | None:
        """The tensors that were kept under the key; None where there are none, or only a damaged file."""
        found = self._memory.get(key)
        if found is not None or self._folder is None:
            return found
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            found = load_file(self._folder / key)
        except (OSError, SafetensorError):
            return None
        self._remember(key, found)
        return found

    def put(self, key: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep tensors under a key, which may be part of a file's name."""
        self._remember(key, dict(tensors))
        if self._folder is None:
            return
        from safetensors.torch import save_file

        # A file that a crash left torn is found out when it is read, so nothing is flushed here.
        partial = self._folder / f"{key}.{os.getpid()}.{next(_numbers)}"
        save_file({name: value.contiguous() for name, value in tensors.items()}, partial)
        partial.replace(self._folder / key)

    def release(self) -> None:
        """Forget what is in memory."""
        self._memory.clear()
        self._left = 0

    def holds(self, key: str) -> bool:
        """Whether the tensors are in memory."""
        return key in self._memory

    def __contains__(self, key: str) -> bool:
        return key in self._memory or (self._folder is not None and (self._folder / key).is_file())

    def _remember(self, key: str, tensors: dict[str, Tensor]) -> None:
        size = sum(value.nbytes for value in tensors.values())
        if size <= self._left and key not in self._memory:
            self._left -= size
            self._memory[key] = tensors
