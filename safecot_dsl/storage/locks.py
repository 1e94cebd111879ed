"""Locks between processes: a file that one process holds, until it lets go or ends."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_SUFFIX = ".lock"


def lock_beside(path: Path) -> Path:
    """The file that is locked for a folder: one inside would be listed, digested and renamed with it."""
    return path.with_name(path.name + LOCK_SUFFIX)


class Lock:
    """A lock that this process holds. Leaving its `with` block lets go, and removes the file."""

    def __init__(self, held: BaseFileLock) -> None:
        self._held = held

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # While it is held: who opened it before finds that it has no name any more, and begins anew. On Windows, which
        # removes no open file, filelock removes it.
        if os.name == "posix":
            Path(self._held.lock_file).unlink(missing_ok=True)
        self._held.release()


def lock(file: Path, *, patience: float = 0) -> Lock | None:
    """Lock the file (made where missing) for this process: None if another holds it, and has for `patience` seconds.

    A killed process leaves the file, and holds it no more. Raises `OSError` where the folder cannot be written to, or
    its file system knows no locks.
    """
    from filelock import FileLock, Timeout  # imported by those who lock: it is a tenth of what `check` takes

    held = FileLock(file, timeout=patience, thread_local=False)
    try:
        held.acquire(poll_interval=0.01)
    except Timeout:
        return None
    return Lock(held)
