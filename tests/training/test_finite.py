"""The first loss that is not finite stops a run, also where losses are looked at late."""

import math

import pytest
import torch

from safecot_dsl.training.finite import FiniteLosses


class Stop(Exception):
    pass


def watching() -> tuple[FiniteLosses, list[tuple[int, float]]]:
    called: list[tuple[int, float]] = []

    def diverged(step: int, loss: float) -> None:
        called.append((step, loss))
        raise Stop

    return FiniteLosses(diverged), called


class Arrived:
    """Stands for a CUDA event: says whether it was waited for."""

    def __init__(self) -> None:
        self.waited = 0

    def synchronize(self) -> None:
        self.waited += 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_on_a_cpu_a_loss_is_looked_at_at_once(bad):
    losses, called = watching()
    losses.add(1, torch.tensor(2.0))
    with pytest.raises(Stop):
        losses.add(2, torch.tensor(bad))
    assert [step for step, _ in called] == [2]


def test_on_a_gpu_a_loss_is_looked_at_when_the_next_one_is_on_its_way():
    losses, called = watching()
    events = [Arrived() for _ in range(3)]
    losses.send(1, torch.tensor(1.0), events[0])
    assert events[0].waited == 0
    losses.send(2, torch.tensor(math.nan), events[1])
    assert [event.waited for event in events] == [1, 0, 0]
    with pytest.raises(Stop):
        losses.send(3, torch.tensor(1.0), events[2])
    assert called == [(2, pytest.approx(math.nan, nan_ok=True))]
    assert events[2].waited == 0


def test_nothing_is_saved_before_the_last_loss_was_looked_at():
    losses, called = watching()
    losses.send(5, torch.tensor(math.inf), Arrived())
    with pytest.raises(Stop):
        losses.settle()
    assert called == [(5, math.inf)]
    losses.settle()  # it is told once
