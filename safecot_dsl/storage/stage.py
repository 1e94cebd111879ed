"""Content-addressed stages: done once for the same inputs, continued after a kill, done again when an input differs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.storage.files import (
    file_digests,
    remove,
    replace_directory,
    restore_directory,
    sha256_bytes,
    write_whole,
)
from safecot_dsl.storage.locks import lock, lock_beside
from safecot_dsl.storage.progress import Progress

STAMP = "stage.json"
_INPUTS = ".inputs.json"


@dataclass(frozen=True)
class Stage:
    """A finished stage: where it is, what it was made from, what it made, and whether this call did the work."""

    directory: Path
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]  # relative name to digest
    ran: bool

    @property
    def digest(self) -> str:
        """Names the outputs; what the next stage puts down as its input."""
        return sha256_bytes(json.dumps(dict(self.outputs), sort_keys=True, separators=(",", ":")).encode())


class StageBusyError(RuntimeError):
    """Another process is working on the same stage."""


def run_stage(
    directory: Path | str,
    inputs: Mapping[str, str],
    work: Callable[[Path], None],
    *,
    progress: Progress | None = None,
) -> Stage:
    """Make `directory` by `work`, unless it is there already, made from the same inputs and intact.

    `inputs` maps names to digests (or to any text that stands for the input, such as a setting's canonical JSON); put
    the version of the code's meaning among them where that matters. `work(folder)` writes the outputs into the folder
    it is given, a hidden one beside `directory`. If the process is killed, or `work` raises, that folder stays, and
    the next call with the same inputs hands it to `work` again, which then continues from what it finds there; with
    other inputs it is emptied first. So `work` must write whole files (`write_whole`), and may keep state of its own
    in the folder, which it removes before it returns.

    When `work` has returned, `stage.json` is written last, with the inputs and the digests of all outputs, and the
    folder replaces `directory`. `directory` itself therefore is either absent, or complete.

    Raises:
        StageBusyError: another process is working on this stage.
    """
    directory = Path(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    restore_directory(directory)
    wanted = dict(sorted(inputs.items()))
    outputs = _finished(directory, wanted)
    if outputs is not None:
        if progress is not None:
            progress.note(f"{directory.name}: up to date")
        return Stage(directory, wanted, outputs, ran=False)

    partial = directory.with_name(f".{directory.name}.work")
    held = lock(lock_beside(partial))
    if held is None:
        raise StageBusyError(
            f"another process is working on `{directory}` (it holds a lock on `{partial}`); wait for it, or end it"
        )
    with held:
        partial.mkdir(exist_ok=True)
        outputs = _finished(partial, wanted)  # killed between the stamp and the rename
        if outputs is None:
            _prepare(partial, wanted)
            work(partial)
            (partial / _INPUTS).unlink()
            outputs = _outputs(partial)
            stamp = {"format": 1, "inputs": wanted, "outputs": outputs}
            write_whole(partial / STAMP, json.dumps(stamp, indent=1) + "\n")
        replace_directory(partial, directory)
    return Stage(directory, wanted, outputs, ran=True)


def stage_inputs(directory: Path) -> dict[str, str] | None:
    """What the finished stage in the folder was made from, by its stamp; None where there is none."""
    stamp = _read_json(directory / STAMP)
    return stamp.get("inputs") if isinstance(stamp, dict) else None


def stage_outputs(directory: Path) -> frozenset[str] | None:
    """The names of what the finished stage in the folder wrote, by its stamp; None where there is none."""
    stamp = _read_json(directory / STAMP)
    outputs = stamp.get("outputs") if isinstance(stamp, dict) else None
    return frozenset(outputs) if isinstance(outputs, dict) else None


def _prepare(partial: Path, wanted: dict[str, str]) -> None:
    """Keep what an earlier run with the same inputs left, less the files it was writing when it was killed."""
    if _read_json(partial / _INPUTS) == wanted:
        for torn in partial.rglob(".*.partial-*"):
            remove(torn)
        return
    for entry in partial.iterdir():
        remove(entry)
    write_whole(partial / _INPUTS, json.dumps(wanted, indent=1))


def _finished(directory: Path, wanted: dict[str, str]) -> dict[str, str] | None:
    """The outputs' digests if the folder is stamped with these inputs and holds what the stamp says, else None."""
    stamp = _read_json(directory / STAMP)
    if not isinstance(stamp, dict) or stamp.get("format") != 1 or stamp.get("inputs") != wanted:
        return None
    outputs = _outputs(directory)
    return outputs if stamp.get("outputs") == outputs else None


def _outputs(directory: Path) -> dict[str, str]:
    return file_digests(directory, ignore=frozenset({STAMP}))


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
