"""A folder of pictures, or an archive of them, as a table: one row a picture."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from safecot_dsl.facts.tables.file import Row
from safecot_dsl.facts.tables.record import Broken, Record

#: What pictures' names end in; what they are is told by their content when they are opened.
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")


@dataclass(frozen=True)
class Pictures:
    """Columns `path` (below the source's folder, as a row's image column), `folder` (the last folder's name) and `stem`
    (the file's name without its ending)."""

    entries: tuple[str | Broken, ...]
    names: tuple[str, ...] = ("path", "folder", "stem")
    unit: str = "picture"

    @property
    def rows(self) -> int:
        return len(self.entries)

    def read(self, start: int, stop: int, columns: Collection[str] | None = None) -> Iterator[Row]:
        del columns
        for number, entry in enumerate(self.entries[start:stop], start=start + 1):
            yield number, entry if isinstance(entry, Broken) else _row(entry)


def _row(path: str) -> Record:
    folder, name = posixpath.split(path)
    return {"path": path, "folder": posixpath.basename(folder), "stem": posixpath.splitext(name)[0]}
