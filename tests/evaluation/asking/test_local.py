"""Asking a model in this process: a batch that was answered is kept, whatever happens to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from models import tiny

from safecot_dsl.evaluation import EvalItem, ask
from safecot_dsl.models import LocalModel, load_model, writing
from safecot_dsl.storage import Progress


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    return load_model(str(tiny.build_idefics3(tmp_path_factory.mktemp("idefics3"))))


def test_a_kill_loses_the_batch_that_was_asked_and_no_other(
    model: LocalModel, items: tuple[EvalItem, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    generated = writing._generated  # pyright: ignore[reportPrivateUsage]
    batches: list[int] = []
    dies_at = 0

    def counted(*given: Any) -> Any:
        batches.append(len(given[2]))
        if len(batches) == dies_at:
            raise KeyboardInterrupt
        return generated(*given)

    monkeypatch.setattr(writing, "_generated", counted)
    ask(model, items, whole, batch_size=4, max_new_tokens=3)
    sizes, dies_at = [*batches], 3
    batches.clear()
    assert len(sizes) > 3
    with pytest.raises(KeyboardInterrupt), Progress(quiet=True) as progress:
        ask(model, items, cut, batch_size=4, max_new_tokens=3, progress=progress)
    assert len(cut.read_text(encoding="utf-8").splitlines()) == sum(sizes[:2])
    batches.clear()
    dies_at = 0
    ask(model, items, cut, batch_size=4, max_new_tokens=3)
    assert batches == sizes[2:]
    assert cut.read_bytes() == whole.read_bytes()
