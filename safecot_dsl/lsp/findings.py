"""Asks a process of its own for the findings of a policy, so that no proof ever holds up a keystroke."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from safecot_dsl.diagnostics import Diagnostic
from safecot_dsl.lsp.positions import common
from safecot_dsl.processes import JsonProcess

TIME_LIMIT = 60.0  # seconds for one answer
Findings = tuple[Diagnostic, ...]
_FINDINGS = TypeAdapter(Findings)


class Analyst:
    """One process, started at the first question; ended, and started again, where its answer is not wanted any more."""

    def __init__(self) -> None:
        self._process = JsonProcess("safecot_dsl.lsp.worker")
        self._lock = asyncio.Lock()

    async def ask(self, path: Path, search: Iterable[Path], overlay: Mapping[Path, str]) -> Findings | None:
        """The findings of a policy; None where the process did not give them. Cancelling this ends the process."""
        async with self._lock:
            try:
                return await asyncio.wait_for(self._ask(path, search, overlay), TIME_LIMIT)
            except (TimeoutError, OSError, ValueError, ValidationError):
                await self.stop()
                return None
            except asyncio.CancelledError:
                await self.stop()
                raise

    async def _ask(self, path: Path, search: Iterable[Path], overlay: Mapping[Path, str]) -> Findings:
        texts = {str(file): text for file, text in overlay.items()}
        question = {"path": str(path), "search": [str(folder) for folder in search], "overlay": texts}
        return _FINDINGS.validate_json(await self._process.ask(question))

    async def stop(self) -> None:
        """End the process."""
        await self._process.stop()


def carried(findings: Iterable[Diagnostic], before: str, after: str) -> Findings:
    """Findings of a text that has been edited since, at the lines where they now stand: shown until there are new ones.

    What stood on the lines that were edited is left out.
    """
    old, new = before.split("\n"), after.split("\n")
    same = common(old, new)
    shift = len(new) - len(old)
    unchanged_from = len(old) - min(common(old[::-1], new[::-1]), len(old) - same, len(new) - same)
    kept: list[Diagnostic] = []
    for finding in findings:
        span = finding.span
        if span.end_line <= same:
            kept.append(finding)
        elif span.line > unchanged_from:
            moved = span.model_copy(update={"line": span.line + shift, "end_line": span.end_line + shift})
            kept.append(finding.model_copy(update={"span": moved, "labels": ()}))
    return tuple(kept)
