"""Metrics as TensorBoard reads them, beside `metrics.jsonl`; nothing but numbers, and nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"


class EventFiles:
    """Event files in a run's folder; opened for a run that begins after `step`, TensorBoard hides what lies beyond."""

    def __init__(self, folder: Path, step: int = 0) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def write(self, line: Mapping[str, Any]) -> None:
        """The numbers of a line of metrics, by name, at its step; they are on the disk when this returns."""
        for name, value in line.items():
            if name != "step" and isinstance(value, int | float):
                self._writer.add_scalar(f"train/{name}", value, line["step"])
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
