"""Training curves, read from a training run's `metrics.jsonl`."""

from __future__ import annotations

import json
import math
from pathlib import Path

from safecot_dsl.artifact.base import Frozen


class Curve(Frozen):
    """The loss at each logged step, of one training run."""

    steps: tuple[int, ...]
    losses: tuple[float, ...]


class CurveError(ValueError):
    """The file is no log of a training run."""


def read_curve(path: Path) -> Curve:
    """The curve in a `metrics.jsonl`: the lines that carry `step` and `loss`, in the order of steps.

    A step that a resumed run logged again counts once, as last logged. A torn last line is left out. Raises
    :class:`CurveError` for any other line that is no JSON object.
    """
    losses: dict[int, float] = {}
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines):
                break
            raise CurveError(f"{path}:{number}: not a JSON object: {error}") from error
        if not isinstance(row, dict):
            raise CurveError(f"{path}:{number}: not a JSON object")
        step, loss = row.get("step"), row.get("loss")
        if isinstance(step, int) and isinstance(loss, int | float) and math.isfinite(loss):
            losses[step] = float(loss)
    ordered = sorted(losses.items())
    return Curve(steps=tuple(step for step, _ in ordered), losses=tuple(loss for _, loss in ordered))
