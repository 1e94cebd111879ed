"""`metrics.jsonl`: one line for every `logging_steps` steps, none twice, whatever was killed and resumed.

The same numbers can go to others besides: :mod:`safecot_dsl.training.trackers`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, cast

from safecot_dsl.storage import write_whole
from safecot_dsl.training.trackers import TrackerName, Trackers


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

    def __init__(self, path: Path, step: int = 0, report_to: Sequence[TrackerName] = ()) -> None:
        self._path = path
        self._trackers = Trackers(path.parent, report_to, step) if report_to else None
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
        if self._trackers is not None:
            self._trackers.log(line)
        return line

    def close(self) -> None:
        """End the run with whoever else gets the lines."""
        if self._trackers is not None:
            self._trackers.close()


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
