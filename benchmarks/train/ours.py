"""Our run: `python -m benchmarks.train.ours SETUP`, a `Setup` in JSON; prints what it measured in JSON."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.train.setup import Clock, Setup, measured
from safecot_dsl.models.chat import Chat
from safecot_dsl.models.local import load_parts, stop_ids
from safecot_dsl.storage import Progress
from safecot_dsl.training.lora import add_lora
from safecot_dsl.training.metrics import read_metrics
from safecot_dsl.training.rows import EncodedRows
from safecot_dsl.training.schedule import Schedule


class _Marking(Progress):
    """Marks the clock where a step of training ends."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(quiet=True)
        self._clock = clock
        self._training = False

    def start(self, description: str, *arguments: Any, **options: Any) -> None:
        self._training = description == "training"
        super().start(description, *arguments, **options)

    def advance(self, n: int = 1, **fields: Any) -> None:
        if self._training and n:
            self._clock.mark()
        super().advance(n, **fields)


def main(setup: Setup) -> None:
    import torch
    from transformers import set_seed

    from safecot_dsl.training.trainer import run_steps

    torch.set_num_threads(setup.threads)
    base, processor = load_parts(setup.model)
    clock = Clock(base.device.type)
    recipe, chat = setup.recipe(), Chat(processor, stop_ids(base.generation_config))
    with _Marking(clock) as progress, tempfile.TemporaryDirectory() as folder:
        rows = EncodedRows(chat, setup.read(), max_tokens=None, progress=progress)
        schedule = Schedule(recipe, rows.images, rows.lengths)
        set_seed(recipe.seed)
        model = add_lora(base, recipe)
        metrics = Path(folder) / "metrics.jsonl"
        used = run_steps(
            model,
            rows,
            schedule,
            recipe,
            pad_id=chat.pad_id,
            checkpoints=Path(folder) / "checkpoints",
            metrics=metrics,
            fault=Path(folder) / "fault.json",
            progress=progress,
        )
        losses = [line["loss"] for line in read_metrics(metrics)]
    taken = [i for batch in schedule for i in batch]
    counts = (
        sum(rows.lengths[i] for i in taken),
        sum(rows.labelled[i] for i in taken),
        sum(rows.lengths[i] ** 2 for i in taken),
    )
    print(json.dumps(measured(clock, losses, counts, asdict(used)).record))  # noqa: T201


if __name__ == "__main__":
    main(Setup(**json.loads(sys.argv[1])))
