"""Two processes at one run: the same losses and the same adapter as one that takes their batches in turn."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from safecot_dsl.training import TrainingRecipe, train
from safecot_dsl.training.metrics import read_metrics

from .conftest import eight_rows

TESTS = Path(__file__).resolve().parents[1]
DIGESTS = {"policy_digest": "sha256:the-policy", "data_digest": "sha256:the-data"}


def recipe(accumulated: int, **more) -> TrainingRecipe:
    return TrainingRecipe(
        r=4,
        max_steps=4,
        logging_steps=1,
        save_steps=2,
        learning_rate=1e-3,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=accumulated,
        **more,
    )


def start(
    path: Path, model: Path, out: Path, settings: TrainingRecipe, *, slow: bool = False
) -> list[subprocess.Popen]:
    """Two processes as `torchrun` and `accelerate launch` start them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        sys.path.insert(0, {str(TESTS)!r})
        import torch
        torch.set_num_threads(1)
        import safecot_dsl.training.trainer as trainer
        from safecot_dsl.training import TrainingRecipe, train
        if {slow}:
            quick = trainer._TrainingCallback.on_step_end
            def on_step_end(self, *arguments, **options):
                quick(self, *arguments, **options)
                time.sleep(0.5)
            trainer._TrainingCallback.on_step_end = on_step_end
        settings = TrainingRecipe.model_validate_json({settings.model_dump_json()!r})
        result = train(Path({str(path)!r}), {str(model)!r}, Path({str(out)!r}), settings, **{DIGESTS!r})
        print(result.ran, result.steps, flush=True)
    """)
    common = os.environ | {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    return [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_PORT": str(port)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]


def finish(processes: list[subprocess.Popen]) -> list[str]:
    """What each says; that all of them end well."""
    said = [process.communicate(timeout=240)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    return said


def alike(one: Path, two: Path) -> None:
    """The same losses and weights but for the order in which numbers are added."""
    for first, second in zip(read_metrics(one / "metrics.jsonl"), read_metrics(two / "metrics.jsonl"), strict=True):
        assert first["loss"] == pytest.approx(second["loss"], rel=1e-4)
        assert first["grad_norm"] == pytest.approx(second["grad_norm"], rel=1e-3)
        assert first["tokens"] == second["tokens"]
    weights = [load_file(folder / "adapter_model.safetensors") for folder in (one, two)]
    assert weights[0].keys() == weights[1].keys()
    for name in weights[0]:
        torch.testing.assert_close(weights[0][name], weights[1][name], atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize(
    "weights", [{}, pytest.param({"reasoning_weight": 0.2}, marks=pytest.mark.long)], ids=["even", "weighed"]
)
def test_two_processes_take_the_steps_of_one(idefics3, write_rows, tmp_path, weights):
    path = write_rows(eight_rows())
    train(path, str(idefics3), tmp_path / "one", recipe(2, **weights), **DIGESTS)
    assert finish(start(path, idefics3, tmp_path / "two", recipe(1, **weights))) == ["True 4", "True 4"]
    alike(tmp_path / "one", tmp_path / "two")


@pytest.mark.long
def test_what_is_there_is_not_made_again_by_two_either(idefics3, write_rows, tmp_path):
    path = write_rows(eight_rows())
    train(path, str(idefics3), tmp_path / "a", recipe(1), **DIGESTS)
    assert finish(start(path, idefics3, tmp_path / "a", recipe(1))) == ["False 4", "False 4"]


@pytest.mark.long
def test_two_processes_that_were_killed_go_on(idefics3, write_rows, tmp_path):
    """Killed after the checkpoint of step 2."""
    path = write_rows(eight_rows())
    finish(start(path, idefics3, tmp_path / "whole", recipe(1)))
    processes = start(path, idefics3, tmp_path / "killed", recipe(1), slow=True)
    work = tmp_path / ".killed.work"
    deadline = time.monotonic() + 120
    while not (work / ".checkpoints" / "checkpoint-2" / "complete.json").exists():
        assert time.monotonic() < deadline
        assert all(process.poll() is None for process in processes)
        time.sleep(0.05)
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "killed").exists()
    finish(start(path, idefics3, tmp_path / "killed", recipe(1)))
    alike(tmp_path / "whole", tmp_path / "killed")
