"""The study from the search to the report: what is not done yet is done, and what fails is named."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path

from safecot_dsl.storage.locks import LOCK_SUFFIX, lock
from studies.safecot.design import CONTROL, GUARD, Cell, Design, NotSearchedError
from studies.safecot.results import Failure, Result, add_result, read_failures, read_results, write_failures
from studies.safecot.running import Outcome, Task, do_all
from studies.safecot.search import Search, Tried
from studies.safecot.work import Places, attempt, build, prepare, prepare_search, work

_BASES, _ITEMS, _VALIDATION = "the base", "the items of", "the items of the search"


class BusyError(RuntimeError):
    """Another process is at work on the study."""


def search(places: Places, jobs: int) -> bool:
    """Make the trials that are not made yet, and write the settings; whether that could be done."""
    with _alone(places):
        return _search(places, jobs, whole=True)


def run(places: Places, jobs: int, limit: int | None = None, only: str = "") -> bool:
    """What is not done of: the search for what the claims need and the claims' cells, the rest of the search and the
    other cells. Of the cells those whose name holds `only`, at most `limit`; whether all were done."""
    with _alone(places):
        if not _search(places, jobs, whole=False):
            return False
        design = places.read()
        keys = {cell.key for cell in design.claims_cells()}
        waiting = [cell for cell in missing(design, places.results) if only in cell.key]
        first = [cell for cell in waiting if cell.key in keys][:limit]
        done = _do_cells(places, jobs, first)
        left = None if limit is None else limit - len(first)
        if left == 0 or len(waiting) == len(first):
            return done
        if not _search(places, jobs, whole=True):
            return False
        waiting = [cell for cell in missing(places.read(), places.results) if only in cell.key and cell.key not in keys]
        return _do_cells(places, jobs, waiting[:left]) and done


def _do_cells(places: Places, jobs: int, waiting: Sequence[Cell]) -> bool:
    design = places.read()
    timer = _Timer([design.expected_seconds(cell) for cell in waiting], jobs)
    say(f"{len(waiting)} cells to do; about {timer.left()} on {_cores(jobs)}")
    cells = {cell.key: cell for cell in waiting}

    def ended(task: Task, seconds: float, why: str | None) -> None:
        cell = cells.get(task.name)
        if cell is not None:
            timer.add(design.expected_seconds(cell), seconds, done=why is None)
            if why is None:
                made = places.made(cell.key)
                add_result(Result.model_validate_json(made.read_bytes()), places.results)
                made.unlink()
        said = f"{seconds:.0f} s" if why is None else f"FAILED: {why} (see {task.log})"
        number = f"{timer.over}/{len(waiting)} " if cell is not None else ""
        say(f"{number}{task.name}: {said}; about {timer.left()} left")

    outcome = do_all(cell_tasks(places, design, waiting), jobs, ended)
    return _failed(places, outcome)


def status(places: Places) -> None:
    """What is done, what failed, what is left, and how long that may take."""
    design = places.read()
    found = Search(design, places.results)
    expected = _expected_trials(design) if design.search is not None else []
    searched = design.search is None or _searched(design)
    if design.search is None:
        say("search: this design has none, and its settings are given")
    elif searched:
        say("search: done")
    else:
        claims = ", those for the claims" if design.settings is not None else ""
        say(f"search: {len(found.tried)} of about {len(expected)} trials are made{claims}, and it is not done")
    waiting, total = missing(design, places.results), len(design.cells())
    done = read_results(places.results)
    say(f"cells: {total - len(waiting)} of {total} are done")
    for failure in read_failures(places.results):
        say(f"failed: {failure.name}: {failure.why}")
    for cell in waiting:
        say(f"not yet: {cell.key}")
    seconds = seconds_left(design, waiting, done)
    if not searched:
        seconds += sum(expected[len(found.tried) :])
    say(f"about {_shown(seconds)} of work on one idle core, {_shown(seconds / 2)} on two")


def seconds_left(design: Design, waiting: Sequence[Cell], done: dict[str, Result]) -> float:
    """What the waiting cells, and the bases that they need and that are not trained for any cell yet, may take: as the
    design says, or by how much longer or shorter the cells took that are done."""
    timed = [(design.expected_seconds(result.cell), result.seconds) for result in done.values() if result.seconds]
    pace = sum(took for _, took in timed) / sum(expected for expected, _ in timed) if timed else 1.0
    there = {design.owner(result.cell.base) for result in done.values() if result.cell.base in design.bases}
    bases = {design.owner(cell.base) for cell in waiting} - there
    built = [base for base in bases if not isinstance(design.bases[base].model, str)]
    return pace * (sum(design.expected_seconds(cell) for cell in waiting) + design.seconds.base * len(built))


def missing(design: Design, results: Path) -> list[Cell]:
    """The cells without a result that is made from what the design says now; before the search for its settings, any
    cell."""
    done = {name: result.digest for name, result in read_results(results).items()}

    def waits(cell: Cell) -> bool:
        try:
            return done.get(cell.key) != design.digest(cell)
        except NotSearchedError:
            return True

    return [cell for cell in design.cells() if waits(cell)]


def cell_tasks(places: Places, design: Design, cells: Sequence[Cell]) -> list[Task]:
    """The tasks of these cells, in their order: before the first of a base its model, before the first of a run its
    items."""
    tasks: dict[str, Task] = {}
    logs = places.out / "logs"
    for cell in cells:
        owner, model = design.owner(cell.base), f"{_BASES} {design.owner(cell.base)}"
        tasks.setdefault(model, Task(model, build, (places, owner), logs=logs))
        items = f"{_ITEMS} {cell.run}"
        tasks.setdefault(items, Task(items, prepare, (places, cell.base, cell.seed), (model,), logs))
        tasks[cell.key] = Task(cell.key, work, (places, cell), (items,), logs)
    return list(tasks.values())


def _search(places: Places, jobs: int, *, whole: bool) -> bool:
    design = places.read()
    if design.search is None:  # its settings are given
        return True
    found = Search(design, places.results)
    base = design.searching.run.rpartition("-")[0]
    logs = places.out / "logs"
    try:
        for number, trials in enumerate(found.stages(whole=whole), start=1):
            waiting = {trial.name: trial for trial in trials if trial.name not in found.tried}
            if not waiting:
                continue
            say(f"search, stage {number}: {len(waiting)} trials")

            def ended(task: Task, seconds: float, why: str | None, names: frozenset[str] = frozenset(waiting)) -> None:
                if why is None and task.name in names:
                    made = places.made(task.name)
                    found.add(Tried.model_validate_json(made.read_bytes()))
                    made.unlink()
                tried = found.tried.get(task.name)
                came = (
                    ""
                    if tried is None
                    else f", verdicts {100 * tried.verdicts:.1f} %, utility {100 * tried.utility:.0f} %"
                )
                say(f"{task.name}: " + (f"{seconds:.0f} s{came}" if why is None else f"FAILED: {why} (see {task.log})"))

            model = f"{_BASES} {base}"
            before = [
                Task(model, build, (places, base), logs=logs),
                Task(_VALIDATION, prepare_search, (places,), (model,), logs),
            ]
            trying = [Task(name, attempt, (places, trial), (_VALIDATION,), logs) for name, trial in waiting.items()]
            outcome = do_all([*before, *trying], jobs, ended)
            if not _failed(places, outcome):
                say("what failed is passed over where something else was tried")
        settings = found.settings(whole=whole)
    except LookupError as error:
        say(f"the search cannot go on: {error}")
        return False
    if design.settings != settings:
        found.write(settings)
        say(f"the search{'' if whole else ' for the claims'} is done: {settings.model_dump_json()}")
    return True


def _searched(design: Design) -> bool:
    """Whether the settings of every cell are found."""
    found = design.settings
    return (
        found is not None
        and set(design.arms[CONTROL].rows) <= set(found.control)
        and (found.guard is not None or GUARD not in design.arms)
    )


def _expected_trials(design: Design) -> list[float]:
    """What the trials of the whole search may take, each."""
    plan, answers, reasoning = design.searching, design.seconds.answers, design.seconds.reasoning
    shares = len(plan.shares["unknown"]) * len(plan.shares["attacks"])
    steps = design.training["max_steps"]
    found = [reasoning.asking + reasoning.step * steps] * shares
    of_own = prod(len(values) for name, values in plan.stepwise.items() if name != "max_steps")
    for number in plan.stepwise["max_steps"]:
        found += [reasoning.asking + reasoning.step * number] * of_own
    first, *others = plan.control["max_steps"]
    settings = prod(len(values) for name, values in plan.control.items() if name != "max_steps")
    found += [answers.asking + answers.step * first] * settings
    found += [answers.asking + answers.step * number for number in others]
    found += [answers.asking + answers.step * first] * (shares - 1)
    for number in (first, *others):
        found += [answers.asking + answers.step * number] * (len(design.arms[CONTROL].rows) - 1)
    if GUARD in design.arms:
        for number in plan.guard["max_steps"]:
            found += [answers.asking + answers.step * number] * len(plan.guard["learning_rate"])
    return found


def _failed(places: Places, outcome: Outcome) -> bool:
    """Keep and say what failed; whether nothing did."""
    write_failures((Failure(name=name, why=why) for name, why in outcome.failed.items()), places.results)
    if outcome.failed:
        say(f"{len(outcome.failed)} failed: {', '.join(outcome.failed)}; the next call tries them again")
    return not outcome.failed


class _Timer:
    """How long what is left may take, by how long what is over was thought to and did."""

    def __init__(self, expected: Sequence[float], jobs: int) -> None:
        self.left_seconds, self.jobs, self.over = sum(expected), jobs, 0
        self._expected = self._took = 0.0

    def add(self, expected: float, took: float, *, done: bool) -> None:
        self.over += 1
        self.left_seconds -= expected
        if done:
            self._expected += expected
            self._took += took

    def left(self) -> str:
        pace = self._took / self._expected if self._expected else 1.0
        return _shown(pace * self.left_seconds / self.jobs)


@contextmanager
def _alone(places: Places) -> Generator[None]:
    """The one process that does the study in a folder.

    Raises:
        BusyError: another one does.
    """
    places.out.mkdir(parents=True, exist_ok=True)
    places.results.mkdir(parents=True, exist_ok=True)
    held = lock(places.out / LOCK_SUFFIX)
    if held is None:
        raise BusyError(f"another process is at work in `{places.out}`: wait for it, or end it")
    with held:
        yield


def _shown(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"


def _cores(jobs: int) -> str:
    return "one core" if jobs == 1 else f"{jobs} cores"


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)  # noqa: T201
