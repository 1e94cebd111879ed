"""The stages of a run, content-addressed: what is done for the same inputs is not done again, what was interrupted goes
on."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from safecot_dsl.pipeline.disk import writing
from safecot_dsl.storage import Progress, Stage, run_stage, sha256_file, write_whole
from safecot_dsl.storage.files import OthersFilesError, files_below, refuse_others
from safecot_dsl.storage.stage import STAMP, stage_outputs

#: What a run writes beside its stages.
_WRITTEN = ("policy.json", "summary.json", "report.html", "report.md")

#: Part of every stage's inputs: what the stages mean. Raise it when a stage's output changes for the same inputs.
MEANING = "3"


def make_stage(directory: Path, inputs: dict[str, str], work: Callable[[Path], None], progress: Progress) -> Stage:
    """The stage in `directory`, made where it is not made of these inputs; an error that keeps it from being written
    names it.

    Raises:
        OthersFilesError: `directory` holds files that this stage did not write; it is as it was.
    """
    _refuse_others_stage(directory)
    with writing(directory):
        return run_stage(directory, inputs, work, progress=progress)


def refuse_others_run(out: Path, policy: bytes) -> None:
    """Raise :class:`OthersFilesError` where a folder that is no run's holds files of the names that a run writes, other
    than the `policy` that it would write anyway."""
    if out.is_file():
        raise OthersFilesError(f"{out} is a file: name a folder")
    runs = itertools.chain(*map(out.glob, (f"*/{STAMP}", f"arms/*/*/{STAMP}", "arms/*/.*", ".*.work")))
    if next(runs, None) is None:
        there = [out / name for name in _WRITTEN if (out / name).is_file()]
        refuse_others(out, [path.name for path in there if path.read_bytes() != policy], lambda _: False)


def _refuse_others_stage(directory: Path) -> None:
    """As above for the folder of a stage, which is replaced as a whole: what its stamp does not name is somebody
    else's. Of a damaged stamp nobody knows what it named."""
    stamp = directory / STAMP
    written = stage_outputs(directory)
    if written is None and stamp.exists():
        return
    known = {STAMP, *(written or ())}
    refuse_others(directory, files_below(directory), lambda name: name in known)


def write_changed(path: Path, data: bytes) -> None:
    """Writes a file, unless it holds this already."""
    if not path.is_file() or path.read_bytes() != data:
        write_whole(path, data)


def digest_of_stage(directory: Path) -> str:
    """The name of a finished stage's outputs, from its stamp."""
    return sha256_file(directory / "stage.json")
