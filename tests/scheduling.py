"""In what units, and in what order, pytest-xdist hands out the tests (`--dist loadfile`).

A unit runs in one process. It is a file, whose fixtures are then made once; but for a folder whose files share what
takes long to make, and for a file whose tests share nothing. Units that take long are begun first, so that all
processes have something to do until the end.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

#: Folders that are one unit each: a run from nothing to its end, the small world and what is said in it, suites of
#: every kind, data sets in every format.
WHOLE = ("tests/pipeline", "tests/miniature", "tests/evaluation/suites/generated", "tests/dataset/formats")

#: Files of which each test is a unit.
APART = ("tests/test_documentation.py",)

#: Where the units that take longest are, by how their names begin, the longest first.
FIRST = (
    "tests/pipeline",
    "tests/miniature",
    "tests/training/",
    "tests/studio/browser/",
    "tests/test_documentation.py",
    "tests/test_wheel.py",
    "tests/models/",
    "tests/testing/",
    "tests/analysis/",
    "tests/dataset/formats",
    "tests/evaluation/suites/generated",
    "tests/differential/",
    "tests/compiler/",
    "tests/test_",
)


def unit(test: str) -> str:
    """The unit of a test, which is given by pytest's id of it."""
    file = test.split("::", 1)[0]
    if file in APART:
        return test
    folders = {folder.as_posix() for folder in PurePosixPath(file).parents}
    return next((whole for whole in WHOLE if whole in folders), file)


def place(test: str) -> int:
    """Tests in a lower place are begun before those in a higher one."""
    name = unit(test)
    return next((number for number, begins in enumerate(FIRST) if name.startswith(begins)), len(FIRST))


def scheduler(config: pytest.Config, log: object) -> object | None:
    """What hands out the units; None, so that pytest-xdist has its own, where another way was asked for."""
    from xdist.scheduler import LoadFileScheduling

    class ByUnit(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit(nodeid)

    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # by the number of tests, which says little of how long they take
    return ByUnit(config, log)  # pyright: ignore[reportArgumentType]
