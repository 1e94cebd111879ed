"""What a run that was killed goes on from. The draws of answers are hashes, so no random state is part of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from safecot_dsl.storage import write_whole
from safecot_dsl.training.checkpoints import last_checkpoint, seal_checkpoint, step_of
from safecot_dsl.training.processes import is_first, share, wait_for_all

_WEIGHTS, _OPTIMIZER, _COUNTS = "adapter.safetensors", "optimizer.pt", "counts.json"


class CheckpointState:
    """The checkpoints of a run, and what it has counted: `tokens` of all requests and answers, and those `learnt`."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where the checkpoints are."""
        self._folder = folder
        self.tokens = 0
        self.learnt = 0

    def count(self, tokens: int, learnt: int) -> None:
        self.tokens += tokens
        self.learnt += learnt

    def load(self, parameters: Mapping[str, Tensor], optimizer: Any, scheduler: Any) -> int:
        """Go back to the last whole checkpoint: its step, 0 where there is none."""
        checkpoint = share(last_checkpoint(self._folder) if is_first() else None)
        if checkpoint is None:
            return 0
        weights = load_file(checkpoint / _WEIGHTS)
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(weights[name])
        saved = torch.load(checkpoint / _OPTIMIZER, weights_only=True)
        optimizer.load_state_dict(saved["optimizer"])
        scheduler.load_state_dict(saved["scheduler"])
        counts = json.loads((checkpoint / _COUNTS).read_text(encoding="utf-8"))
        self.tokens, self.learnt = counts["tokens"], counts["learnt"]
        return step_of(checkpoint)

    def save(self, step: int, parameters: Mapping[str, Tensor], optimizer: Any, scheduler: Any) -> None:
        """Write the checkpoint of `step`; the ones before it are removed."""
        if is_first():
            checkpoint = self._folder / f"checkpoint-{step}"
            checkpoint.mkdir(parents=True, exist_ok=True)
            save_file({name: p.detach().cpu().contiguous() for name, p in parameters.items()}, checkpoint / _WEIGHTS)
            saved = {"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}
            torch.save(saved, checkpoint / _OPTIMIZER)
            write_whole(checkpoint / _COUNTS, json.dumps({"tokens": self.tokens, "learnt": self.learnt}))
            seal_checkpoint(checkpoint)
        wait_for_all()
