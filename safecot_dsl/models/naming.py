"""What a model is named by: a folder here, or a hub id, perhaps with the revision that is meant.

`OWNER/NAME@REVISION` is read here and nowhere else.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from safecot_dsl.datafiles import MINIATURE_BASE
from safecot_dsl.diagnostics import closest

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]*")


class ModelError(ValueError):
    """A model or an adapter that is refused, or that cannot be loaded."""


class UnpinnedModelWarning(UserWarning):
    """A model of the hub was named without the commit that is meant: tomorrow the same name may load another."""


@dataclass(frozen=True)
class ModelName:
    """What a model is loaded from.

    `source` is a folder or a hub id, as Transformers' loaders take it first. `revision` is what they take beside it: a
    commit, a tag or a branch; None for a folder.
    """

    source: str
    revision: str | None

    @property
    def folder(self) -> Path | None:
        """The folder; None for a hub id."""
        return Path(self.source) if self.revision is None else None

    @property
    def pinned(self) -> bool:
        """Whether it always means the same: a hub id at a commit."""
        return self.revision is not None and is_commit(self.revision)

    def __str__(self) -> str:
        return self.source if self.revision is None else f"{self.source}@{self.revision}"


def is_commit(revision: str) -> bool:
    """Whether a revision is a commit, and so means the same for ever."""
    return _COMMIT.fullmatch(revision) is not None


def parse_model(name: str) -> ModelName:
    """What `name` means: a folder, if there is one of that name, else a hub id, at `main` unless it says `@REVISION`.

    Raises:
        ModelError: it can only mean a folder, and there is none; or the revision cannot be one.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return ModelName(str(path), None)
    if path.exists():
        raise ModelError(f"`{name}` is a file; a model is a folder with config.json and safetensors weights")
    source, at, revision = name.partition("@")
    if path.is_absolute() or _HUB_ID.fullmatch(source) is None:
        meant = closest(name, [MINIATURE_BASE])
        raise ModelError(f"there is no model folder `{name}`" + (f"; did you mean `{meant}`?" if meant else ""))
    if not at:
        return ModelName(source, "main")
    fault = _fault_of_revision(revision)
    if fault is not None:
        raise ModelError(
            f"`{name}`: {fault}; write `{source}@COMMIT`, with all 40 digits of a commit of "
            f"https://huggingface.co/{source}/commits/main (a tag or a branch will do, but either can be moved)"
        )
    return ModelName(source, revision)


def resolve_model(name: str) -> ModelName:
    """As :func:`parse_model`, with a hub id at a commit: a branch or a tag becomes the one that it stands at.

    Within a process a name means one commit, however long it runs. A name that is not pinned gives an
    `UnpinnedModelWarning` with the commit.

    Raises:
        ModelError: there is no such folder, or the hub does not give the model.
    """
    named = parse_model(name)
    return named if named.folder is not None else replace(named, revision=_commit(named))


@cache
def _commit(named: ModelName) -> str:
    from transformers.utils.hub import cached_file, extract_commit_hash

    try:
        found = cached_file(named.source, "config.json", revision=named.revision)
    except (OSError, ValueError) as error:
        raise ModelError(f"`{named}` is no folder here, and the hub does not give it: {error}") from error
    commit = extract_commit_hash(found, None)
    if commit is None:
        raise ModelError(f"which commit of `{named}` the hub gave cannot be told from `{found}`")
    if not named.pinned:
        warnings.warn(
            f"the model `{named.source}` is not pinned: `{named.revision}` is {commit} now, and may be another commit "
            f"tomorrow; write `{named.source}@{commit}` to have this one again",
            UnpinnedModelWarning,
            stacklevel=3,
        )
    return commit


def _fault_of_revision(revision: str) -> str | None:
    """Why a text cannot be a revision; None where it can (git's rules of names, and no way out of a cache's folder)."""
    if not revision:
        return "no revision stands after `@`"
    if re.fullmatch(r"[0-9a-fA-F]{7,}", revision) and not revision.isdecimal():  # a date may be a tag
        if len(revision) != 40:
            return f"`{revision}` is a commit of {len(revision)} digits, and a whole one has 40"
        return None if revision.islower() else f"`{revision}` has capital letters, and commits are written without"
    if (
        _REF.fullmatch(revision) is None
        or ".." in revision
        or "//" in revision
        or revision.endswith((".", "/", ".lock"))
    ):
        return f"`{revision}` cannot be the name of a commit, a tag or a branch"
    return None
