"""The files that a policy can import or extend, by the names under which it does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safecot_dsl.datafiles import policies_root

SUFFIX = ".safecot"
MAX_FILES = 500
MAX_FOLDERS = 2_000
_SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "build", "dist"})
_HEAD = 4_096  # bytes in which a file's header is looked for


def policy_files(root: Path, limit: int = MAX_FILES) -> Iterator[Path]:
    """The policy files below a folder, at most `limit`; hidden folders and links to folders are not entered."""
    found = 0
    for number, (folder, below, names) in enumerate(os.walk(root)):
        if number >= MAX_FOLDERS:
            return
        below[:] = sorted(name for name in below if not name.startswith(".") and name not in _SKIPPED)
        for name in sorted(names):
            if name.endswith(SUFFIX):
                yield Path(folder) / name
                found += 1
                if found >= limit:
                    return


@dataclass(frozen=True)
class Importable:
    """What stands below the folder of a file, below those of the search path, and in the standard library."""

    file: Path
    search: tuple[Path, ...] = ()

    def libraries(self) -> Iterator[str]:
        yield from (_dotted(path, policies_root()) for path in policy_files(policies_root() / "std"))
        yield from self._below("library")

    def policies(self) -> Iterator[str]:
        return self._below("policy")

    def _below(self, word: str) -> Iterator[str]:
        for root in (self.file.parent, *self.search):
            for path in policy_files(root):
                if path != self.file and _opens_with(path, word):
                    yield _dotted(path, root)


def _dotted(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts)


def _opens_with(path: Path, word: str) -> bool:
    """Does a file open with a word, comments apart?"""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    lines = (line.strip() for line in head.lstrip("\ufeff").splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return first.split(" ")[0] == word
