"""A run that asks no model."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.evaluation import ask
from safecot_dsl.pipeline import Run
from safecot_dsl.pipeline.answers import BASELINES
from safecot_dsl.storage import run_stage


class Answered(Run):
    """A run whose base complies with everything, so that no model is needed."""

    def answers(self, arm: str) -> Path:
        model = BASELINES.get(arm, BASELINES["comply_with_everything"])(self.policy)
        folder = self.out / "arms" / arm / "answers"

        def work(made: Path) -> None:
            ask(model, self.items, made / "answers.jsonl", batch_size=8, max_new_tokens=8)

        run_stage(folder, {"arm": arm}, work)
        return folder / "answers.jsonl"
