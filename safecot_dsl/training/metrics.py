"""`metrics.jsonl`: one line for every `logging_steps` steps, none twice, whatever was killed and resumed.

The same lines can go to TensorBoard, beside it: nothing but numbers, and nothing leaves the machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, cast

from safecot_dsl.storage import write_whole


class Line(TypedDict):
    """What one line says."""

    step: int
    loss: float  # mean over the steps since the line before, nats a labelled token
    learning_rate: float
    grad_norm: float  # before clipping
    seconds: float  # of training so far; what a killed run did after its last checkpoint does not count
    tokens: int  # of the rows so far, prompts and image tokens included, padding not


class Metrics:
    """Appends lines; opened for a run that begins after `step`, it drops what lies beyond that."""

    def __init__(self, path: Path, step: int = 0, report_to: Sequence[Literal["tensorboard"]] = ()) -> None:
        self._path = path
        self._events = EventFiles(path.with_name(FOLDER), step) if "tensorboard" in report_to else None
        kept = [line for line in read_metrics(path) if line["step"] <= step]
        write_whole(path, "".join(json.dumps(line) + "\n" for line in kept))
        self._earlier = kept[-1]["seconds"] if kept else 0.0
        self._began = time.monotonic()

    def append(
        self,
        step: int,
        loss: float,
        learning_rate: float,
        grad_norm: float,
        tokens: int,
        more: Mapping[str, float] | None = None,
    ) -> Line:
        """Write a line; `more` is what the run's objective says besides, by name."""
        line = Line(
            step=step,
            loss=loss,
            learning_rate=learning_rate,
            grad_norm=grad_norm,
            seconds=round(self._earlier + time.monotonic() - self._began, 3),
            tokens=tokens,
        )
        line.update(cast("Line", more or {}))
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if self._events is not None:
            self._events.write(line)
        return line


def read_metrics(path: Path) -> list[Line]:
    """The lines of a metrics file, as :func:`read_log` gives them."""
    return cast("list[Line]", read_log(path))


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a file to which a run appends, in order; none where there is no file, and not a last one that was
    torn."""
    lines: list[dict[str, Any]] = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines


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
