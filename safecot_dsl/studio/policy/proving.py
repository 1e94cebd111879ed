"""Puts questions that take a solver to a process of its own, so that no proof ever holds up a keystroke."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.processes import environment, module

_M = TypeVar("_M", bound=BaseModel)
_MAX_LINE = 64 << 20


class Prover:
    """One process for one kind of question, started at the first of them. A newer question ends the work on an older
    one, which is answered by the code `superseded`: nobody looks at its text any more."""

    def __init__(self, folder: Path, what: str, seconds: float) -> None:
        self._folder = folder
        self._what = what
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._newest = 0
        self._busy: asyncio.Task[dict[str, Any]] | None = None

    async def ask(self, asked: BaseModel, gives: type[_M]) -> _M:
        """The answer to a question. Raises :class:`StudioError` where there is none."""
        self._newest += 1
        mine = self._newest
        if self._busy is not None:
            self._busy.cancel()
        async with self._lock:
            if mine != self._newest:
                raise _superseded()
            self._busy = asyncio.create_task(self._ask(asked))
            try:
                answer = await asyncio.wait_for(self._busy, self._seconds)
            except (TimeoutError, OSError, ValueError):
                await self.stop()
                raise StudioError(
                    504, "took_too_long", f"This took longer than {self._seconds:g} seconds, and was given up."
                ) from None
            except asyncio.CancelledError:
                await self.stop()
                if mine != self._newest:
                    raise _superseded() from None
                raise
            finally:
                self._busy = None
        if "error" in answer:
            error = dict(answer["error"])
            said = error.pop("error")
            raise StudioError(answer["status"], said["code"], said["message"], path=said["path"], **error)
        return gives.model_validate(answer["gives"])

    async def _ask(self, asked: BaseModel) -> dict[str, Any]:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                *module("safecot_dsl.studio.policy.worker"),
                str(self._folder),
                env=environment(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=_MAX_LINE,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        question = {"what": self._what, "asked": asked.model_dump(mode="json")}
        process.stdin.write(json.dumps(question).encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            raise OSError("the process has ended")
        return json.loads(line)

    async def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()


def _superseded() -> StudioError:
    return StudioError(409, "superseded", "A newer question took the place of this one.")
