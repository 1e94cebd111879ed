"""No option that names a file to write takes the place of a file that the command reads."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Run

READ = "is a file that this command reads"


@pytest.fixture(autouse=True)
def artifact(safecotc: Run, folder: Path) -> None:
    """A compiled policy, whose name is one that a file to write may have, and a link to it."""
    assert safecotc("compile", "p.safecot", "-o", "p.json").code == 0
    (folder / "log.jsonl").symlink_to("p.json")
    shutil.copy(folder / "p.json", folder / "items.parquet")
    (folder / "reviews.jsonl").write_text("", encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("test", "p.json", "--junit", "p.json"), "--junit"),
        (("test", "p.safecot", "p.json", "--junit", "./p.json"), "--junit"),
        (("policy", "docs", "p.json", "--out", "p.json"), "--out"),
        (("policy", "gallery", "p.json", "--out", "log.jsonl"), "--out"),
        (("policy", "export", "p.json", "--to", "promptfoo", "--out", "p.json"), "--out"),
        (("data", "reviews", "reviews.jsonl", "--out", "reviews.jsonl"), "--out"),
        (
            ("serve", "guard", "p.json", "--model", "m", "--base-url", "http://localhost:1", "--log", "log.jsonl"),
            "--log",
        ),
        (
            ("eval", "suites", "make", "flip", "-p", "p.json", "--against", "items.parquet", "-o", "items.parquet"),
            "--out",
        ),
    ],
)
def test_a_file_that_is_read_is_not_written_over(
    words: tuple[str, ...], option: str, safecotc: Run, folder: Path
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    result = safecotc(*words)
    assert (result.code, READ in result.err, f"with {option}\n" in result.err) == (2, True, True), result.err
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("words", [("test", "p.safecot", "--junit"), ("policy", "docs", "p.json", "--out")])
def test_the_source_of_a_policy_is_never_written(words: tuple[str, ...], safecotc: Run, folder: Path) -> None:
    before = (folder / "p.safecot").read_bytes()
    result = safecotc(*words, "p.safecot")
    assert (result.code, result.out) == (2, "")
    assert f"only the source of a policy ends in .safecot; name another file with {words[-1]}" in result.err
    assert (folder / "p.safecot").read_bytes() == before
