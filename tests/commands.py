"""`safecotc`, or a function, in processes of its own, forked from a server that has loaded the libraries once.

To load them takes longer than most commands do. What a command does in such a process is what it does in a fresh one,
but that nothing is loaded late (`preloaded.py`): tests of what is loaded, of streams that close, and of terminals start
Python itself (:data:`COMMAND`). Each process may be killed at a chosen moment.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import psutil

#: `safecotc` in a fresh process, whether or not this checkout is the one that is installed.
COMMAND = (sys.executable, "-c", "from safecot_dsl.cli import main; main()")

ROOT = Path(__file__).resolve().parent.parent

#: Where coverage is measured, what a forked process did stands under this and its test.
FORKED = "forked for "


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code (negative: the signal that killed it), and what it said."""

    code: int
    out: str
    err: str

    @property
    def phases(self) -> list[str]:
        """What was worked on, in order: `base: drawing`, `training`, `safecot: answering`, each once."""
        names = [line.rsplit(": ", 1)[0] for line in self.err.splitlines() if line.endswith((" %)", ": begun"))]
        return list(dict.fromkeys(names))

    @property
    def last_line(self) -> str:
        return self.err.rstrip("\n").rpartition("\n")[2]


@dataclass(frozen=True)
class Moment:
    """When the `count`th piece of a phase is done; then `signal` comes."""

    phase: str
    count: int
    signal: signal.Signals = signal.SIGKILL


@dataclass(frozen=True)
class _Order:
    """One command: its arguments, where it runs, and what befalls it."""

    arguments: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    stdin: Path
    out: Path
    err: Path
    at: Moment | None
    largest_file: int | None
    first: Callable[[], None] | None = None


@dataclass
class CommandLine:
    """Runs `safecotc`; what it reads and says passes through files in `streams`."""

    streams: Path
    runs: int = field(default=0)

    def __call__(
        self,
        *arguments: object,
        folder: Path | None = None,
        environment: Mapping[str, str] = {},
        stdin: bytes = b"",
        at: Moment | None = None,
        largest_file: int | None = None,
    ) -> Ended:
        """The command with these arguments, in a folder (where this process is, if None) and with more variables than
        this process has. `at` is when a signal comes; no file grows beyond `largest_file` bytes."""
        self.runs += 1
        given, out, err = (self.streams / f"{self.runs}.{name}" for name in ("in", "out", "err"))
        given.write_bytes(stdin)
        order = _Order(
            tuple(str(argument) for argument in arguments),
            folder or Path.cwd(),
            {**os.environ, **environment},
            given,
            out,
            err,
            at,
            largest_file,
        )
        process = _server().Process(target=_main, args=(order,))
        process.start()
        process.join()
        assert process.exitcode is not None
        return Ended(process.exitcode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


def forked(function: Callable[..., object], *arguments: object, **environment: str) -> ForkServerProcess:
    """A process that calls the function, with more variables than this process has; it is begun. Function and arguments
    have to be such as can be pickled."""
    process = _server().Process(target=_call, args=({**os.environ, **environment}, function, arguments))
    process.start()
    return process


@dataclass
class Serving:
    """`safecotc` that goes on until it is ended, and what it says meanwhile, which stands in a file."""

    process: ForkServerProcess
    err: Path

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def said(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        """The first place on stderr that matches, in a line that has ended, once it is there. Raises AssertionError
        where the command ends without it, or does not say it in time."""
        until = time.monotonic() + seconds
        while True:
            ended = not self.process.is_alive()
            text = self.err.read_text(encoding="utf-8") if self.err.exists() else ""
            if found := re.search(pattern, text[: text.rfind("\n") + 1]):
                return found
            assert not ended, text
            assert time.monotonic() < until, text
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a power cut does, with all that it started, which would else go on for nobody. A process that has
        ended by itself is left alone: its number may be another's."""
        if self.process.is_alive():
            started = psutil.Process(self.pid).children(recursive=True)
            self.process.kill()
            for each in started:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
        self.process.join()
        self.process.close()


def serving(*arguments: object, err: Path, first: Callable[[], None] | None = None, **environment: str) -> Serving:
    """`safecotc` with these arguments, forked, which does not end by itself; its stderr goes to a new file. `first` is
    called in its process before."""
    err.unlink(missing_ok=True)
    nothing = Path(os.devnull)
    words = tuple(str(argument) for argument in arguments)
    order = _Order(words, ROOT, {**os.environ, **environment}, nothing, nothing, err, None, None, first)
    process = _server().Process(target=_main, args=(order,))
    process.start()
    return Serving(process, err)


def _server() -> ForkServerContext:
    """The server, begun at the first call. It looks for modules where it is started: there stands this checkout."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.preloaded"])
    with contextlib.chdir(ROOT):
        forkserver.ensure_running()
    return context


def _call(environment: Mapping[str, str], function: Callable[..., object], arguments: tuple[object, ...]) -> None:
    """In the process: what :func:`forked` is told."""
    _prepare(environment)
    function(*arguments)


def _prepare(environment: Mapping[str, str]) -> None:
    """In the process: as a fresh one has it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    _measured_for(environment.get("PYTEST_CURRENT_TEST", ""))


def _main(order: _Order) -> None:
    """In the process: what `safecotc` does, with its streams in files."""
    _prepare(order.environment)
    os.chdir(order.folder)
    os.dup2(os.open(order.stdin, os.O_RDONLY), 0)
    os.dup2(os.open(order.out, os.O_WRONLY | os.O_CREAT), 1)
    os.dup2(os.open(order.err, os.O_WRONLY | os.O_CREAT), 2)
    sys.stdin, sys.stdout = os.fdopen(0, encoding="utf-8"), os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1)
    if order.at is not None:
        _strike(order.at)
    if order.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.largest_file, order.largest_file))
    if order.first is not None:
        order.first()
    from safecot_dsl.cli import main

    sys.argv = ["safecotc", *order.arguments]
    try:
        main()
    finally:
        sys.stdout.flush()


def _measured_for(test: str) -> None:
    """Where coverage is measured, what this process does is done for that test, and not for the server's first one."""
    if "coverage" in sys.modules:
        from coverage import Coverage

        if (measuring := Coverage.current()) is not None:
            measuring.switch_context(FORKED + test.rpartition(" (")[0])  # without the phase


def _strike(at: Moment) -> None:
    import safecot_dsl.storage
    from safecot_dsl.storage import Progress

    class Struck(Progress):
        def start(self, description: str, total: int | None = None, *, completed: int = 0, unit: str = "") -> None:
            super().start(description, total, completed=completed, unit=unit)
            self.reached = (description, completed)

        def advance(self, n: int = 1, **fields: object) -> None:
            super().advance(n, **fields)
            phase, completed = self.reached
            self.reached = (phase, completed + n)
            if phase == at.phase and completed < at.count <= completed + n:
                os.kill(os.getpid(), at.signal)

    safecot_dsl.storage.Progress = Struck
