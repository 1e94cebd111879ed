"""A tiny run, done once a session."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from safecot_dsl.storage import Progress
from tests.commands import CommandLine, Ended

from .runs import write_tiny


@dataclass(frozen=True)
class Done:
    """A recipe and the folder of its run."""

    recipe: Path
    out: Path


@pytest.fixture
def progress() -> Iterator[Progress]:
    with Progress(quiet=True) as shown:
        yield shown


@pytest.fixture(scope="session")
def safecotc(command_line: CommandLine) -> CommandLine:
    return command_line


@pytest.fixture(scope="session")
def undisturbed(safecotc: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Ended]:
    """The tiny recipe, run from nothing to its end, and what was said; not to be changed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    done = Done(write_tiny(folder), folder / "out")
    ended = safecotc("run", done.recipe, "--out", done.out)
    assert ended.code == 0, ended.err
    return done, ended


@pytest.fixture
def done(undisturbed: tuple[Done, Ended], tmp_path: Path) -> Done:
    """A copy of the finished run, to be changed."""
    folder = undisturbed[0].recipe.parent
    shutil.copytree(folder, tmp_path / "run", dirs_exist_ok=True)
    return Done(tmp_path / "run" / "tiny.yaml", tmp_path / "run" / "out")


@pytest.fixture
def begun(undisturbed: tuple[Done, Ended], tmp_path: Path) -> Callable[..., Done]:
    """A copy of the run with only some of its stages."""

    def copy(*stages: str) -> Done:
        source = undisturbed[0]
        shutil.copytree(source.recipe.parent, tmp_path / "run", ignore=lambda *_: {"out"})
        for stage in stages:
            shutil.copytree(source.out / stage, tmp_path / "run" / "out" / stage)
        return Done(tmp_path / "run" / "tiny.yaml", tmp_path / "run" / "out")

    return copy
