"""The members of zips and tars, which are read one by one and never unpacked to disk."""

from __future__ import annotations

import functools
import os
import posixpath
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.tables.limits import MAX_IMAGE, MAX_MEMBER, MAX_MEMBERS, MAX_RATIO, MAX_UNSUSPECTED
from safecot_dsl.facts.tables.record import Broken


@dataclass(frozen=True)
class MemberBytes:
    """Reads a member of an archive, of at most `limit` bytes, whatever size the archive says it has."""

    archive: str
    member: str
    limit: int = MAX_IMAGE

    def __call__(self) -> bytes:
        try:
            data = members_of(self.archive).read(self.member, self.limit + 1)
        except (zipfile.BadZipFile, tarfile.TarError, NotImplementedError, EOFError, RuntimeError, ValueError) as error:
            raise OSError(f"cannot be unpacked: {error}") from None
        except Exception as error:  # zlib, lzma and bz2 have errors of their own
            if isinstance(error, OSError):
                raise
            raise OSError(f"cannot be unpacked: {error}") from None
        if len(data) > self.limit:
            raise OSError(f"larger than the limit of {self.limit:,} bytes")
        return data


class Members(Protocol):
    sizes: dict[str, tuple[int, int]]  # by the normalised name: bytes unpacked, and packed
    refused: list[str]

    def read(self, member: str, count: int) -> bytes: ...


def members_of(archive: str) -> Members:
    """The members of an archive, which is opened once. Raises :class:`FactsError` where it is none."""
    try:
        info = Path(archive).stat()
    except OSError as error:
        raise FactsError(f"cannot read {archive}: {error.strerror}") from None
    return _opened(archive, info.st_size, info.st_mtime_ns, os.getpid())


@functools.lru_cache(maxsize=8)
def _opened(archive: str, size: int, time: int, process: int) -> Members:
    """`process` is in the key because a child that was forked shares its parent's place in an open file."""
    del size, time, process
    try:
        found = _Zip(archive) if zipfile.is_zipfile(archive) else _Tar(archive)
    except (OSError, zipfile.BadZipFile, tarfile.TarError, NotImplementedError, ValueError) as error:
        raise FactsError(f"{archive} is neither a zip nor a plain tar: {error}") from None
    if len(found.sizes) > MAX_MEMBERS:
        raise FactsError(f"{archive} has {len(found.sizes):,} members, above the limit of {MAX_MEMBERS:,}")
    return found


class _Zip:
    def __init__(self, archive: str) -> None:
        self._file = zipfile.ZipFile(archive)
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self.refused: list[str] = []
        for info in self._file.infolist():
            if info.is_dir():
                continue
            if not stays(info.filename) or stat.S_ISLNK(info.external_attr >> 16):
                self.refused.append(info.filename)
            else:
                self._infos[posixpath.normpath(info.filename)] = info
        self.sizes = {name: (info.file_size, info.compress_size) for name, info in self._infos.items()}

    def read(self, member: str, count: int) -> bytes:
        with self._file.open(self._infos[member]) as file:
            return file.read(count)


class _Tar:
    def __init__(self, archive: str) -> None:
        self._archive = archive
        self._places: dict[str, tuple[int, int]] = {}
        self.refused: list[str] = []
        with tarfile.open(archive, "r:") as tar:
            for member in _until_broken(tar):
                if member.isdir():
                    continue
                if not stays(member.name) or not member.isreg() or member.issparse():
                    self.refused.append(member.name)
                else:
                    self._places[posixpath.normpath(member.name)] = (member.offset_data, member.size)
        self.sizes = {name: (size, size) for name, (_, size) in self._places.items()}

    def read(self, member: str, count: int) -> bytes:
        offset, size = self._places[member]
        with Path(self._archive).open("rb") as file:
            file.seek(offset)
            data = file.read(min(size, count))
        if len(data) < min(size, count):
            raise OSError("the archive ends within it")
        return data


def _until_broken(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members of a tar, and of one that was cut off those before the cut."""
    count = 0
    try:
        for member in tar:
            count += 1
            yield member
    except tarfile.TarError:
        if not count:
            raise


def packed_table(archive: str, member: str) -> Broken | None:
    """Why a member of an archive is not read as a table, or None."""
    size, packed = members_of(archive).sizes[member]
    if size > MAX_MEMBER:
        return Broken("archive_bomb", f"{member} has {size:,} bytes, above the limit of {MAX_MEMBER:,}; unpack it")
    return bomb(member, size, packed)


def bomb(member: str, size: int, packed: int) -> Broken | None:
    """Whether a member unpacks to so much more than it is packed in that it was made to."""
    if size > MAX_UNSUSPECTED and size > MAX_RATIO * max(packed, 1):
        return Broken("archive_bomb", f"{member} unpacks from {packed:,} to {size:,} bytes, above {MAX_RATIO} to 1")
    return None


def stays(name: str) -> bool:
    """Whether a path, links aside, stays below where it starts."""
    normal = posixpath.normpath(name.replace("\\", "/"))
    return not normal.startswith(("/", "../")) and normal != ".." and normal[1:2] != ":"
