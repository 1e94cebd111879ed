"""Checkpoints of the Trainer that are either whole or not counted."""

from __future__ import annotations

import json
from pathlib import Path

from safecot_dsl.storage import write_whole
from safecot_dsl.storage.files import file_digests, remove

_MARK = "complete.json"


def seal_checkpoint(folder: Path) -> None:
    """Mark a checkpoint as whole, and remove the older ones beside it.

    The Trainer's copy of its own arguments is removed: it is a pickle that nothing here reads. What the Trainer reads
    again (optimizer, scheduler, random states) it loads with `weights_only=True`, which runs no code.
    """
    (folder / "training_args.bin").unlink(missing_ok=True)
    write_whole(folder / _MARK, json.dumps(file_digests(folder)))
    for other in _checkpoints(folder.parent):
        if other != folder:
            remove(other)


def last_checkpoint(folder: Path) -> Path | None:
    """The latest whole checkpoint in `folder`; torn and damaged ones are removed."""
    found: Path | None = None
    for checkpoint in _checkpoints(folder):
        if found is None and _is_whole(checkpoint):
            found = checkpoint
        else:
            remove(checkpoint)
    return found


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _checkpoints(folder: Path) -> list[Path]:
    """The latest first."""
    return sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True)


def _is_whole(checkpoint: Path) -> bool:
    try:
        sealed = json.loads((checkpoint / _MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return sealed == file_digests(checkpoint, ignore=frozenset({_MARK}))
