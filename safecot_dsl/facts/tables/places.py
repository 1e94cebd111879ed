"""Where a source's files lie: in a folder, or in an archive that is never unpacked."""

from __future__ import annotations

import functools
import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.tables.limits import MAX_IMAGE
from safecot_dsl.facts.tables.members import MemberBytes, bomb, members_of, stays
from safecot_dsl.facts.tables.record import Broken

ARCHIVES = (".zip", ".tar")
_PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")


@dataclass(frozen=True)
class FileBytes:
    """Reads a file, of at most `limit` bytes."""

    path: str
    limit: int = MAX_IMAGE

    def __call__(self) -> bytes:
        with Path(self.path).open("rb") as file:
            data = file.read(self.limit + 1)
        if len(data) > self.limit:
            raise OSError(f"larger than the limit of {self.limit:,} bytes")
        return data


class FileStore(Protocol):
    """Files by name, with `/` between folders. Names come from the data, and may be anything."""

    def find(self, name: str) -> FileBytes | MemberBytes | Broken:
        """What reads the file of that name, or why nothing may."""
        ...


@dataclass(frozen=True)
class Folder:
    """The files below `base`. Links may lead anywhere inside of `boundary` (`base` where it is None)."""

    base: Path
    boundary: Path | None = None

    def find(self, name: str) -> FileBytes | MemberBytes | Broken:
        problem = _name_problem(name)
        if problem is not None:
            return problem
        path = os.path.join(_resolved(self.base), name)  # noqa: PTH118 (ten times as fast as Path's)
        try:
            info = os.lstat(path)
            if not (_plain(name) and _straight(posixpath.dirname(path)) and stat.S_ISREG(info.st_mode)):
                real = Path(path).resolve(strict=True)
                if not real.is_relative_to(_resolved(self.boundary or self.base)):
                    return Broken("path_outside", f"the path {name!r} leaves {self.base}")
                path, info = str(real), real.stat()
        except NotADirectoryError:
            return self._in_archive(name)
        except (OSError, RuntimeError, ValueError):  # a name too long, a circle of links, a character without bytes
            if not stays(name):
                return Broken("path_outside", f"the path {name!r} leaves {self.base}")
            return Broken("image_absent", f"{self.base / name[:200]} does not exist")
        if not stat.S_ISREG(info.st_mode):
            return Broken("image_absent", f"{path} is no file")
        if info.st_size > MAX_IMAGE:
            return Broken("image_too_large", f"{path} has {info.st_size:,} bytes, above the limit of {MAX_IMAGE:,}")
        return FileBytes(path)

    def _in_archive(self, name: str) -> MemberBytes | Broken:
        """A path that goes on below a file: into an archive, if that is what the file is."""
        path, inside = split_archive(self.base, name) if stays(name) else (self.base, None)
        if inside is None:
            return Broken("image_absent", f"{self.base / name[:200]} does not exist")
        if leaves(path, self.boundary or self.base):
            return Broken("path_outside", f"the path {name[:200]!r} leaves {self.base}")
        return Archive(path).find(inside)


@dataclass(frozen=True)
class Archive:
    """The members of a zip or a plain tar below `inside` ("" for all). They are looked up by name and read one by one:
    nothing is unpacked to disk, so no member can land outside of a folder."""

    path: Path
    inside: str = ""

    def find(self, name: str) -> MemberBytes | Broken:
        problem = _name_problem(name)
        if problem is not None:
            return problem
        member = posixpath.normpath(posixpath.join(self.inside, name))
        if not stays(name):
            return Broken("path_outside", f"the path {name!r} leaves {self.path}")
        sizes = members_of(str(self.path)).sizes.get(member)
        if sizes is None:
            return Broken("image_absent", f"{self.path} has no member {member!r}")
        size, packed = sizes
        if size > MAX_IMAGE:
            return Broken("image_too_large", f"{member} has {size:,} bytes, above the limit of {MAX_IMAGE:,}")
        return bomb(member, size, packed) or MemberBytes(str(self.path), member)

    def names(self) -> Iterator[str | Broken]:
        """All members, sorted by name, and what is there and not to be read."""
        members = members_of(str(self.path))
        start = f"{self.inside}/" if self.inside else ""
        for member in sorted(members.sizes):
            if member.startswith(start):
                yield member.removeprefix(start)
        for member in members.refused:
            yield Broken("path_outside", f"the member {member!r} of {self.path} leaves it, or is a link")


def open_place(root: Path, name: str, boundary: Path | None = None) -> FileStore | None:
    """The folder or archive `name` below `root`, or what lies in an archive: `train.zip/images`. None if not there.

    Raises :class:`FactsError` for an archive that cannot be read member by member, and where links lead out of
    `boundary` (`root` where it is None).
    """
    path, inside = split_archive(root, name)
    if ".." not in name.split("/") and leaves(path, boundary or root):
        raise FactsError(f"{path} is a link, or lies behind one, that leaves {root}")
    if inside is None:
        return Folder(path, boundary) if path.is_dir() else None
    members_of(str(path))
    return Archive(path, inside)


def leaves(path: Path, boundary: Path) -> bool:
    """Whether links lead a path out of a folder."""
    return not path.resolve().is_relative_to(boundary.resolve())


def split_archive(root: Path, name: str) -> tuple[Path, str | None]:
    """`name` below `root` as the path of an archive in it and the rest within; None for the rest where no part of the
    name is an archive that is there.

    Raises:
        FactsError: the name leads through a packed tar.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    for number, part in enumerate(parts, start=1):
        path = root.joinpath(*parts[:number])
        if part.lower().endswith(_PACKED) and path.is_file():
            raise FactsError(f"{path}: a packed tar can only be read from its start; unpack it, and name its folder")
        if part.lower().endswith(ARCHIVES) and path.is_file():
            return path, "/".join(parts[number:])
    return root.joinpath(*parts), None


def _name_problem(name: str) -> Broken | None:
    if not name or "\0" in name or len(name) > 4096:
        return Broken("path_outside", f"{name[:80]!r} is no path of a file")
    return None


def _plain(name: str) -> bool:
    """Whether a path has no part that leads up or nowhere."""
    return not name.startswith("/") and ".." not in name and "//" not in name


def _resolved(path: Path) -> str:
    # What is remembered is not to outlive a change of the working folder, by which a relative path is another.
    return _real(str(path if path.is_absolute() else Path.cwd() / path))


@functools.lru_cache(maxsize=1024)
def _real(path: str) -> str:
    return str(Path(path).resolve())


@functools.lru_cache(maxsize=65536)
def _straight(folder: str) -> bool:
    """Whether no part of a folder's path is a link."""
    return os.path.realpath(folder) == folder
