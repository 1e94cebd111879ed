"""Checks open documents: at once what is quick to say, in the background what must be proved."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

from safecot_dsl.diagnostics import Diagnostic
from safecot_dsl.lsp.documents import Documents, Snapshot
from safecot_dsl.lsp.findings import Analyst, carried
from safecot_dsl.workspace import check_policy

DELAY = 0.05  # seconds without a keystroke before a document is checked
SLOW = 0.5  # seconds from which on a check takes long
PAUSE = 0.4  # and before its findings are looked for
MOST_UNCOLLECTED = 100  # checks in a row without such a pause


@dataclass(frozen=True)
class Checked:
    """What was last said of a document: at once, and by proof. `proved`: `findings` are of this very text, not of one
    before."""

    snapshot: Snapshot
    quick: tuple[Diagnostic, ...]
    findings: tuple[Diagnostic, ...]
    proved: bool

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        return (*self.quick, *self.findings)


class Checker:
    """Checks each document some time after its last change; `show` is told of every result.

    A document that uses a changed one is checked with it. A result for a text that has changed since is dropped.
    """

    def __init__(self, documents: Documents, show: Callable[[Checked], None], complain: Callable[[str], None]) -> None:
        self.documents = documents
        self.show = show
        self.complain = complain
        self.checked: dict[str, Checked] = {}
        self._analyst = Analyst()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._seconds = 0.0  # that the last check took
        self._uncollected = 0  # checks since memory was last tidied

    def changed(self, uri: str, *, with_users: bool = True) -> None:
        """A document, or something that it uses, has changed."""
        self.forget(uri, keep=True)
        self._tasks[uri] = asyncio.get_running_loop().create_task(self._check(uri, with_users))

    def forget(self, uri: str, *, keep: bool = False) -> None:
        """Stop checking a document; `keep` what was said of it."""
        task = self._tasks.pop(uri, None)
        if task is not None:
            task.cancel()
        if not keep:
            self.checked.pop(uri, None)

    async def stop(self) -> None:
        for uri in list(self._tasks):
            self.forget(uri)
        await self._analyst.stop()

    async def _check(self, uri: str, with_users: bool) -> None:
        try:
            # A file that takes long to check is not checked at every pause between two keystrokes.
            await asyncio.sleep(DELAY if self._seconds < SLOW else min(self._seconds, 2.0))
            checked = self._quick(uri)
            if checked is None:
                return
            self._say(uri, checked)
            if with_users:
                self._check_users(uri, checked.snapshot)
            await asyncio.sleep(PAUSE)
            self._collect()
            if checked.snapshot.opened.policy is not None:
                await self._thorough(uri, checked)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # a fault of ours in checking one text must not end the server
            self.complain(f"{uri} could not be checked: {type(error).__name__}: {error}")

    def _quick(self, uri: str) -> Checked | None:
        self._uncollected += 1
        if self._uncollected > MOST_UNCOLLECTED:
            self._collect()
        start = time.perf_counter()
        snapshot = self.documents.snapshot(uri)
        if snapshot is None:
            return None
        quick = check_policy(snapshot.opened, proofs=False)
        self._seconds = time.perf_counter() - start
        before = self.checked.get(uri)
        kept: tuple[Diagnostic, ...] = ()
        if before is not None and snapshot.opened.policy is not None:
            kept = carried(before.findings, before.snapshot.document.text.content, snapshot.document.text.content)
        return Checked(snapshot, quick, kept, proved=False)

    async def _thorough(self, uri: str, checked: Checked) -> None:
        snapshot = checked.snapshot
        findings = await self._analyst.ask(snapshot.document.path, self.documents.search, self.documents.overlay())
        if findings is not None and self.documents.get(uri) is snapshot.document:
            proved = tuple(finding for finding in findings if finding not in checked.quick)
            self._say(uri, Checked(snapshot, checked.quick, proved, proved=True))

    def _collect(self) -> None:
        """Free what is in circles while nobody types: with many trees at hand that takes as long as several checks."""
        self._uncollected = 0
        gc.collect()

    def _say(self, uri: str, checked: Checked) -> None:
        self.checked[uri] = checked
        self.show(checked)

    def _check_users(self, uri: str, snapshot: Snapshot) -> None:
        """Check the other open documents that use this one, or that say so and did not find it."""
        for document in self.documents:
            known = self.documents.latest(document.uri)
            if document.uri == uri or known is None:
                continue
            if str(snapshot.document.path) in known.files or known.opened.failed:
                self.changed(document.uri, with_users=False)
