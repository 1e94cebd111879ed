"""A loss worked out in parts is that of all logits at once, and so is its gradient."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from models.families import build_gemma3
from torch import Tensor

from safecot_dsl.models.tensors import IGNORED
from safecot_dsl.training import TrainingRecipe, train
from safecot_dsl.training import head as parts
from safecot_dsl.training.forward import TARGETS, WEIGHTS, target_loss
from safecot_dsl.training.metrics import read_metrics

from .conftest import eight_rows

ROWS, POSITIONS, WIDTH, WORDS = 3, 7, 8, 50


def _batch(weighted: bool) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(WORDS, (ROWS, POSITIONS), generator=generator)
    targets[0, 2:] = IGNORED
    targets[2, :3] = IGNORED
    weights = torch.rand(ROWS, POSITIONS, generator=generator) if weighted else None
    return {TARGETS: targets} | ({} if weights is None else {WEIGHTS: weights})


def _head(bias: bool) -> torch.nn.Linear:
    torch.manual_seed(1)
    return torch.nn.Linear(WIDTH, WORDS, bias=bias).requires_grad_(False)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [1, 4, 100])  # positions a part
def test_loss_and_gradient_are_those_of_all_logits(weighted: bool, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_PART", size * WORDS)
    batch, head = _batch(weighted), _head(bias=weighted)
    torch.manual_seed(2)
    hidden = torch.randn(ROWS, POSITIONS, WIDTH, requires_grad=True)
    whole = target_loss(head(hidden), batch, 3.0)
    (wanted,) = torch.autograd.grad(whole, hidden)
    loss = parts.summed_loss(head, hidden, batch[TARGETS], batch.get(WEIGHTS)) / 3.0
    (gradient,) = torch.autograd.grad(loss, hidden)
    torch.testing.assert_close(loss, whole)
    torch.testing.assert_close(gradient, wanted)


def test_in_half_precision_it_is_as_near_as_bfloat16_is() -> None:
    batch, head = _batch(False), _head(bias=False)
    hidden = torch.randn(ROWS, POSITIONS, WIDTH)
    whole = target_loss(head(hidden), batch, 1.0)
    half = parts.summed_loss(head.to(torch.bfloat16), hidden.to(torch.bfloat16), batch[TARGETS], None)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, whole, rtol=2e-2, atol=0)


def test_what_keeps_a_loss_from_being_worked_out_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model:
        def __init__(self, head: torch.nn.Module) -> None:
            self._head = head

        def get_output_embeddings(self) -> torch.nn.Module:
            return self._head

    small = parts.why_not_in_parts(Model(_head(bias=False)))
    assert small is not None
    assert "50 words is small" in small
    monkeypatch.setattr(parts, "LARGE_VOCABULARY", WORDS)
    assert parts.why_not_in_parts(Model(_head(bias=False))) is None
    trained = parts.why_not_in_parts(Model(torch.nn.Linear(WIDTH, WORDS)))
    assert trained is not None
    assert "trained" in trained
    odd = parts.why_not_in_parts(Model(torch.nn.Sequential(_head(bias=False))))
    assert odd is not None
    assert "Sequential" in odd
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert parts.why_not_in_parts(Model(_head(bias=False))) is not None


@pytest.mark.parametrize("packed", [True, False])
def test_a_run_with_a_large_vocabulary_takes_the_same_steps(
    packed: bool, write_rows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = build_gemma3(tmp_path / "base")
    rows = write_rows(eight_rows())
    recipe = TrainingRecipe(
        r=4, max_steps=6, logging_steps=1, save_steps=6, learning_rate=1e-2, reasoning_weight=0.5, padding_free=packed
    )
    losses: list[list[float]] = []
    for vocabulary in (1 << 15, 1):
        monkeypatch.setattr(parts, "LARGE_VOCABULARY", vocabulary)
        adapter = tmp_path / str(vocabulary)
        train(rows, str(base), adapter, recipe, policy_digest="sha256:a", data_digest="sha256:b")
        record = json.loads((adapter / "training.json").read_text())
        assert record["speedups"]["loss_in_parts"] is (vocabulary == 1)
        losses.append([line["loss"] for line in read_metrics(adapter / "metrics.jsonl")])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0][-1] < losses[0][0]


def test_a_head_whose_logits_are_changed_afterwards_is_left_alone(
    write_rows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some models cap their logits: what was tried first does not come to the same."""
    from transformers import Gemma3ForConditionalGeneration

    real: Any = Gemma3ForConditionalGeneration.forward

    def capped(
        self: Any, *arguments: Any, logits_to_keep: Any = 0, mm_encoder_outputs: Any = None, **options: Any
    ) -> Any:
        made = real(self, *arguments, logits_to_keep=logits_to_keep, mm_encoder_outputs=mm_encoder_outputs, **options)
        made.logits = 5 * torch.tanh(made.logits / 5)
        return made

    monkeypatch.setattr(parts, "LARGE_VOCABULARY", 1)
    monkeypatch.setattr(Gemma3ForConditionalGeneration, "forward", capped)
    base = build_gemma3(tmp_path / "base")
    recipe = TrainingRecipe(r=4, max_steps=1, logging_steps=1, save_steps=1)
    train(write_rows(eight_rows()), str(base), tmp_path / "adapter", recipe, policy_digest="a", data_digest="b")
    record = json.loads((tmp_path / "adapter" / "training.json").read_text())
    assert record["speedups"]["loss_in_parts"] is False
