"""The stages of a run, content-addressed: what is done for the same inputs is not done again, what was interrupted goes
on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safecot_dsl.pipeline.disk import writing
from safecot_dsl.storage import Progress, Stage, run_stage, sha256_file, write_whole

#: Part of every stage's inputs: what the stages mean. Raise it when a stage's output changes for the same inputs.
MEANING = "3"


def make_stage(directory: Path, inputs: dict[str, str], work: Callable[[Path], None], progress: Progress) -> Stage:
    """The stage in `directory`, made where it is not made of these inputs; an error that keeps it from being written
    names it."""
    with writing(directory):
        return run_stage(directory, inputs, work, progress=progress)


def write_changed(path: Path, data: bytes) -> None:
    """Writes a file, unless it holds this already."""
    if not path.is_file() or path.read_bytes() != data:
        write_whole(path, data)


def digest_of_stage(directory: Path) -> str:
    """The name of a finished stage's outputs, from its stamp."""
    return sha256_file(directory / "stage.json")
