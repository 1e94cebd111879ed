"""The benchmarks of training, tried: the GPU path with a tiny model, and the other objectives in a few steps."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "benchmarks" / "results" / "train-gpu.json"


@pytest.mark.long
def test_the_gpu_path_runs_with_a_tiny_model_and_comes_to_trls_losses():
    """It stops by itself where a loss is not TRL's; nothing is kept."""
    before = KEPT.read_bytes() if KEPT.exists() else None
    command = [sys.executable, "-m", "benchmarks.train", "--gpu", "--dry-run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["detail"]["losses_differ_by_at_most"] < 1e-4
    runs = result["detail"]["runs"]
    assert runs["ours"]["used"]["padding_free"]
    assert not runs["no speed-ups"]["used"]["padding_free"]
    assert (KEPT.read_bytes() if KEPT.exists() else None) == before


@pytest.mark.long
def test_the_other_objectives_are_measured_and_go_on_to_the_same_weights():
    """It stops by itself where a loss of preference training is not TRL's."""
    command = [sys.executable, "-m", "benchmarks.objectives", "--dry-run", "--steps", "4", "--rounds", "1"]
    done = subprocess.run([*command, "--only", "dpo", "--only", "grpo"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    runs = json.loads(done.stdout.splitlines()[-1])["detail"]["runs"]
    assert all(runs[name]["ours"]["resumes"] for name in ("dpo", "grpo"))
    assert runs["dpo"]["ours"]["last_loss"] < runs["dpo"]["ours"]["first_loss"]
