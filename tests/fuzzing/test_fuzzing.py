"""A fixed, small number of inputs for every harness; `python -m tests.fuzzing HARNESS` looks for longer."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .corpus import dictionary, seeds
from .harnesses import HARNESSES
from .mutating import mutated

ROOT = Path(__file__).resolve().parents[2]

needs_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="needs atheris, which is made for Linux and for Python before 3.14 (dependency group `dev`)",
)


def fuzz(harness: str, folder: Path, *options: str) -> None:
    """In a process of its own: atheris rewrites the modules that it watches, and ends it without tidying up."""
    out, temporary = folder / "out", folder / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-m", "tests.fuzzing", harness, "--out", str(out), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(temporary)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr[-4_000:]}\nthe input is in {sorted(out.iterdir())}"
    assert list(out.iterdir()) == []


@needs_atheris
@pytest.mark.parametrize(
    ("harness", "runs"),
    [
        ("parse", 160),
        ("check", 140),
        ("prove", 20),
        ("format", 160),
        ("artifact", 600),
        ("case", 400),
        ("target", 2_000),
    ],
)
def test_nothing_breaks_it(harness: str, runs: int, tmp_path: Path) -> None:
    fuzz(harness, tmp_path, "--runs", str(runs), "--seed", "5")


@pytest.mark.long
@needs_atheris
@pytest.mark.parametrize("harness", HARNESSES)
def test_nothing_breaks_it_in_a_minute(harness: str, tmp_path: Path) -> None:
    fuzz(harness, tmp_path, "--runs", "10000000", "--seconds", "60", "--seed", "6")


@pytest.mark.parametrize("harness", HARNESSES)
def test_the_seeds_pass_and_there_are_words(harness: str) -> None:
    found = list(seeds(harness))
    assert found
    for seed in found[:8]:
        HARNESSES[harness](seed)
    assert len(set(dictionary(harness))) >= 5


def test_a_harness_sees_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the check for consistency one changed artifact or another breaks what reads it."""
    monkeypatch.setattr("safecot_dsl.artifact.policy.require_consistent", lambda policy: None)
    start = next(seeds("artifact"))
    changed = [each for seed in range(300) if (each := mutated(start, seed)) is not None]
    assert len(changed) == 300

    def breaks(data: bytes) -> bool:
        try:
            HARNESSES["artifact"](data)
        except (LookupError, TypeError, ValueError, AttributeError):
            return True
        return False

    assert any(map(breaks, changed))


def test_a_mutation_is_json_and_repeats() -> None:
    start = next(seeds("case"))
    assert mutated(start, 1) == mutated(start, 1)
    assert len({mutated(start, seed) for seed in range(50)}) > 25
    assert mutated(b"{", 1) is None
