"""Which policy files a folder has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from safecot_dsl.errors import SafecotError

_NAMED = 5  # policies of a folder that a message names


class FolderError(SafecotError, ValueError):
    """A folder has no policy, or has several where one is wanted."""


def the_policy(path: Path) -> Path:
    """The file itself, or the one policy of a folder.

    Raises:
        FolderError: the folder has none, or several.
    """
    if not path.is_dir():
        return path
    found = [file for file in sorted(path.glob("*.safecot")) if is_policy(file)]
    if not found:
        raise FolderError(f"{path}: there is no policy in this folder")
    if len(found) > 1:
        named = ", ".join(file.name for file in found[:_NAMED]) + ", …" * (len(found) > _NAMED)
        raise FolderError(f"{path}: this folder has {len(found)} policies: name one ({named})")
    return found[0]


def is_policy(file: Path) -> bool:
    """Does the file begin, after its comments, as a policy does, and not as a library?"""
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            first = next((line for line in lines if line.strip() and not line.lstrip().startswith(("#", "//"))), "")
    except OSError:
        return False
    return first.split(None, 1)[:1] == ["policy"]


def policy_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, each once, and of a folder all policy files below it, libraries too.

    Raises:
        FolderError: a folder has none.
    """
    seen: set[Path] = set()
    for path in paths:
        found = sorted(path.rglob("*.safecot")) if path.is_dir() else [path]
        if path.is_dir() and not found:
            raise FolderError(f"{path}: there is no policy file in this folder")
        for file in found:
            if file not in seen:
                seen.add(file)
                yield file
