"""Two processes at one run: the same losses and the same adapter as one that takes their batches in turn."""

import socket
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from safecot_dsl.training import TrainingRecipe, train
from safecot_dsl.training.metrics import read_metrics
from tests.commands import forked

from .conftest import eight_rows, wait_after_each_step

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


@dataclass(frozen=True)
class Rank:
    """One of two processes, and the file in which it says whether it ran, and how many steps there are."""

    process: BaseProcess
    said: Path


def start(path: Path, model: Path, out: Path, settings: TrainingRecipe, *, slow: bool = False) -> list[Rank]:
    """Two processes with the variables that `torchrun` and `accelerate launch` set."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    ranks: list[Rank] = []
    for rank in range(2):
        said = out.with_name(f"{out.name}.{port}.{rank}.said")
        variables = common | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        ranks.append(Rank(forked(train_and_say, path, model, out, settings, slow, said, **variables), said))
    return ranks


def train_and_say(path: Path, model: Path, out: Path, settings: TrainingRecipe, slow: bool, said: Path) -> None:
    """In each of them; slowly, so that it can be killed in the middle."""
    if slow:
        wait_after_each_step(0.5)
    result = train(path, str(model), out, settings, **DIGESTS)
    said.write_text(f"{result.ran} {result.steps}")


def finish(ranks: list[Rank]) -> list[str]:
    """What each says; that all of them end well."""
    for rank in ranks:
        rank.process.join(240)
    assert [rank.process.exitcode for rank in ranks] == [0, 0]
    return [rank.said.read_text() for rank in ranks]


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
    ranks = start(path, idefics3, tmp_path / "killed", recipe(1), slow=True)
    work = tmp_path / ".killed.work"
    deadline = time.monotonic() + 120
    while not (work / ".checkpoints" / "checkpoint-2" / "complete.json").exists():
        assert time.monotonic() < deadline
        assert all(rank.process.is_alive() for rank in ranks)
        time.sleep(0.05)
    for rank in ranks:
        rank.process.kill()
        rank.process.join()
    assert not (tmp_path / "killed").exists()
    finish(start(path, idefics3, tmp_path / "killed", recipe(1)))
    alike(tmp_path / "whole", tmp_path / "killed")
