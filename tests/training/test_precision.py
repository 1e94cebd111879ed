"""In which numbers a model is loaded and trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from models import tiny
from models.families import build_gemma3
from transformers import AutoModelForImageTextToText

from safecot_dsl.models import Request, load_model, precision
from safecot_dsl.models.local import load_parts
from safecot_dsl.training import TrainingRecipe, train
from safecot_dsl.training.metrics import read_metrics

from .conftest import eight_rows


@pytest.fixture(scope="module")
def in_half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Gemma 3 that was saved in bfloat16."""
    folder = build_gemma3(tmp_path_factory.mktemp("gemma3"))
    model: Any = AutoModelForImageTextToText.from_pretrained(folder)
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("device", "saved", "fast", "expected"),
    [
        ("cuda", torch.float32, False, torch.bfloat16),
        ("cpu", torch.bfloat16, True, torch.bfloat16),
        ("cpu", torch.bfloat16, False, torch.float32),
        ("cpu", torch.float32, True, torch.float32),
        ("cpu", torch.float16, True, torch.float32),
        ("cpu", None, True, torch.float32),
    ],
)
def test_the_type_goes_by_device_saved_weights_and_processor(
    device: str,
    saved: torch.dtype | None,
    fast: bool,
    expected: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "has_fast_bfloat16", lambda: fast)
    assert precision.dtype_for(device, saved) == expected


def test_what_was_saved_in_float32_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_fast_bfloat16", lambda: True)
    model, _ = load_parts(str(build_gemma3(tmp_path)), device="cpu", training=True)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("fast", [True, False])
def test_weights_in_bfloat16_are_trained_and_asked(
    in_half: Path, fast: bool, write_rows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trained in bfloat16 where the processor is fast in it, with adapters in float32; asked in float32."""
    monkeypatch.setattr(precision, "has_fast_bfloat16", lambda: fast)
    recipe = TrainingRecipe(r=4, max_steps=8, logging_steps=4, save_steps=8, learning_rate=1e-2)
    train(
        write_rows(eight_rows()),
        str(in_half),
        tmp_path / "adapter",
        recipe,
        policy_digest="sha256:a",
        data_digest="sha256:b",
    )
    losses = [line["loss"] for line in read_metrics(tmp_path / "adapter" / "metrics.jsonl")]
    assert losses[-1] < losses[0]
    tuned = load_model(str(in_half), tmp_path / "adapter", device="cpu")
    assert tuned.model.dtype == torch.float32
    trained, _ = load_parts(str(in_half), device="cpu", training=True)
    assert trained.dtype == (torch.bfloat16 if fast else torch.float32)
    assert len(tuned.generate([Request("what is it ?", (tiny.picture(),))], max_new_tokens=4, batch_size=1)) == 1
