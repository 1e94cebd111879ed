"""What a build has learnt so far is kept whole, and a build that was killed goes on as if it had not been."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.miniature import build_base, lesson_training, vision_training
from safecot_dsl.miniature.lessons import PolicyLines
from safecot_dsl.miniature.optimization import update
from safecot_dsl.miniature.unfinished import Unfinished, build_key

from .builds import learns_only


class Killed(BaseException):
    """As a signal ends a process: nothing that tidies up after errors catches it."""


def learning(seed: int) -> tuple[nn.Module, list[torch.optim.Optimizer]]:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 2))
    matrices = [weight for weight in model.parameters() if weight.dim() == 2]
    others = [weight for weight in model.parameters() if weight.dim() == 1]
    return model, [torch.optim.AdamW(others, lr=0.1), torch.optim.Muon(matrices, lr=0.1)]


def learn(model: nn.Module, optimizers: list[torch.optim.Optimizer], steps: int) -> None:
    for _ in range(steps):
        model(torch.ones(3, 4)).square().sum().backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()


def test_learning_goes_on_from_the_file_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    model, optimizers = learning(0)
    unfinished = Unfinished(tmp_path / "state", "key")
    assert unfinished.begun() == ("", 0)
    learn(model, optimizers, 3)
    unfinished.save("phase", 3, model, optimizers)
    learn(model, optimizers, 3)
    other, others = learning(1)
    assert unfinished.begun() == ("phase", 3)
    unfinished.restore(other, others)
    learn(other, others, 3)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_a_file_of_another_build_or_a_torn_one_counts_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state"
    Unfinished(path, "one").save("phase", 3, *learning(0))
    assert Unfinished(path, "another").begun() == ("", 0)
    path.write_bytes(path.read_bytes()[:-9])
    assert Unfinished(path, "one").begun() == ("", 0)
    path.write_bytes(b"\x80\x04pickle")
    assert Unfinished(path, "one").begun() == ("", 0)


def test_the_key_tells_values_and_tensors_apart() -> None:
    keys = [
        build_key(1, "a", torch.zeros(3)),
        build_key(2, "a", torch.zeros(3)),
        build_key(1, "b", torch.zeros(3)),
        build_key(1, "a", torch.ones(3)),
        build_key(1, "a", torch.zeros(4)),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == build_key(1, "a", torch.zeros(3))


@pytest.mark.parametrize(
    "phase",
    [
        pytest.param("learning to see", marks=pytest.mark.long),
        "learning to speak",
        pytest.param("learning on", marks=pytest.mark.long),
    ],
)
def test_a_build_that_was_killed_ends_as_one_that_was_not(
    phase: str, policy: CompiledPolicy, lines: PolicyLines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learns_only(monkeypatch, lines)
    for training in (vision_training, lesson_training):
        monkeypatch.setattr(training, "SAVED_EVERY", 2)
        monkeypatch.setattr(training, "_BATCH", 16)

    def build(name: str) -> None:
        build_base(policy, tmp_path / name, warmup_steps=4, steps=4, more_steps=4, images=64)

    build("whole")
    save = Unfinished.save

    def kill(self: Unfinished, name: str, done: int, *rest: object) -> None:
        save(self, name, done, *rest)  # pyright: ignore[reportArgumentType]
        if name == phase:
            raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(Unfinished, "save", kill)
        with pytest.raises(Killed):
            build("killed")
    assert [path.name for path in tmp_path.iterdir() if "killed" in path.name] == [".killed.unfinished"]
    steps: list[int] = []

    def counted(*args: object, **named: object) -> None:
        steps.append(1)
        update(*args, **named)  # pyright: ignore[reportArgumentType]

    for training in (vision_training, lesson_training):
        monkeypatch.setattr(training, "update", counted)
    build("killed")
    assert len(steps) == {"learning to see": 10, "learning to speak": 6, "learning on": 2}[phase]
    whole, went_on = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "killed"))
    assert all(torch.allclose(whole[name], went_on[name], atol=1e-5) for name in whole)
    assert not list(tmp_path.glob(".*"))
