"""How the package starts Python: itself, and nothing that lies in the folder that is worked on.

Python looks for modules in the working folder first where it is told `-c` or `-m`: a file `json.py` in a folder from
elsewhere would be run. `PYTHONSAFEPATH` keeps it from that, also in what such a process starts itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import safecot_dsl

#: The longest answer of a process, in bytes.
MAX_LINE = 64 << 20
_PACKAGE_PARENT = str(Path(safecot_dsl.__file__).resolve().parents[1])


def command(*arguments: str) -> list[str]:
    """`safecotc` with these arguments, by this Python and this very package."""
    return [sys.executable, "-P", "-c", "from safecot_dsl.cli import main; main()", *arguments]


def module(name: str) -> list[str]:
    """A module of this package, run by this Python."""
    return [sys.executable, "-P", "-m", name]


def environment() -> dict[str, str]:
    """The environment of a process that is started."""
    before = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    paths = [_PACKAGE_PARENT, *(str(Path(part).resolve()) for part in before)]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "PYTHONSAFEPATH": "1",
        "PYTHONUTF8": "1",
    }


class JsonProcess:
    """A module of this package as a process that answers lines of JSON, started at the first question, and again at
    the next where it was stopped or has ended."""

    def __init__(self, name: str, *arguments: str) -> None:
        self._command = [*module(name), *arguments]
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, question: Any) -> bytes:
        """The line that answers a question. Raises OSError where the process ends without one, and ValueError where the
        line is longer than :data:`MAX_LINE`. Who gives an answer up stops the process."""
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=environment(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=MAX_LINE,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(question).encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            raise OSError("the process has ended")
        return line

    async def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
