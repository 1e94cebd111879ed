"""A file's versions in git, by `git` itself, without a shell, and without what a repository's settings could run."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from pathlib import Path
from shutil import which

from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.folder import MAX_TEXT
from safecot_dsl.studio.messages.policy import Revision

#: Versions that are listed, and seconds for one call.
MOST = 100
_SECONDS = 10.0
_NAME = re.compile(r"[0-9a-f]{7,64}")
#: A repository from elsewhere may name programs in its settings: none of these is used.
_SETTINGS = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false"),
    *("-c", "protocol.allow=never", "-c", "core.pager=cat", "--no-pager", "--no-replace-objects"),
)
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_PAGER": "cat"}


def revisions_of(file: Path) -> tuple[Revision, ...]:
    """The versions of a file, the newest first; none where there is no git, or none of it."""
    form = "--format=%H%x1f%s%x1f%cs"
    told = _git(file.parent, "log", form, f"--max-count={MOST}", "--no-ext-diff", "--no-textconv", "--", file.name)
    found: list[Revision] = []
    for line in (told or b"").decode("utf-8", "replace").splitlines():
        name, _, rest = line.partition("\x1f")
        subject, _, date = rest.rpartition("\x1f")
        if _NAME.fullmatch(name):
            found.append(Revision(revision=name, subject=subject, date=date))
    return tuple(found)


def text_at(file: Path, revision: str) -> str | None:
    """The text of a file as a version had it; None where that had none. Raises :class:`StudioError` for what is no
    version's name."""
    if not _NAME.fullmatch(revision):
        raise StudioError(422, "no_revision", "This is no version of the file.")
    thing = f"{revision}:./{file.name}"
    size = _git(file.parent, "cat-file", "-s", thing)
    if size is None or not size.strip().isdigit() or int(size) > MAX_TEXT:
        return None
    data = _git(file.parent, "cat-file", "blob", thing)
    return None if data is None else data.decode("utf-8-sig", "replace")


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints; None where there is no git, no repository, or it fails."""
    program = _program()
    if program is None or not folder.is_dir():
        return None
    try:
        run = subprocess.run(
            [program, "-C", str(folder), *_SETTINGS, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            env={**os.environ, **_ENVIRONMENT},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout if run.returncode == 0 else None


@cache
def _program() -> str | None:
    found = which("git")
    return None if found is None else str(Path(found).absolute())
