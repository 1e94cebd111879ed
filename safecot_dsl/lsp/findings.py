"""Asks a process of its own for the findings of a policy, so that no proof ever holds up a keystroke."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from safecot_dsl.diagnostics import Diagnostic
from safecot_dsl.lsp.positions import common

TIME_LIMIT = 60.0  # seconds for one answer
_MAX_LINE = 64 << 20
Findings = tuple[Diagnostic, ...]
_FINDINGS = TypeAdapter(Findings)


class Analyst:
    """One process, started at the first question; ended, and started again, where its answer is not wanted any more."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
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
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "safecot_dsl.lsp.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=_MAX_LINE,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        texts = {str(file): text for file, text in overlay.items()}
        request = {"path": str(path), "search": [str(folder) for folder in search], "overlay": texts}
        process.stdin.write(json.dumps(request).encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            raise OSError("the process has ended")
        return _FINDINGS.validate_json(line)

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()


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
