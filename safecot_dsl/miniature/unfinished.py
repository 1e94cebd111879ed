"""What a build has learnt so far, in one file beside the folder to come, so that a build that was killed goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.storage import write_whole

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

#: Steps between two saves: half a minute's work, for a file of some 20 MB.
SAVED_EVERY = 100


@dataclass(frozen=True)
class Unfinished:
    """The state of a build in safetensors: weights, the optimizers' tensors, the phase and the steps done in it.

    `key` stands for everything that decides what is learnt; a file with another key is of another build, and counts
    for nothing, as does one that cannot be read.
    """

    path: Path
    key: str

    def save(self, phase: str, done: int, model: nn.Module, optimizers: Sequence[Optimizer]) -> None:
        """Replace the file, whole or not at all."""
        from safetensors.torch import save

        tensors = {f"weight {name}": weight.detach() for name, weight in model.named_parameters()}
        for which, optimizer in enumerate(optimizers):
            for number, of in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer {which} {number} {name}": value for name, value in of.items()}
        said = {"key": self.key, "phase": phase, "done": str(done)}
        write_whole(self.path, save({name: value.contiguous() for name, value in tensors.items()}, said))

    def begun(self) -> tuple[str, int]:
        """The phase that the file was saved in and the steps done in it; `("", 0)` where there is none to go on
        from."""
        said = self._read()[0]
        return said.get("phase", ""), int(said.get("done", "0"))

    def restore(self, model: nn.Module, optimizers: Sequence[Optimizer]) -> None:
        """Put the file's weights into the model, and its state into the optimizers, which are those it was saved
        with."""
        import torch

        tensors = self._read()[1]
        with torch.no_grad():
            for name, weight in model.named_parameters():
                weight.copy_(tensors[f"weight {name}"])
        for which, optimizer in enumerate(optimizers):
            states: dict[int, dict[str, Tensor]] = {}
            for name, value in tensors.items():
                kind, *rest = name.split(" ")
                if kind == "optimizer" and int(rest[0]) == which:
                    states.setdefault(int(rest[1]), {})[rest[2]] = value
            optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def _read(self) -> tuple[Mapping[str, str], Mapping[str, Any]]:
        """What the file says of itself, and its tensors; nothing where it is missing, torn or of another build."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, "pt") as file:
                said: dict[str, str] = file.metadata() or {}
                if said.get("key") != self.key:
                    return {}, {}
                return said, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        except (OSError, SafetensorError):
            return {}, {}


def build_key(*parts: object) -> str:
    """A text that is equal for equal parts: JSON values, and tensors by their bytes."""
    import hashlib

    digest = hashlib.sha256()
    for part in parts:
        array = getattr(part, "numpy", None)
        digest.update(array().tobytes() if array is not None else json.dumps(part).encode())
    return digest.hexdigest()
