"""What a run says of itself: `metrics.jsonl`, `rewards.jsonl` and `samples.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from safecot_dsl.storage import write_whole
from safecot_dsl.training.grpo.answers import Round
from safecot_dsl.training.grpo.requests import RowRequest
from safecot_dsl.training.metrics import Metrics, read_log
from safecot_dsl.training.objective import METRICS
from safecot_dsl.training.recipe import TrainingRecipe

REWARDS = "rewards.jsonl"  # a line each step: what the answers earned, by part
SAMPLES = "samples.jsonl"  # the answers to one request, with what they earned, as often as a line of the metrics


class Logs:
    """Writes the lines of a run that begins after `step`; what lies beyond that is dropped first."""

    def __init__(self, folder: Path, asked: Sequence[RowRequest], recipe: TrainingRecipe, step: int) -> None:
        self._metrics = Metrics(folder / METRICS, step, recipe.report_to)
        self._rewards, self._samples = folder / REWARDS, folder / SAMPLES
        self._asked, self._every = asked, recipe.logging_steps
        lines = _cut_back(self._rewards, step)
        _cut_back(self._samples, step)
        self._rates = [line for line in lines if line["step"] > step - step % self._every]

    def step(
        self, step: int, numbers: Mapping[str, float], rate: float, tokens: int, asked: Round, *, last: bool
    ) -> None:
        """Write what a step came to: `numbers` by name, the loss and the gradient's norm among them."""
        self._rates.append({"step": step, **numbers})
        _append(self._rewards, self._rates[-1])
        if step % self._every and not last:
            return
        means = {name: fmean(line[name] for line in self._rates) for name in numbers}
        self._rates = []
        loss, norm = means.pop("loss"), means.pop("grad_norm")
        self._metrics.append(step, loss, rate, norm, tokens=tokens, more=means)
        _append(self._samples, {"step": step, **self._sample(asked)})
        if last:
            self._metrics.close()

    def _sample(self, asked: Round) -> dict[str, Any]:
        """The answers to the round's first request."""
        row = asked.own[0].row
        answers = [
            {"reward": one.reward.total, "parts": dict(one.reward.parts), "finished": one.drawn.finished}
            | {"text": one.drawn.text}
            for one in asked.own
            if one.row == row
        ]
        return {"row": self._asked[row].id, "prompt": self._asked[row].request.prompt, "answers": answers}


def _cut_back(path: Path, step: int) -> list[dict[str, Any]]:
    kept = [line for line in read_log(path) if line["step"] <= step]
    write_whole(path, "".join(map(_line, kept)))
    return kept


def _append(path: Path, record: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(_line(record))


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"
