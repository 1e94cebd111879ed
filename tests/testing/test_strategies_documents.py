"""The tests that the how-to shows are so: one fails as printed, the others hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.test_documentation import blocks

PAGE = "docs/how-to/test.md"


def run_test(name: str, folder: Path) -> tuple[int, str]:
    """The exit code of pytest on one of the page's files, beside its policy, and what it says."""
    for block in blocks(PAGE):
        if block.file == name or (block.language == "safecot" and block.text.startswith("policy bottles")):
            (folder / (block.file or "bottles.safecot")).write_text(block.text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", name, "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_first_test_fails_on_the_case_that_is_shown(tmp_path: Path) -> None:
    code, said = run_test("test_bottles.py", tmp_path)
    assert code == 1, said
    (shown,) = [block.text for block in blocks(PAGE) if block.text.startswith("Failing test case: test_nobody")]
    given = "\n".join(line.removeprefix("E").strip() for line in said.splitlines())
    assert "\n".join(line.strip() for line in shown.strip().splitlines()) in given


def test_the_tests_of_pairs_and_completions_hold(tmp_path: Path) -> None:
    code, said = run_test("test_pairs.py", tmp_path)
    assert code == 0, said
    assert "2 passed" in said
