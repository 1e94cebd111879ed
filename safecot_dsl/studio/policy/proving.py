"""Puts questions that take a solver to a process of its own, so that no proof ever holds up a keystroke."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from safecot_dsl.processes import JsonProcess
from safecot_dsl.studio.errors import StudioError

_M = TypeVar("_M", bound=BaseModel)


class Prover:
    """One process for one kind of question, started at the first of them. A newer question ends the work on an older
    one, which is answered by the code `superseded`: nobody looks at its text any more."""

    def __init__(self, folder: Path, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._process = JsonProcess("safecot_dsl.studio.policy.worker", str(folder))
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
        return json.loads(await self._process.ask({"what": self._what, "asked": asked.model_dump(mode="json")}))

    async def stop(self) -> None:
        """End the process."""
        await self._process.stop()


def _superseded() -> StudioError:
    return StudioError(409, "superseded", "A newer question took the place of this one.")
