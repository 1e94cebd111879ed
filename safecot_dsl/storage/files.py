"""Files and folders that appear complete or not at all, and the digests that name their contents."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import hashlib
import itertools
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from pathlib import Path

from safecot_dsl.errors import SafecotError
from safecot_dsl.storage.locks import LOCK_SUFFIX, Lock, lock, lock_beside
from safecot_dsl.systems import flush_file, flush_folder, open_file

# Digests in names, the first two digits of one, and the numbers of parts.
_NUMBERS = re.compile(r"\b(?:[0-9a-f]{12,}|[0-9a-f]{2})\b|[0-9]+")
_BY_THE_SYSTEM = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_NAMED = 3  # files that a message names


class OthersFilesError(SafecotError):
    """A folder that was to be replaced holds files that are not of the kind that is written into it."""


def write_whole(path: Path | str, data: bytes | str, *, mode: int | None = None) -> None:
    """Write `data` (text as UTF-8) to `path`, so that a reader finds the old content or the new one, never a part.

    `mode` are the permissions of the file; without it they are those of any new file.

    The bytes go to a temporary file in the same folder (created where missing), are flushed to the disk, and the file
    is renamed over `path`. Whatever goes wrong before that, a full disk and Ctrl-C included, the temporary file is
    removed, `path` is as it was, and the exception is raised.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = data.encode("utf-8") if isinstance(data, str) else data
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.partial-")
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o666 & ~_umask() if mode is None else mode)  # mkstemp gives 0600
        partial.replace(path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # a write that fails names no file by itself
        raise
    flush_folder(path.parent)


@contextlib.contextmanager
def whole_directory(path: Path | str, *, spare: bool = False, kinds: Collection[str] = ()) -> Generator[Path]:
    """Give an empty folder to fill; it becomes `path` when the block ends, and is removed when the block raises.

    It is built beside `path` as `.NAME.partial-…`. An older `path` is moved aside and removed only after the new one
    is in place; where a kill came between the two, the next call brings the old one back first. Partial folders of
    processes that died are removed; those of living ones are held by a lock and left alone.

    With `spare`, for a `path` that a person names: an older one is only replaced where every file in it is of a kind
    the new one has too, by its name less numbers and digests. Anything else would be lost. `kinds` are the patterns of
    all files that may be written here: with them, what is no such file is refused before the block begins, and an older
    folder may have files of more kinds than the new one.

    Raises:
        OthersFilesError: with `spare`, `path` is a file, or holds other files or the working folder; it is as it was.
    """
    path = Path(path)
    if spare and path.exists() and not path.is_dir():
        raise OthersFilesError(f"{path} is a file: name a folder")
    if spare and Path.cwd().is_relative_to(path.resolve()):
        raise OthersFilesError(f"{path} is the folder you are in, or holds it: name another")
    path.parent.mkdir(parents=True, exist_ok=True)
    restore_directory(path)

    def of_kinds(name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, kind) for kind in kinds)

    if spare and kinds:
        refuse_others(path, files_below(path), of_kinds)
    for stale in path.parent.glob(f".{_escaped(path.name)}.partial-*"):
        _remove_if_abandoned(stale.with_name(stale.name.removesuffix(LOCK_SUFFIX)))
    partial = path.with_name(f".{path.name}.partial-{secrets.token_hex(6)}")
    # Locked before it is there, so that no other process finds it without its lock. Where a file system knows no locks,
    # nothing may be presumed dead.
    with _locked(partial) or contextlib.nullcontext():
        partial.mkdir()
        try:
            yield partial
            if spare:  # also what came meanwhile
                written = {_kind(name) for name in files_below(partial)}
                refuse_others(path, files_below(path), lambda name: _kind(name) in written or of_kinds(name))
            replace_directory(partial, path)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def replace_directory(new: Path, path: Path) -> None:
    """Rename the folder `new` to `path`, whose older content is kept until that is done, then removed."""
    _flush_tree(new)
    retired = path.with_name(f".{path.name}.old-{os.getpid()}")
    had_old = path.exists()
    if had_old:
        path.rename(retired)
    try:
        new.rename(path)
    except BaseException:
        if had_old:
            retired.rename(path)
        raise
    flush_folder(path.parent)
    if had_old:
        remove(retired)


def refuse_others(path: Path, files: Iterable[str], ours: Callable[[str], bool]) -> None:
    """Raise :class:`OthersFilesError` where some of the files, named relative to the folder `path`, are not `ours`."""
    others = (name for name in files if not ours(name))
    if named := list(itertools.islice(others, _NAMED)):  # no more are looked for: it may be a whole disk
        more = " and others" if next(others, None) is not None else ""
        raise OthersFilesError(
            f"{path} holds files that are not written here and would be lost: {', '.join(named)}{more}. "
            "Name another folder, or remove this one first"
        )


def _kind(name: str) -> str:
    return _NUMBERS.sub("#", name)


def files_below(path: Path) -> Iterator[str]:
    """The files below a folder, relative to it, but for those that the system's file manager leaves there."""
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            if name not in _BY_THE_SYSTEM:
                yield (Path(folder) / name).relative_to(path).as_posix()


def restore_directory(path: Path) -> None:
    """Undo a replacement that was killed between its two renames; remove what a finished one left over."""
    for retired in sorted(path.parent.glob(f".{_escaped(path.name)}.old-*")):
        if path.exists():
            remove(retired)
        else:
            retired.rename(path)


def _remove_if_abandoned(partial: Path) -> None:
    """Remove a partial folder with its lock, unless a living process holds it."""
    held = _locked(partial)
    if held is not None:
        with held:
            shutil.rmtree(partial, ignore_errors=True)


def _locked(partial: Path) -> Lock | None:
    try:
        return lock(lock_beside(partial))
    except OSError:
        return None


def read_bounded(path: Path | str, limit: int) -> bytes:
    """The bytes of a file, of at most `limit`. Raises `OSError` for more, and at once for what is no file: a pipe, a
    device or a socket has no end that anybody knows of."""
    with open_file(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"the file is larger than {limit:,} bytes", str(path))
    return data


def sha256_bytes(data: bytes) -> str:
    """`sha256:` and the hexadecimal digest of the bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def sha256_file(path: Path | str) -> str:
    """`sha256:` and the hexadecimal digest of the file's bytes; memory does not grow with the file."""
    with Path(path).open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def digest_directory(path: Path | str, *, ignore: frozenset[str] = frozenset()) -> str:
    """A digest of the relative names and the contents of all files below `path`; empty folders do not count.

    `ignore` names files directly in `path` that are left out. Two folders with the same digest hold the same files.

    Raises:
        NotADirectoryError: `path` is no folder.
    """
    listing = file_digests(Path(path), ignore=ignore)
    return sha256_bytes(json.dumps(listing, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode())


def file_digests(path: Path, *, ignore: frozenset[str] = frozenset()) -> dict[str, str]:
    """Relative POSIX name to digest, of every file below `path`, sorted by name.

    Raises:
        NotADirectoryError: there is no such folder.
    """
    if not path.is_dir():
        raise NotADirectoryError(f"`{path}` is not a folder")
    names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    return {name: sha256_file(path / name) for name in names if name not in ignore}


def _escaped(name: str) -> str:
    """The name as a literal in a glob pattern."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that it holds."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _flush_tree(root: Path) -> None:
    """Flush every file below `root`, so that the rename that follows never outruns the contents."""
    for file in root.rglob("*"):
        if file.is_file() and not file.is_symlink():
            flush_file(file)
    flush_folder(root)
