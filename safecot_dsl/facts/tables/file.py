"""A file that holds rows: what all formats have in common."""

from __future__ import annotations

import fnmatch
import functools
import io
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from safecot_dsl.diagnostics import unreadable
from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.tables.limits import MAX_MEMBER
from safecot_dsl.facts.tables.members import MemberBytes, packed_table
from safecot_dsl.facts.tables.places import Archive, leaves, split_archive
from safecot_dsl.facts.tables.record import Broken, Record

#: A row as a file has it: where it stands, as people count there, and its record, None for a row that is empty.
Row = tuple[int, Record | Broken | None]


class TableFile(Protocol):
    """The rows of one file, numbered from 0. It can be pickled.

    `names` are its columns, in order, where the format fixes them. `read` gives the rows `start` to `stop` (exclusive),
    each with its place: the line on which it begins, or its number, from 1, where there are no lines; `unit` says
    which. With `columns`, only these need be in the records.
    """

    @property
    def rows(self) -> int: ...

    @property
    def names(self) -> tuple[str, ...] | None: ...

    @property
    def unit(self) -> str: ...

    def read(self, start: int, stop: int, columns: Collection[str] | None = None) -> Iterator[Row]: ...


def place_of(table: TableFile, place: int) -> str:
    """What follows the file's name where a message speaks of a row: `:7` for a line, `, row 7` otherwise."""
    return f":{place}" if table.unit == "line" else f", {table.unit} {place}"


@dataclass(frozen=True)
class Location:
    """A file, or a member of an archive."""

    path: str
    member: str | None = None

    @property
    def name(self) -> str:
        """The path below the source's folder is not known here: this is what messages call the file."""
        return self.path if self.member is None else f"{self.path}/{self.member}"

    def open(self) -> BinaryIO:
        """The bytes, from their beginning; :class:`FactsError` where they cannot be had."""
        try:
            return Path(self.path).open("rb") if self.member is None else io.BytesIO(self.held())
        except OSError as error:
            raise FactsError(f"cannot read {self.name}: {unreadable(error)}") from None

    def held(self) -> bytes:
        """All bytes of a member of an archive. Raises :class:`FactsError` where there are too many of them."""
        assert self.member is not None
        problem = packed_table(self.path, self.member)
        if problem is not None:
            raise FactsError(f"{self.path}: {problem.detail}")
        return _held(self.path, self.member, Path(self.path).stat().st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _held(path: str, member: str, time: int) -> bytes:
    del time
    return MemberBytes(path, member, MAX_MEMBER)()


def locate(root: Path, pattern: str, boundary: Path | None = None) -> list[Location | Broken]:
    """The files that a pattern means, sorted by name: `*`, `?` and `**` as in a shell, below `root` or, after the name
    of an archive, in it (`data.zip/*.json`). Links may lead anywhere in `boundary` (`root` where it is None); a file
    that they lead out of it is broken. Raises :class:`FactsError` for a pattern, and an archive, that leave it."""
    if pattern.startswith("/") or ".." in pattern.split("/"):
        raise FactsError(f"`files`: {pattern!r} leaves the source's folder")
    path, inside = split_archive(root, pattern)
    if inside is None:
        found = sorted(file for file in root.glob(pattern) if file.is_file())
        return [_outside(file, root, boundary) or Location(os.fspath(file)) for file in found]
    outside = _outside(path, root, boundary)
    if outside is not None:
        raise FactsError(outside.detail)
    entries: list[Location | Broken] = []
    for name in Archive(path).names():
        if isinstance(name, Broken):
            entries.append(name)
        elif _matches(name, inside or "**"):
            entries.append(Location(str(path), name))
    return entries


def _outside(file: Path, root: Path, boundary: Path | None) -> Broken | None:
    """Why a file is not read to which links lead, or None."""
    if not leaves(file, boundary or root):
        return None
    return Broken("path_outside", f"{file} is a link, or lies behind one, that leaves {root}")


def _matches(name: str, pattern: str) -> bool:
    if pattern in ("", "**", "**/*"):
        return True
    have, want = name.split("/"), pattern.split("/")
    if "**" in want:
        at = want.index("**")
        before, after = want[:at], want[at + 1 :]
        if len(have) < len(before) + len(after):
            return False
        have = have[: len(before)] + have[len(have) - len(after) :] if after else have[: len(before)]
        want = before + after
    return len(have) == len(want) and all(map(fnmatch.fnmatchcase, have, want))
