"""What one running studio holds."""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.jobs.store import JobStore
from safecot_dsl.studio.messages.policy import Source
from safecot_dsl.studio.policy.language import Editors
from safecot_dsl.studio.policy.policies import Policies
from safecot_dsl.studio.policy.proving import Prover
from safecot_dsl.systems import state_folder

_R = TypeVar("_R")


class Studio:
    """The folder, and what is kept of it between two questions. `demo`: it shows what ships.

    What takes a solver or a model is asked of a process of its own, one for each kind of question.
    """

    def __init__(self, folder: StudioFolder, *, demo: bool = False, state: Path | None = None) -> None:
        self.folder = folder
        self.demo = demo
        self.policies = Policies(folder)
        self.jobs = JobStore(kept_for(folder.root, state) / "jobs")
        self.editors = Editors()
        self.claims = Prover(folder.root, "claims", seconds=120)
        self.findings = Prover(folder.root, "findings", seconds=120)
        self.changes = Prover(folder.root, "changes", seconds=180)
        self.annotations = Prover(folder.root, "annotations", seconds=180)

    def prepare(self) -> None:
        """Make ready what the first page needs: a language server, and the compiler's tables."""
        self.editors.prepare()
        threading.Thread(target=self._compile_one, daemon=True, name="prepare").start()

    def _compile_one(self) -> None:
        first = next((entry.path for entry in self.folder.walk() if entry.kind == "policy"), None)
        if first is not None:
            with suppress(StudioError):  # it will be said where the file is opened
                self.policies.open(Source(path=first, text=None))

    async def close(self) -> None:
        """End what runs on its behalf, but for jobs, which go on."""
        await self.editors.stop()
        for prover in (self.claims, self.findings, self.changes, self.annotations):
            await prover.stop()


class KeptRoom(Generic[_R]):
    """What a room keeps open of each studio, made with the first question that it is asked."""

    def __init__(self, make: Callable[[StudioFolder], _R]) -> None:
        self._make = make
        self._rooms: weakref.WeakKeyDictionary[Studio, _R] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, studio: Studio) -> _R:
        """The room of a studio."""
        with self._lock:
            if studio not in self._rooms:
                self._rooms[studio] = self._make(studio.folder)
            return self._rooms[studio]


def kept_for(folder: Path, state: Path | None = None) -> Path:
    """Where what is remembered of a folder is kept: outside of it, among what is the user's own."""
    name = hashlib.sha256(str(folder).encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return (state or state_folder()) / "studio" / name
