"""Which file did the user mean, where the one that is named is not there?"""

from __future__ import annotations

import errno
import os
import re
from itertools import islice
from pathlib import Path

from safecot_dsl.diagnostics.suggest import Suggestion, suggest

_FOLDERS = 50  # folders below the one that is looked in
_ENTRIES = 1_000  # of each folder


def no_such_file(path: Path) -> str:
    """That the file is not there, with the file that was probably meant."""
    meant = nearby(path)
    return f"there is no such file; {meant.help}" if meant else "there is no such file"


def unreadable(error: OSError, path: Path | None = None) -> str:
    """What the system says of a file that cannot be read; of one that is not there, with the one that was meant."""
    said = error.strerror or str(error)
    if path is None and isinstance(error.filename, str):
        path = Path(error.filename)
    meant = nearby(path) if error.errno == errno.ENOENT and path is not None else Suggestion()
    return f"{said}; {meant.help}" if meant else said


def nearby(path: Path) -> Suggestion:
    """The files that a path may have been meant for: of its folder, else of the folders right below. They are spelt
    nearly so, are called so elsewhere, or have all words of the name (`household` for `household_chemicals`). Files of
    another kind than the path names are none of them."""
    own = _like(path, path.parent)
    if own:
        return own
    folders = [entry.path for entry in _entries(path.parent) if entry.is_dir() and not entry.name.startswith(".")]
    found = [name for folder in sorted(folders)[:_FOLDERS] for name in _like(path, Path(folder)).names]
    exact = [name for name in found if Path(name).name == path.name]
    return Suggestion(tuple(exact or found))


def _like(path: Path, folder: Path) -> Suggestion:
    files = {
        entry.name.removesuffix(path.suffix): str(folder / entry.name)
        for entry in _entries(folder)
        if (Path(entry.name).suffix == path.suffix or not path.suffix) and entry.is_file()
    }
    if path.suffix:
        meant = suggest(path.stem, files).names
    else:
        meant = tuple(name for name in files if Path(name).stem == path.name)
    words = set(_words(path.stem))
    meant = meant or tuple(name for name in files if words and words <= set(_words(name)))
    return Suggestion(tuple(sorted(files[name] for name in meant)))


def _words(stem: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", stem.lower()) if word]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(islice(entries, _ENTRIES))
    except OSError:
        return []
