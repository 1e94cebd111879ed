"""Training that goes on from an adapter: its weights, what must fit, and what it was started from."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from safecot_dsl.dataset.pairs import preference_schema
from safecot_dsl.models.local import load_parts
from safecot_dsl.training import TrainingError, TrainingRecipe, train
from safecot_dsl.training.lora import add_lora
from safecot_dsl.training.metrics import read_metrics
from safecot_dsl.training.start import load_start

from .conftest import eight_rows
from .test_dpo import eight_pairs

QUICK = TrainingRecipe(r=4, max_steps=2, logging_steps=1, save_steps=2, learning_rate=1e-2)
DIGESTS = {"policy_digest": "sha256:the-policy", "data_digest": "sha256:the-data"}


@pytest.fixture(scope="module")
def made(idefics3, tmp_path_factory):
    """An adapter of two steps; not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    pq.write_table(pa.Table.from_pylist(eight_rows()), folder / "rows.parquet")
    train(folder / "rows.parquet", str(idefics3), folder / "first", QUICK, **DIGESTS)
    return folder


@pytest.fixture
def first(made, tmp_path):
    """The rows that the adapter was trained on, and the adapter."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "rows.parquet", tmp_path / "first"


def test_a_run_goes_on_from_the_weights_it_starts_from(idefics3, first, tmp_path):
    """With a rate of next to nothing the weights stay; the loss begins where the adapter left it, not at the base's."""
    path, adapter = first
    still = QUICK.model_copy(update={"learning_rate": 1e-12, "max_steps": 1})
    result = train(path, str(idefics3), tmp_path / "second", still, start_from=adapter, **DIGESTS)
    ours, theirs = (load_file(folder / "adapter_model.safetensors") for folder in (tmp_path / "second", adapter))
    for name in theirs:
        torch.testing.assert_close(ours[name], theirs[name], atol=1e-6, rtol=0)
    assert result.loss < read_metrics(adapter / "metrics.jsonl")[0]["loss"] - 0.1
    record = json.loads((tmp_path / "second" / "training.json").read_text())
    assert record["start"].startswith("sha256:")
    assert record["start"] in (tmp_path / "second" / "README.md").read_text()


@pytest.mark.long
def test_another_start_trains_again_and_the_same_does_not(idefics3, first, tmp_path):
    path, adapter = first
    recipe = QUICK.model_copy(update={"start_from": str(adapter)})  # without an argument it is a folder
    assert train(path, str(idefics3), tmp_path / "a", recipe, **DIGESTS).ran
    assert not train(path, str(idefics3), tmp_path / "a", recipe, start_from=adapter, **DIGESTS).ran
    train(path, str(idefics3), adapter, QUICK.model_copy(update={"seed": 1}), **DIGESTS)
    assert train(path, str(idefics3), tmp_path / "a", recipe, **DIGESTS).ran


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"r": 8}, "has `r: 4`, and the recipe says 8: .* give them the same value"),
        ({"lora_alpha": 8}, "has `lora_alpha: 32`, and the recipe says 8"),
        ({"target_modules": ("q_proj",)}, "the adapter adapts `.*`, and the recipe does not .* give both the same"),
        ({"adapt": ("language", "vision")}, "the recipe adapts `.*vision.*`, and the adapter does not"),
    ],
)
def test_an_adapter_of_another_shape_is_refused(idefics3, first, change, said):
    recipe = TrainingRecipe(**{"r": 4, **change})
    base, _ = load_parts(str(idefics3), device="cpu")
    with pytest.raises(TrainingError, match=rf"`start_from`: .*{said}"):
        load_start(add_lora(base, recipe), first[1], str(idefics3), recipe)


def test_an_adapter_of_another_base_is_refused(words, first):
    base, _ = load_parts(str(words), device="cpu")
    with pytest.raises(TrainingError, match=r"`start_from`: .*was trained on another base"):
        load_start(add_lora(base, QUICK), first[1], str(words), QUICK)


def test_a_folder_without_an_adapter_is_refused_before_anything_is_loaded(idefics3, write_rows, tmp_path):
    path = write_rows(eight_rows())
    with pytest.raises(TrainingError, match="`start_from`: there is no adapter folder"):
        train(path, str(idefics3), tmp_path / "a", QUICK, start_from=tmp_path / "nowhere", **DIGESTS)
    torch.save({}, tmp_path / "adapter_model.bin")
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(TrainingError, match=r"found adapter_model\.bin: pickle is refused"):
        train(path, str(idefics3), tmp_path / "a", QUICK, start_from=tmp_path, **DIGESTS)


def test_preferences_are_held_to_where_they_started(idefics3, first, tmp_path):
    """The reference is the adapter that the run starts from, not the base: at the first step nothing has moved."""
    path = tmp_path / "pairs.parquet"
    pq.write_table(pa.Table.from_pylist(eight_pairs(), schema=preference_schema()), path)
    recipe = QUICK.model_copy(update={"objective": "dpo", "max_steps": 1})
    train(path, str(idefics3), tmp_path / "second", recipe, start_from=first[1], **DIGESTS)
    (line,) = read_metrics(tmp_path / "second" / "metrics.jsonl")
    assert line["rewards/chosen"] == pytest.approx(0, abs=1e-4)
    assert line["rewards/rejected"] == pytest.approx(0, abs=1e-4)
