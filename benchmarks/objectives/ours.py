"""Our run: `python -m benchmarks.objectives.ours SETUP`, a `Setup` in JSON; prints what it measured in JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.objectives.setup import Clock, Setup, Stopped, digest, measured, started
from safecot_dsl.render import Reasoning, Tags
from safecot_dsl.storage import Progress
from safecot_dsl.training.metrics import read_metrics
from safecot_dsl.training.objective import METRICS
from safecot_dsl.workspace import compile_policy

#: What is kept of the metrics, under the names that both sides share.
LOGGED = {
    "dpo": {"rewards/margins": "margin", "logps/chosen": "logps/chosen"},
    "grpo": {
        "reward": "reward",
        "rewards/verdict": "verdict",
        "completions/mean_length": "length",
        "frac_reward_zero_std": "ties",
    },
}


class _Marking(Progress):
    """Marks the clock where a step of training ends, and stops the run where it is to be stopped."""

    def __init__(self, clock: Clock, setup: Setup) -> None:
        super().__init__(quiet=True)
        self._clock, self._setup = clock, setup
        self._training, self._step = False, 0

    def start(self, description: str, *arguments: Any, **options: Any) -> None:
        self._training = description == "training"
        self._step = options.get("completed", 0)
        super().start(description, *arguments, **options)

    def advance(self, n: int = 1, **fields: Any) -> None:
        super().advance(n, **fields)
        if self._training and n:
            self._clock.mark()
            self._step += 1
            self._setup.ends_after(self._step)


def main(setup: Setup) -> None:
    from safecot_dsl.training.dpo.run import train_dpo
    from safecot_dsl.training.grpo.run import train_grpo

    model, _, chat = started(setup)
    policy = compile_policy(Path(setup.policy))
    folder, data, recipe = Path(setup.folder), Path(setup.data), setup.recipe()
    folder.mkdir(parents=True, exist_ok=True)
    clock = Clock()
    with _Marking(clock, setup) as progress:
        try:
            if setup.objective == "dpo":
                train_dpo(folder, data, model, chat, recipe, progress=progress)
            else:
                train_grpo(folder, data, model, chat, policy, recipe, Tags(), Reasoning(), progress=progress)
        except Stopped:
            return
    lines = list(read_metrics(folder / METRICS))
    print(measured(clock, lines[-len(clock.marks) :], LOGGED[setup.objective], digest(model)).line)  # noqa: T201


if __name__ == "__main__":
    main(Setup(**json.loads(sys.argv[1])))
