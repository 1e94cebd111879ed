"""One measurement: what is trained, by whom and with what, the same for us and for the peer."""

from __future__ import annotations

import resource
import time
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from safecot_dsl.training import TrainingRecipe
from safecot_dsl.training.rows import Row, read_rows

#: Steps that are not timed: the first ones fill caches and allocators.
WARM_UP = 2
SEED = 3


@dataclass(frozen=True)
class Setup:
    """`threads` are torch's. `workers` are the peer's loader processes; we encode before the first step."""

    model: str
    data: str
    rows: int
    batch_size: int
    steps: int
    threads: int
    workers: int = 0
    speedups: dict[str, Any] = field(default_factory=dict[str, Any])  # fields of the recipe

    def recipe(self) -> TrainingRecipe:
        return TrainingRecipe(
            r=16,
            lora_alpha=32,
            learning_rate=1e-4,
            lr_scheduler_type="constant",
            per_device_train_batch_size=self.batch_size,
            max_steps=self.steps,
            logging_steps=1,
            save_steps=self.steps,
            seed=SEED,
            **self.speedups,
        )

    def read(self) -> list[Row]:
        """The rows, all with one picture, as many as make whole batches."""
        rows = [row for row in read_rows(Path(self.data)) if len(row.request.images) == 1]
        return rows[: min(self.rows, len(rows)) // self.batch_size * self.batch_size]


class Clock:
    """Marks the end of every step."""

    def __init__(self, device: str) -> None:
        self._on_gpu = device == "cuda"
        self.marks: list[tuple[float, float]] = []  # wall time and this process's time, in seconds
        self.began = time.perf_counter()

    def mark(self) -> None:
        if self._on_gpu:
            import torch

            torch.cuda.synchronize()
        self.marks.append((time.perf_counter(), time.process_time()))


@dataclass(frozen=True)
class Measured:
    """What one run showed. The seconds of a step are the median over the steps after the first ones."""

    seconds_a_step: float
    cpu_seconds_a_step: float
    seconds_before: float  # from the start of training's code to the end of the first steps
    losses: list[float]  # one a step
    peak_mib: float  # of the GPU's memory, or of the process's
    tokens_a_step: float  # padding not counted
    labelled_a_step: float
    squares_a_step: float  # the sum of the rows' squared lengths
    used: dict[str, Any]
    peak_flops: float  # of this device in this precision: measured, or by its data sheet

    @property
    def record(self) -> dict[str, Any]:
        return asdict(self)


def measured(clock: Clock, losses: list[float], counts: tuple[int, int, int], used: dict[str, Any]) -> Measured:
    """`counts` are the sums over all steps: tokens, labelled tokens and squared lengths."""
    marks = clock.marks[WARM_UP - 1 :]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(marks)]
    return Measured(
        seconds_a_step=median(wall for wall, _ in steps),
        cpu_seconds_a_step=median(cpu for _, cpu in steps),
        seconds_before=marks[0][0] - clock.began,
        losses=losses,
        peak_mib=_peak_mib(),
        tokens_a_step=counts[0] / len(clock.marks),
        labelled_a_step=counts[1] / len(clock.marks),
        squares_a_step=counts[2] / len(clock.marks),
        used=used,
        peak_flops=_peak_flops(),
    )


def _peak_mib() -> float:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _peak_flops() -> float:
    """Operations a second of one large matrix product here, in the precision that is trained in: the best of some."""
    import torch

    on_gpu = torch.cuda.is_available()
    size, kind = (8192, torch.bfloat16) if on_gpu else (1024, torch.float32)
    matrix = torch.ones(size, size, dtype=kind, device="cuda" if on_gpu else "cpu")
    best = 0.0
    for _ in range(10):
        start = time.perf_counter()
        torch.mm(matrix, matrix)
        if on_gpu:
            torch.cuda.synchronize()
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best
