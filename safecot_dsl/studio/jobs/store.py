"""Jobs as files, so that they go on where the page is closed or the server ends, and are there when it comes again."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safecot_dsl.diagnostics.show import visible
from safecot_dsl.processes import environment, module
from safecot_dsl.storage import write_whole
from safecot_dsl.storage.locks import lock
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.jobs.process import BEGUN, ENDED, JOB, OUTPUT, RUNNING, STOP
from safecot_dsl.studio.messages.jobs import JobMessage, JobQuery, JobState

#: Jobs that run at once, and ended ones that are remembered.
MOST_RUNNING = 2
MOST_KEPT = 50
#: Seconds within which a job's process has begun.
_BEGINS = 30.0
#: Bytes of the output's end that are read, and lines of it that are shown.
_TAIL = 16 << 10
_LINES = 40
_ID = re.compile(r"[0-9a-f]{16}")
_COUNTS = re.compile(r"(?<![\w./])(\d{1,12})/(\d{1,12})(?![\w/.])")


class JobStore:
    """The jobs of one folder, each in a folder of its own below `place`."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._lock = threading.Lock()

    def begin(self, asked: JobQuery, arguments: Sequence[str], shown: str, cwd: Path, out: str | None) -> JobMessage:
        """Begin a job in a process of its own. Raises :class:`StudioError` where as many as may run already."""
        with self._lock:
            running = [job for job in self.all() if job.state == "running"]
            if len(running) >= MOST_RUNNING:
                raise StudioError(409, "busy", "Other work is going on: wait for its end, or stop it.")
            if out is not None and any(job.out == out for job in running):
                raise StudioError(409, "busy", f"Other work is writing `{out}`: wait for its end, or stop it.")
            name = secrets.token_hex(8)
            folder = self._place / name
            job = {
                "kind": asked.kind,
                "path": asked.path,
                "run": asked.run,
                "out": out,
                "command": shown,
                "arguments": list(arguments),
                "cwd": str(cwd),
                "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
            }
            write_whole(folder / JOB, json.dumps(job) + "\n")
            self._forget_old()
        subprocess.Popen(
            [*module("safecot_dsl.studio.jobs.process"), str(folder)],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=os.name == "posix",  # Ctrl-C at the server is not meant for it
        )
        return self.get(name)

    def get(self, name: str) -> JobMessage:
        """A job as it is now. Raises :class:`StudioError` where there is none."""
        folder = self._folder(name)
        try:
            told = json.loads((folder / JOB).read_bytes())
        except (OSError, ValueError):
            raise _unknown() from None
        lines = _tail(folder / OUTPUT)
        state, message, at = _state(folder, told, lines)
        counted = next((found for line in reversed(lines) if (found := _COUNTS.search(line)) is not None), None)
        return JobMessage(
            id=name,
            kind=told["kind"],
            path=told["path"],
            run=told["run"],
            out=told["out"],
            command=told["command"],
            state=state,
            done=None if counted is None else int(counted[1]),
            total=None if counted is None else int(counted[2]),
            line=lines[-1] if lines else "",
            tail=tuple(lines),
            message=message,
            started=told["started"],
            ended=at,
        )

    def all(self) -> list[JobMessage]:
        """Every job, the newest first."""
        names = [path.name for path in self._place.glob("*") if (path / JOB).is_file() and _ID.fullmatch(path.name)]
        return sorted((self.get(name) for name in names), key=lambda job: job.started, reverse=True)

    def stop(self, name: str) -> JobMessage:
        """Ask a job to end; it does within seconds.

        Raises:
            StudioError: there is no such job.
        """
        folder = self._folder(name)
        if not (folder / JOB).is_file():
            raise _unknown()
        if not (folder / ENDED).exists():
            (folder / STOP).touch()
        return self.get(name)

    def _folder(self, name: str) -> Path:
        if not _ID.fullmatch(name):
            raise _unknown()
        return self._place / name

    def _forget_old(self) -> None:
        ended = [job for job in self.all() if job.state != "running"]
        for job in ended[MOST_KEPT:]:
            shutil.rmtree(self._folder(job.id), ignore_errors=True)


def _state(folder: Path, told: dict[str, Any], lines: Sequence[str]) -> tuple[JobState, str | None, str | None]:
    """The state, a sentence on how it ended, and when."""
    ended = _ended(folder)
    if ended is None:
        if _runs(folder, told):
            return "running", None, None
        ended = _ended(folder)  # it may have ended between the two looks
    if ended is None:
        return "failed", "The work broke off: its process was killed, or the machine was switched off.", None
    if ended["stopped"]:
        return (
            "stopped",
            "It was stopped; what was finished is kept, and the same work goes on from there.",
            ended["at"],
        )
    if ended["code"] == 0:
        return "done", None, ended["at"]
    said = next((line for line in reversed(lines) if line.strip()), "")
    return "failed", said or f"It ended with the exit code {ended['code']}.", ended["at"]


def _ended(folder: Path) -> dict[str, Any] | None:
    try:
        return json.loads((folder / ENDED).read_bytes())
    except (OSError, ValueError):
        return None


def _runs(folder: Path, told: dict[str, Any]) -> bool:
    """Whether the job's process holds its lock, or has had no time to take it."""
    if not (folder / BEGUN).exists():
        return (datetime.now(UTC) - datetime.fromisoformat(told["started"])).total_seconds() < _BEGINS
    held = lock(folder / RUNNING)
    if held is None:
        return True
    with held:
        return False


def _tail(path: Path) -> list[str]:
    """The last lines of what a command said, with nothing in them that a terminal would obey."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL))
            data = file.read()
    except OSError:
        return []
    lines = data.decode("utf-8", "replace").replace("\r", "\n").split("\n")
    return [visible(line.rstrip()) for line in lines if line.strip()][-_LINES:]


def _unknown() -> StudioError:
    return StudioError(404, "no_job", "There is no such work.")
