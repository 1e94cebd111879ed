"""What a command costs from its start: processor time of the whole process, and the time on the clock."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SAFECOTC = Path(sys.executable).with_name("safecotc")


@dataclass(frozen=True)
class Cost:
    """Seconds: the least of several runs, each for itself."""

    processor: float
    clock: float


def cost(arguments: Sequence[str | Path], times: int) -> Cost:
    """Of `safecotc` with these arguments, output thrown away. Findings (exit code 1) are no failure."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "NO_COLOR": "1"}
    runs: list[tuple[float, float]] = []
    for _ in range(times):
        before, started = _children(), time.perf_counter()
        done = subprocess.run([SAFECOTC, *arguments], stdout=subprocess.DEVNULL, check=False, env=environment)
        runs.append((_children() - before, time.perf_counter() - started))
        if done.returncode not in (0, 1):
            raise RuntimeError(f"safecotc {' '.join(map(str, arguments))} ended with {done.returncode}")
    return Cost(min(processor for processor, _ in runs), min(clock for _, clock in runs))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
