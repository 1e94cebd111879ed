"""Where pieces of a data set are made: in this process, in several, or on a Ray cluster. The bytes are the same."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from safecot_dsl.dataset.errors import GenerateError
from safecot_dsl.dataset.index import make_index
from safecot_dsl.dataset.parts import make_part, make_part_of_block
from safecot_dsl.dataset.plan import planned
from safecot_dsl.dataset.pool import BlockCounts
from safecot_dsl.dataset.setup import Setup, SourceBlock, Worker
from safecot_dsl.dataset.state import GenerationState

Engine = Literal["local", "ray"]
Stage = Literal["pool", "parts"]

#: When garbage in circles is looked for. Rows hold none, and make so many objects that with Python's own thresholds the
#: looking took a quarter of all time.
_SELDOM = (200_000, 10, 100)


#: Items of the sources, about, that the rows of a generated policy are chosen from, where there are so many.
POOL_ROWS = 2048


def blocks_of_turn(blocks: Sequence[SourceBlock], turn: int) -> tuple[tuple[int, ...], tuple[int, int]]:
    """The numbers of the blocks that the rows of a generated policy are chosen from, and which of their entries are
    looked at (:attr:`Setup.sampled`): other ones for each policy, and no more than rows need, however many there are.
    """
    chosen: list[int] = []
    for step in range(len(blocks)):
        chosen.append((turn + step) % len(blocks))
        if sum(blocks[number].rows for number in chosen) >= POOL_ROWS:
            break
    every = max(1, sum(blocks[number].rows for number in chosen) // POOL_ROWS)
    return tuple(sorted(chosen)), (every, turn // max(1, len(blocks)) % every)


class PieceMaker:
    """Makes one piece after another."""

    def __init__(self, worker: Worker, state: GenerationState, turn: int | None = None) -> None:
        """`turn` is the number of the policy among those generated, where this makes the pieces of one."""
        self.worker = worker
        self.state = state
        self.turn = turn

    @cached_property
    def blocks(self) -> tuple[SourceBlock, ...]:
        return self.state.blocks(self.worker)

    @cached_property
    def pool(self) -> tuple[int, ...]:
        """The numbers of the blocks that rows are chosen from."""
        return tuple(range(len(self.blocks))) if self.turn is None else blocks_of_turn(self.blocks, self.turn)[0]

    def make(self, stage: Stage, number: int) -> None:
        """The index of a block of the pool, or a part; nothing is done where it is there."""
        state, worker = self.state, self.worker
        if stage == "pool":
            make_index(worker, self.blocks[number], state.pool(number))
        elif not worker.recipe.selects:
            make_part_of_block(worker, self.blocks[number], number, state.part(number))
        elif not state.part(number).is_dir():
            make_part(worker, planned(worker, self.blocks, state.plan, number), state.part(number), BlockCounts())


@dataclass(frozen=True)
class Workers:
    """How many processes work, and where."""

    processes: int = 1
    engine: Engine = "local"


def make_all(maker: PieceMaker, workers: Workers, stage: Stage, sizes: dict[int, int]) -> None:
    """Make the pieces with these numbers. `sizes` is what each counts for in the progress that is shown."""
    progress = maker.worker.progress
    if workers.engine == "local" and workers.processes == 1:
        with _seldom_collected():
            for number in sizes:
                maker.make(stage, number)
        return
    done = _by_ray if workers.engine == "ray" else _by_processes
    for number in done(maker.worker.opened(), maker.state, workers.processes, stage, list(sizes)):
        if progress is not None:
            progress.advance(sizes[number])


def _by_ray(
    setup: Setup, state: GenerationState, processes: int, stage: Stage, numbers: Sequence[int]
) -> Iterator[int]:
    from safecot_dsl.dataset.ray_engine import make_on_ray

    yield from make_on_ray(setup, state, processes, stage, numbers)


def _by_processes(
    setup: Setup, state: GenerationState, processes: int, stage: Stage, numbers: Sequence[int]
) -> Iterator[int]:
    import multiprocessing

    # A fresh interpreter: a fork would share the locks of Arrow's and Polars' threads.
    context = multiprocessing.get_context("spawn")
    waiting = list(reversed(numbers))
    with ProcessPoolExecutor(processes, context, _open, (setup, state)) as pool:
        running: set[Future[int]] = set()
        try:
            while waiting or running:
                while waiting and len(running) < processes:
                    running.add(pool.submit(_make, stage, waiting.pop()))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BaseException:
            for future in running:
                future.cancel()
            raise


@contextmanager
def _seldom_collected() -> Generator[None]:
    usual = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


_maker: PieceMaker | None = None


def _open(setup: Setup, state: GenerationState) -> None:
    """In a process of its own: open the setup, and end where the process that asked has ended."""
    global _maker
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.freeze()  # what was imported stays
    gc.set_threshold(*_SELDOM)
    _maker = PieceMaker(Worker(setup), state)


def _end_with_parent() -> None:
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make(stage: Stage, number: int) -> int:
    if _maker is None:
        raise GenerateError("the process was not opened")
    _maker.make(stage, number)
    return number
