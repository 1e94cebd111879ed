"""Whose work is measured: the names by which `make coverage` knows tests."""

from __future__ import annotations

import pytest

pytest.importorskip("coverage", reason="`make coverage` needs coverage.py")

from tests.commands import FORKED
from tests.contexts import test_of as of  # its name is not to be collected


@pytest.mark.parametrize(
    ("context", "test"),
    [
        ("tests/a.py::test_b[x|run]|run", "tests/a.py::test_b[x|run]"),  # in pytest's own process
        ("tests/a.py::test_b|teardown", "tests/a.py::test_b"),
        ("tests/a.py::test_b[x|y]", "tests/a.py::test_b[x|y]"),  # in a process that it started
        (
            f"tests/a.py::test_first|{FORKED}tests/a.py::test_b[x|y]",
            "tests/a.py::test_b[x|y]",
        ),  # in one that was forked
        (f"{FORKED}tests/a.py::test_b", "tests/a.py::test_b"),
        ("", ""),
    ],
)
def test_the_test_of_a_context(context: str, test: str) -> None:
    assert of(context) == test
