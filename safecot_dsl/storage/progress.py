"""How far a long step has come: a bar with the time left on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


@dataclass
class _Phase:
    description: str
    total: int | None
    completed: int
    before: int  # what an earlier run had done
    unit: str
    fields: dict[str, object] = field(default_factory=dict[str, object])
    began: float = field(default_factory=time.monotonic)

    def line(self, ended: str = "") -> str:
        """`training: 120/300 steps (40 %), 37 s so far, 3.2 steps/s, 56 s left, loss 0.31`."""
        seconds = time.monotonic() - self.began
        unit = f" {self.unit}" if self.unit else ""
        parts: list[str] = []
        if self.total:
            parts.append(f"{self.completed}/{self.total}{unit} ({100 * self.completed / self.total:.0f} %)")
        elif self.completed:
            parts.append(f"{self.completed}{unit}")
        if ended:
            parts.append(f"{ended} after {duration(seconds)}")
        elif seconds >= 1:
            parts.append(f"{duration(seconds)} so far")
        if seconds >= 1 and self.completed > self.before:
            rate = (self.completed - self.before) / seconds
            parts.append(f"{rate:.3g}{unit}/s")
            if self.total and not ended:
                parts.append(f"{duration((self.total - self.completed) / rate)} left")
        if self.fields:
            parts.append(_shown(self.fields))
        return f"{self.description}: " + ", ".join(parts or ["begun"])


class Progress:
    """Shows one phase at a time; a phase has a description, a total (or None where it is not known) and fields.

        with Progress("rendering", total=len(rows), unit="rows") as progress:
            for row in rows:
                render(row)
                progress.advance()

    A function that takes a `Progress | None` and knows its own total begins its phases with `start`; one that
    contributes to its caller's phase only calls `advance`. On a terminal each phase is a bar; elsewhere a line is
    written when a phase begins, every `interval` seconds while it runs (also when nothing advances: it is never
    silent), and when it ends. Everything goes to `stream`, standard error unless given. With `quiet` nothing is shown.
    It may be advanced from several threads.
    """

    def __init__(
        self,
        description: str | None = None,
        total: int | None = None,
        *,
        unit: str = "",
        interval: float = 5.0,
        stream: TextIO | None = None,
        quiet: bool = False,
    ) -> None:
        self._first = (description, total, unit)
        self._interval = interval
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._lock = threading.RLock()
        self._bars: RichProgress | None = None
        self._task: TaskID | None = None
        self._ticker: threading.Thread | None = None
        self._stop = threading.Event()
        self._open = False
        self._phase: _Phase | None = None

    def __enter__(self) -> Progress:
        self._open = True
        if not self._quiet:
            self._bars = _bars(self._stream)
            if self._bars is not None:
                self._bars.start()
            else:
                self._ticker = threading.Thread(target=self._tick, daemon=True, name="progress")
                self._ticker.start()
        description, total, unit = self._first
        if description is not None:
            self.start(description, total, unit=unit)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end_phase(failed=kind is not None)
        self._stop.set()
        if self._ticker is not None:
            self._ticker.join()
        if self._bars is not None:
            self._bars.stop()
        self._open = False

    def start(self, description: str, total: int | None = None, *, completed: int = 0, unit: str = "") -> None:
        """Begin a phase and end the one before. `completed` is what an earlier run had done: it counts as done, but
        not for the rate.

        Raises:
            RuntimeError: it is used outside `with`.
        """
        if not self._open:
            raise RuntimeError("a Progress is used inside `with`: `with Progress(…) as progress: …`")
        with self._lock:
            self._end_phase(failed=False)
            self._phase = _Phase(description, total, completed, completed, unit)
            if self._bars is not None:
                self._task = self._bars.add_task(description, total=total, completed=completed, fields="")
            else:
                self._say(self._phase.line())

    def advance(self, n: int = 1, **fields: object) -> None:
        """Count `n` more as done, and show `fields` beside it (floats are shortened): `advance(1, loss=0.25)`."""
        with self._lock:
            if self._phase is None:
                return
            self._phase.completed += n
            self._phase.fields.update(fields)
            if self._bars is not None and self._task is not None:
                self._bars.update(self._task, completed=self._phase.completed, fields=_shown(self._phase.fields))

    def note(self, text: str) -> None:
        """Say something between the phases, on a line of its own."""
        with self._lock:
            if self._bars is not None:
                self._bars.console.print(text, markup=False, highlight=False)
            else:
                self._say(text)

    def _end_phase(self, *, failed: bool) -> None:
        with self._lock:
            if self._phase is None:
                return
            if self._bars is None:
                self._say(self._phase.line(ended="stopped" if failed else "done"))
            elif self._task is not None:
                if self._phase.total is None and not failed:  # or the bar would pulse for ever
                    self._bars.update(self._task, total=self._phase.completed)
                self._bars.stop_task(self._task)
            self._phase = None

    def _tick(self) -> None:
        while not self._stop.wait(self._interval):
            with self._lock:
                if self._phase is not None:
                    self._say(self._phase.line())

    def _say(self, line: str) -> None:
        if not self._quiet:
            print(line, file=self._stream, flush=True)


def _bars(stream: TextIO) -> RichProgress | None:
    """Rich's bars where the stream is a terminal that can draw them."""
    from rich.console import Console

    console = Console(file=stream)
    if not console.is_terminal or console.is_dumb_terminal:
        return None
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[fields]}", markup=False),
        console=console,
    )


def _shown(fields: dict[str, object]) -> str:
    return ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in fields.items())


def duration(seconds: float) -> str:
    """`8 s`, `2 min 05 s`, `1 h 03 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
