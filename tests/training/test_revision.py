"""An adapter over a model of the hub says which commit it was trained on, to us and to PEFT."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
import torch
from models import tiny
from models.hub import FIRST, ID, SECOND, fill_cache, go_offline

from safecot_dsl.models import ModelError, load_model
from safecot_dsl.training import TrainingRecipe, train

from .conftest import eight_rows

QUICK = TrainingRecipe(r=2, max_steps=1, per_device_train_batch_size=2, logging_steps=1, save_steps=1)
DIGESTS = {"policy_digest": "sha256:the-policy", "data_digest": "sha256:the-data"}


def test_it_is_recorded_and_the_card_loads_it(
    idefics3: Path, write_rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """By the lines of the card, with plain PEFT and Transformers, though `main` is another model by then."""
    other = tiny.build_idefics3(tmp_path / "other", seed=1)
    cache = fill_cache(tmp_path / "hub", {FIRST: idefics3, SECOND: other}, {"main": SECOND})
    go_offline(monkeypatch, cache)
    name, adapter = f"{ID}@{FIRST}", tmp_path / "adapter"
    train(write_rows(eight_rows()), name, adapter, QUICK, **DIGESTS)

    record = json.loads((adapter / "training.json").read_text())
    assert (record["base"], record["base_digest"]) == (name, f"hub:{name}")
    settings = json.loads((adapter / "adapter_config.json").read_text())
    assert (settings["base_model_name_or_path"], settings["revision"]) == (ID, FIRST)
    card = (adapter / "README.md").read_text()
    assert card.startswith(f'---\nbase_model: "{ID}"\n')  # what the hub's pages link
    assert f"vllm serve {ID} --revision {FIRST} --enable-lora" in card
    (tmp_path / "card.py").write_text(
        card.split("```python\n")[1].split("```")[0].replace("path/to/this/folder", str(adapter))
    )
    plain = runpy.run_path(str(tmp_path / "card.py"))["model"].get_base_model()
    ours = load_model(str(idefics3)).model
    assert torch.equal(plain.get_input_embeddings().weight, ours.get_input_embeddings().weight)

    load_model(name, adapter)
    with pytest.raises(ModelError, match=f"on `{name}` .hub:{name}., not on `{ID}@{SECOND}`"):
        load_model(f"{ID}@{SECOND}", adapter)
