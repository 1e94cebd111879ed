"""`safecotc data reviews`: files of two people counted, compared and merged."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.dataset.reviews import new_review, read_reviews, write_reviews

from .conftest import Run

DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    ada, grace = tmp_path / "ada.jsonl", tmp_path / "grace.jsonl"
    both = new_review("hand/a", DIGEST, "ada", "accept")
    write_reviews(ada, [both, new_review("hand/b", DIGEST, "ada", "reject")])
    write_reviews(grace, [both, new_review("hand/b", DIGEST, "grace", "accept")])
    return ada, grace


def test_files_are_merged_by_id(safecotc: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "both.jsonl"
    done = safecotc("data", "reviews", *map(str, files), "--out", str(out))
    assert done.code == 0
    assert "3 reviews of 2 rows: 2 by ada, 1 by grace" in done.out
    assert "rejected by one and not by another: hand/b" in done.out
    assert len(read_reviews(out).reviews) == 3


def test_as_data_with_what_cannot_be_read(safecotc: Run, files: tuple[Path, Path]) -> None:
    with files[0].open("a") as file:
        file.write('{"id": "ab')
    done = safecotc("data", "reviews", *map(str, files), "--format", "json")
    assert done.code == 1
    report = done.json()
    assert (report["reviews"], report["disputed"]) == (3, ["hand/b"])
    assert "cut off" in report["faults"][0]


def test_a_file_that_is_not_there(safecotc: Run, tmp_path: Path) -> None:
    assert safecotc("data", "reviews", str(tmp_path / "none.jsonl")).code == 2
