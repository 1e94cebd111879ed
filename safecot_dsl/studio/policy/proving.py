"""Puts questions that take a solver to a process of its own, so that no proof ever holds up a keystroke."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from safecot_dsl.processes import JsonProcess
from safecot_dsl.studio.asking import asking
from safecot_dsl.studio.errors import StudioError

_M = TypeVar("_M", bound=BaseModel)


class Prover:
    """One process for one kind of question, started at the first of them. A page's newer question ends the work on its
    older one, which is answered by the code `superseded`: nobody looks at its text any more. The questions of several
    pages take turns."""

    def __init__(self, folder: Path, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._process = JsonProcess("safecot_dsl.studio.policy.worker", str(folder))
        self._lock = asyncio.Lock()
        self._asked = 0
        self._newest: dict[str, int] = {}  # the number of the newest question of each page that waits for one
        self._busy: tuple[str, asyncio.Task[dict[str, Any]]] | None = None

    async def ask(self, asked: BaseModel, gives: type[_M]) -> _M:
        """The answer to a question. Raises :class:`StudioError` where there is none."""
        page = asking.get()
        self._asked += 1
        mine = self._newest[page] = self._asked
        if self._busy is not None and self._busy[0] == page:
            self._busy[1].cancel()
        try:
            async with self._lock:
                if mine != self._newest.get(page):
                    raise _superseded()
                answer = await self._answer(asked, page, mine)
        finally:
            if mine == self._newest.get(page):
                del self._newest[page]
        if "error" in answer:
            error = dict(answer["error"])
            said = error.pop("error")
            raise StudioError(answer["status"], said["code"], said["message"], path=said["path"], **error)
        return gives.model_validate(answer["gives"])

    async def _answer(self, asked: BaseModel, page: str, mine: int) -> dict[str, Any]:
        task = asyncio.create_task(self._ask(asked))
        self._busy = page, task
        try:
            return await asyncio.wait_for(task, self._seconds)
        except TimeoutError:
            await self.stop()
            raise StudioError(
                504, "took_too_long", f"This took longer than {self._seconds:g} seconds, and was given up."
            ) from None
        except (OSError, ValueError):
            await self.stop()
            raise StudioError(
                500, "broken", "What the studio began for this ended before it had an answer: try again."
            ) from None
        except asyncio.CancelledError:
            await self.stop()
            if mine != self._newest.get(page):
                raise _superseded() from None
            raise
        finally:
            self._busy = None

    async def _ask(self, asked: BaseModel) -> dict[str, Any]:
        return json.loads(await self._process.ask({"what": self._what, "asked": asked.model_dump(mode="json")}))

    async def stop(self) -> None:
        """End the process."""
        await self._process.stop()


def _superseded() -> StudioError:
    return StudioError(409, "superseded", "A newer question took the place of this one.")
