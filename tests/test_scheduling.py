"""Every test is in one unit, and what is said to take long is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scheduling import APART, FIRST, WHOLE, place, unit

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("tests/pipeline/test_run.py::test_a[1/2::b]", "tests/pipeline"),
        ("tests/dataset/formats/test_hub.py::test_b", "tests/dataset/formats"),
        ("tests/dataset/test_rows.py::test_b", "tests/dataset/test_rows.py"),
        ("tests/dataset/formats_of_others/test_rows.py::test_b", "tests/dataset/formats_of_others/test_rows.py"),
        ("tests/test_documentation.py::test_c[README.md]", "tests/test_documentation.py::test_c[README.md]"),
    ],
)
def test_the_unit_of_a_test(test: str, expected: str) -> None:
    assert unit(test) == expected


def test_what_takes_long_is_begun_first() -> None:
    tests = ["tests/api/test_api.py::a", "tests/analysis/test_cubes.py::b", "tests/pipeline/test_run.py::c"]
    assert [test[-1] for test in sorted(tests, key=place)] == ["c", "b", "a"]


def test_every_name_is_that_of_tests() -> None:
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")]
    for name in (*WHOLE, *APART, *FIRST):
        assert any(file.startswith(name) for file in files), name
