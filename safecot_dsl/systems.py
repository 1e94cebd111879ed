"""What operating systems do differently, in one place: opening files that may be no files, flushing, processors.

Windows has neither `O_NONBLOCK` nor descriptors of folders, and macOS does not say which processors a process may use.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

# A file opened for reading alone cannot be flushed on Windows.
_TO_FLUSH = os.O_RDONLY if os.name == "posix" else os.O_RDWR


def open_file(path: Path | str) -> BinaryIO:
    """Open a file to read its bytes. Raises `OSError`, at once, for what is no file: a folder, and a pipe, a device or
    a socket, which have no end that anybody knows of."""

    def without_waiting(name: str, flags: int) -> int:
        # Else opening a pipe waits for somebody to write to it. Windows has no pipes among its files.
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    try:
        file = open(path, "rb", opener=without_waiting)  # noqa: SIM115 (the caller closes it)
    except PermissionError:
        if Path(path).is_dir():  # what Windows says of a folder
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path)) from None
        raise
    kind = os.fstat(file.fileno()).st_mode
    if not stat.S_ISREG(kind):
        file.close()
        what = "a pipe" if stat.S_ISFIFO(kind) else "a device or a socket"
        raise OSError(errno.EINVAL, f"this is {what}, not a file", str(path))
    return file


def flush_file(path: Path) -> None:
    """Wait until the disk has the file's content."""
    descriptor = os.open(path, _TO_FLUSH)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(path: Path) -> None:
    """Wait until the disk has the folder's list of names, where the system can do that (Windows does so by itself)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems refuse to sync a folder
        pass
    finally:
        os.close(descriptor)


def processors() -> int:
    """How many processors this process may use; those of the machine where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def state_folder() -> Path:
    """Where a program keeps what it must remember of a user between two runs, and nobody else reads; it need not be
    there yet."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "safecot"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "safecot"
