"""Tasks, each in a process of its own: one that fails or is killed is named, and the others go on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from safecot_dsl.storage import write_whole

_KILLS = 1  # after so many kills a task is not tried again


@dataclass(frozen=True)
class Task:
    """A function of a module, called with `arguments` when the tasks named in `after` are done. It runs in a new
    process, so that it and its arguments have to be such as can be sent there."""

    name: str
    do: Callable[..., None]
    arguments: tuple[Any, ...] = ()
    after: tuple[str, ...] = ()
    logs: Path | None = None

    @property
    def log(self) -> Path | None:
        """Where what it prints is kept."""
        return None if self.logs is None else self.logs / f"{self.name.replace('/', '_').replace(' ', '_')}.log"


@dataclass
class Outcome:
    """What became of the tasks: names of those that are `done`, and of those that `failed` why."""

    done: list[str] = field(default_factory=list[str])
    failed: dict[str, str] = field(default_factory=dict[str, str])


def do_all(tasks: Iterable[Task], jobs: int, ended: Callable[[Task, float, str | None], None]) -> Outcome:
    """Do the tasks, at most `jobs` at once, the first that is ready first. `ended` hears of each: how many seconds it
    took, and why it failed, if it did. A task that was killed is tried once more; one that waits for a failed one is
    not tried. When this process is ended, so are the tasks."""
    waiting = list(tasks)
    names = {task.name for task in waiting}
    outcome = Outcome()
    running: dict[Any, tuple[Task, Any, float]] = {}
    kills: dict[str, int] = {}
    context = multiprocessing.get_context("spawn")

    def fail(task: Task, seconds: float, why: str) -> None:
        outcome.failed[task.name] = why
        ended(task, seconds, why)

    try:
        while waiting or running:
            while len(running) < jobs:
                task = _ready(waiting, names, outcome)
                if task is None:
                    break
                waiting.remove(task)
                lost = next((name for name in task.after if name in outcome.failed), None)
                if lost is not None:
                    fail(task, 0.0, f"not tried: it needs {lost}")
                    continue
                process = context.Process(target=_child, args=(task,), daemon=True)
                process.start()
                running[process.sentinel] = (task, process, time.monotonic())
            if not running:
                if waiting:
                    raise ValueError(f"`{waiting[0].name}` waits for what waits for it")
                break
            for sentinel in wait(list(running)):
                task, process, began = running.pop(sentinel)
                process.join()
                seconds = time.monotonic() - began
                code = process.exitcode
                process.close()
                if code == 0:
                    outcome.done.append(task.name)
                    ended(task, seconds, None)
                elif code < 0 and kills.get(task.name, 0) < _KILLS:
                    kills[task.name] = kills.get(task.name, 0) + 1
                    waiting.insert(0, task)
                else:
                    fail(task, seconds, f"killed by {signal.Signals(-code).name}" if code < 0 else _why(task))
    finally:
        for _, process, _ in running.values():
            process.terminate()
            process.join()
    return outcome


def _ready(waiting: list[Task], names: set[str], outcome: Outcome) -> Task | None:
    """The first task that waits for nothing any more."""
    over = {*outcome.done, *outcome.failed}
    return next((task for task in waiting if all(name in over or name not in names for name in task.after)), None)


def _why(task: Task) -> str:
    """The last line that a failed task printed."""
    log = task.log
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log is not None and log.is_file() else []
    said = [line.strip() for line in lines if line.strip()]
    return said[-1] if said else "it failed without a word"


def _child(task: Task) -> None:
    """Do a task in this process, which is its own."""
    if task.log is not None:
        task.log.parent.mkdir(parents=True, exist_ok=True)
        write_whole(task.log, "")
        sys.stdout = sys.stderr = task.log.open("a", encoding="utf-8", buffering=1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears of it, and ends this
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        task.do(*task.arguments)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        raise SystemExit(1) from None


def _end_with_parent() -> None:
    """End this process when the one that started it is killed: its work would be in the way of the next one's."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
