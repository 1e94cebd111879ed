"""One measurement: which objective, on what, and how it is reported; the same for us and for TRL."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import resource
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal

from safecot_dsl.training import TrainingRecipe

#: Steps that are not timed: the first ones fill caches and allocators.
WARM_UP = 2
SEED = 3


class Stopped(Exception):
    """A run that was stopped after a step, as if it were killed."""


@dataclass(frozen=True)
class Setup:
    """`folder` is where a run keeps its checkpoints: one that finds some goes on from the last. `stop` is the step
    after which it ends as if killed."""

    objective: Literal["dpo", "grpo"]
    model: str
    data: str
    policy: str
    start: str  # the adapter that training begins with
    folder: str
    steps: int
    batch_size: int  # pairs, or answers
    threads: int
    settings: dict[str, Any] = field(default_factory=dict[str, Any])  # of `training.dpo` or `training.grpo`
    stop: int | None = None

    def recipe(self) -> TrainingRecipe:
        return TrainingRecipe.model_validate(
            {
                "objective": self.objective,
                "learning_rate": 2e-4,
                "lr_scheduler_type": "constant",
                "per_device_train_batch_size": self.batch_size,
                "max_steps": self.steps,
                "logging_steps": 1,
                "save_steps": self.steps // 2,
                "seed": SEED,
                self.objective: self.settings,
            }
        )

    def ends_after(self, step: int) -> None:
        """Raises `Stopped` after the step at which this run is to be stopped."""
        if step == self.stop:
            raise Stopped


class Clock:
    """This process's processor time: where it began, and at the end of every step."""

    def __init__(self) -> None:
        self.began = time.process_time()
        self.before_mib = peak_mib()
        self.marks: list[float] = []

    def mark(self) -> None:
        self.marks.append(time.process_time())


def peak_mib() -> float:
    """The most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@dataclass(frozen=True)
class Measured:
    """What one run showed. Seconds are the processor's; those of a step are the median after the first steps."""

    seconds_a_step: float
    seconds: float  # from the start of training's code to its end
    peak_mib: float
    before_mib: float  # the most memory before training, with the model and all libraries loaded
    losses: list[float]  # one a step
    logged: dict[str, float]  # means over the steps, by name
    weights: str  # digest of the adapter

    @property
    def line(self) -> str:
        return json.dumps(asdict(self))


def measured(clock: Clock, lines: list[Mapping[str, Any]], names: Mapping[str, str], weights: str) -> Measured:
    """`lines` are the logged ones, one a step; `names` says which of their numbers are kept, and as what."""
    ended = time.process_time()
    marks = clock.marks[WARM_UP - 1 :]
    taken = [after - before for before, after in itertools.pairwise(marks)]
    return Measured(
        seconds_a_step=median(taken or [math.nan]),  # of a run that went on there may be too few
        seconds=ended - clock.began,
        peak_mib=peak_mib(),
        before_mib=clock.before_mib,
        losses=[line["loss"] for line in lines],
        logged={kept: sum(line[name] for line in lines) / len(lines) for name, kept in names.items()},
        weights=weights,
    )


def digest(model: Any) -> str:
    """Names the trained weights by what is in them."""
    found = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):
        if parameter.requires_grad:
            found.update(name.encode() + parameter.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def started(setup: Setup) -> tuple[Any, Any, Any]:
    """The model with the adapter that training begins with, its processor, and how it writes."""
    import torch
    from transformers import set_seed

    from safecot_dsl.models.chat import Chat
    from safecot_dsl.models.local import load_parts, stop_ids
    from safecot_dsl.training.lora import add_lora
    from safecot_dsl.training.start import load_start

    torch.set_num_threads(setup.threads)
    base, processor = load_parts(setup.model, device="cpu")
    set_seed(SEED)
    tuned = add_lora(base, setup.recipe())
    load_start(tuned, Path(setup.start), setup.model, setup.recipe())
    return tuned, processor, Chat(processor, stop_ids(base.generation_config))
