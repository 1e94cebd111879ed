"""Errors of libraries that hide a failure to write, turned back into the `OSError` that it was."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Generator
from pathlib import Path

#: With less than this many bytes left, what failed to write failed for want of space.
_FULL = 1 << 16
_RUST = re.compile(r"\(os error (\d+)\)")
_TORCH = re.compile(r"inline_container|PytorchStreamWriter")


@contextlib.contextmanager
def writing(directory: Path) -> Generator[None]:
    """Names `directory` in a failure to write below it.

    safetensors writes the number of the system's error into its message. torch's writer says no more than that a
    position is unexpected: where space is left, that is an error of input and output.

    Raises:
        OSError: in place of theirs, with the system's number and `directory`.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise _of(error.errno, directory) from error
    except Exception as error:
        said = _RUST.search(str(error))
        if said is not None:
            raise _of(int(said[1]), directory) from error
        if isinstance(error, RuntimeError) and _space(directory) < _FULL:
            raise _of(errno.ENOSPC, directory) from error
        if isinstance(error, RuntimeError) and _TORCH.search(str(error)):
            raise _of(errno.EIO, directory) from error
        raise


def _of(number: int, directory: Path) -> OSError:
    return OSError(number, os.strerror(number), str(directory))


def _space(directory: Path) -> int:
    """Bytes that are left where `directory` is, or will be."""
    while not directory.exists():
        directory = directory.parent
    return shutil.disk_usage(directory).free
