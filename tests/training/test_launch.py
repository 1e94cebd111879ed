"""Runs started by `accelerate launch` with the configurations that ship."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
import yaml
from safetensors.torch import load_file

from safecot_dsl.datafiles import recipes_root
from safecot_dsl.training.metrics import read_metrics

HERE = Path(__file__).parent
SMALL = {
    "data.rows": 16,
    "data.replay": "null",
    "data.sources.0.pool": 600,
    "training.r": 4,
    "training.max_steps": 4,
    "training.warmup_steps": 0,
    "training.save_steps": 2,
    "training.logging_steps": 1,
    "training.per_device_train_batch_size": 4,
}


def command(out: Path, accumulated: int) -> list[str]:
    values = SMALL | {"training.gradient_accumulation_steps": accumulated}
    settings = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    return ["train", "demo", "--arm", "safecot", "--out", str(out), *settings]


def launched(config: str, program: Path, out: Path) -> subprocess.Popen:
    beside = Path(sys.executable).parent
    return subprocess.Popen(
        [
            *(beside / "accelerate", "launch", "--config_file", recipes_root() / "accelerate" / config, program),
            *command(out, 1),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(process: subprocess.Popen) -> str:
    said = process.communicate(timeout=400)[0]
    assert process.returncode == 0, said[-3000:]
    return said


def adapter(out: Path) -> Path:
    return out / "arms" / "safecot" / "adapter"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process comes to that takes the two processes' batches in turn."""
    out = tmp_path_factory.mktemp("alone")
    beside = Path(sys.executable).parent
    subprocess.run([beside / "safecotc", *command(out, 2)], check=True, capture_output=True)
    return adapter(out)


def alike(one: Path, two: Path) -> None:
    for first, second in zip(read_metrics(one / "metrics.jsonl"), read_metrics(two / "metrics.jsonl"), strict=True):
        assert first["loss"] == pytest.approx(second["loss"], rel=1e-4)
    weights = [load_file(folder / "adapter_model.safetensors") for folder in (one, two)]
    assert weights[0].keys() == weights[1].keys()
    for name in weights[0]:
        torch.testing.assert_close(weights[0][name], weights[1][name], atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("name", ["ddp.yaml", "fsdp2.yaml"])
def test_what_ships_is_a_configuration(name: str):
    config = yaml.safe_load((recipes_root() / "accelerate" / name).read_text(encoding="utf-8"))
    assert config["num_processes"] == 2


@pytest.mark.long
def test_two_processes_come_to_what_one_does(alone: Path, tmp_path: Path):
    said = finished(launched("ddp.yaml", Path(sys.executable).with_name("safecotc"), tmp_path))
    assert said.count("safecot: trained") == 1
    alike(adapter(tmp_path), alone)


@pytest.mark.long
def test_a_model_that_is_spread_over_two_comes_to_it_too(alone: Path, tmp_path: Path):
    finished(launched("fsdp2.yaml", HERE / "launches" / "fsdp_on_cpu.py", tmp_path))
    alike(adapter(tmp_path), alone)


@pytest.mark.long
def test_a_spread_run_that_was_killed_goes_on_from_its_checkpoint(alone: Path, tmp_path: Path):
    program = HERE / "launches" / "fsdp_on_cpu.py"
    process = launched("fsdp2.yaml", program, tmp_path)
    arms = tmp_path / "arms" / "safecot"
    while not list(arms.glob("**/checkpoint-2/complete.json")):
        assert process.poll() is None, process.communicate()[0][-3000:]
        time.sleep(0.05)
    for each in (*psutil.Process(process.pid).children(recursive=True), process):  # each in a session of its own
        each.kill()
    process.wait()
    assert not adapter(tmp_path).exists()
    said = finished(launched("fsdp2.yaml", program, tmp_path))
    assert "training: 2/4 steps" in said, said[-3000:]
    alike(adapter(tmp_path), alone)
