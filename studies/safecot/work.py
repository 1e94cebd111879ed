"""What the study's processes do. They find these functions by name, which a program run by `-m` has none of."""

from __future__ import annotations

import time
from pathlib import Path

from safecot_dsl.storage import Progress
from studies.safecot.cells import CellRun
from studies.safecot.design import Cell, read_design
from studies.safecot.results import add_result, key, write_items_of


def build(task: tuple[str, int, str]) -> str:
    """Train the model of a base, where it is not there yet."""
    base, seed, out = task
    with Progress() as progress:
        _cells(base, seed, out, progress)
    return base


def prepare(task: tuple[str, int, str]) -> str:
    """Draw what a run's arms are asked, and ask the base."""
    base, seed, out = task
    with Progress(quiet=True) as progress:
        cells = _cells(base, seed, out, progress)
        write_items_of(f"{base}-{seed}", cells.items_record())
        cells.run.answers("base")
    return f"{base}-{seed}"


def work(task: tuple[Cell, str]) -> tuple[str, float]:
    """Do a cell and keep its result: its name, and how many seconds it took."""
    cell, out = task
    began = time.monotonic()
    with Progress(quiet=True) as progress:
        add_result(_cells(cell.base, cell.seed, out, progress).result(cell))
    return key(cell), time.monotonic() - began


def _cells(base: str, seed: int, out: str, progress: Progress) -> CellRun:
    """The cells of a run, in a process that has one core for itself."""
    import torch

    torch.set_num_threads(1)
    return CellRun(read_design(), base, seed, Path(out), progress)
