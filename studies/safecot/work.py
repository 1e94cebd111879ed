"""What the study's processes do. They are given paths, and read the design themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safecot_dsl.storage import Progress, write_whole
from studies.safecot.cells import CellRun, build_model
from studies.safecot.design import DESIGN, RESULTS, Cell, Design, read_design
from studies.safecot.results import write_items_of
from studies.safecot.search import Search, Trial


@dataclass(frozen=True)
class Places:
    """Where the design is, where models, rows and answers go (`out`), and where results do."""

    out: Path
    design: Path = DESIGN
    results: Path = RESULTS

    def read(self) -> Design:
        return read_design(self.design, self.results)

    def made(self, name: str) -> Path:
        """Where a process leaves what it made, for the one that keeps the results."""
        return self.out / "made" / f"{name.replace('/', '_')}.json"


def build(places: Places, base: str) -> None:
    """Train the model of a base, where it is not there yet."""
    with _alone() as progress:
        build_model(places.read(), base, places.out, progress, places.design)


def prepare(places: Places, base: str, seed: int) -> None:
    """Draw what a run's arms are asked, and ask the base."""
    with _alone() as progress:
        run = CellRun(places.read(), base, seed, places.out, progress, places.design)
        write_items_of(f"{base}-{seed}", run.prepare(), places.results)


def prepare_search(places: Places) -> None:
    """Draw what the search's trials are asked."""
    with _alone() as progress:
        _searched(places, places.read(), progress).prepare_search()


def work(places: Places, cell: Cell) -> None:
    """Do a cell, and leave its result."""
    with _alone() as progress:
        run = CellRun(places.read(), cell.base, cell.seed, places.out, progress, places.design)
        _leave(places.made(cell.key), run.result(cell).model_dump_json())


def attempt(places: Places, trial: Trial) -> None:
    """Make a trial, and leave what it came to."""
    design = places.read()
    with _alone() as progress:
        tried = _searched(places, design, progress).tried(trial, Search(design, places.results))
        _leave(places.made(trial.name), tried.model_dump_json())


def _searched(places: Places, design: Design, progress: Progress) -> CellRun:
    base, _, seed = design.searching.run.rpartition("-")
    return CellRun(design, base, int(seed), places.out, progress, places.design)


def _leave(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


def _alone() -> Progress:
    """Progress of a process that has one core for itself."""
    import torch

    torch.set_num_threads(1)
    return Progress()
