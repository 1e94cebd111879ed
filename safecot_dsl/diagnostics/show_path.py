"""How a file is named to other tools."""

from __future__ import annotations

import os
from pathlib import Path


def path_from(root: Path, file: str) -> str:
    """The path of `file` (relative to the working directory, or absolute) as seen from the folder `root`, with forward
    slashes; absolute where it lies outside."""
    # Links stay as they are: a path is named as the user and the repository know it.
    path = Path(os.path.normpath(Path.cwd() / file))
    base = Path(os.path.normpath(Path.cwd() / root))
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()
