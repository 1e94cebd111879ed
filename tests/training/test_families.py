"""Every family that is named as supported: a tiny model of it takes real steps, is saved, and comes back."""

from pathlib import Path

import pytest
import torch
from models import tiny
from models.families import BUILDERS
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText

from safecot_dsl.models import ModelError, Request, load_model
from safecot_dsl.models.families import FAMILIES, Family, parts_of
from safecot_dsl.models.local import load_parts
from safecot_dsl.training import TrainingError, TrainingRecipe, train
from safecot_dsl.training.lora import add_lora
from safecot_dsl.training.metrics import read_metrics
from safecot_dsl.training.rows import read_rows

from .conftest import eight_rows

QUICK = TrainingRecipe(r=4, max_steps=12, logging_steps=4, save_steps=12, learning_rate=1e-2)
DIGESTS = {"policy_digest": "sha256:the-policy", "data_digest": "sha256:the-data"}


NAMES = [family.model_type for family in FAMILIES]
#: Families that differ most: a projector without layers, images of any size, the family of most other tests.
UNLIKE = ("gemma3", "qwen2_5_vl", "idefics3")


@pytest.fixture(scope="module", params=NAMES)
def base(request, tmp_path_factory) -> Path:
    return BUILDERS[request.param](tmp_path_factory.mktemp(request.param))


def test_every_family_of_the_table_has_a_tiny_model():
    assert {family.model_type for family in FAMILIES} == BUILDERS.keys()


@pytest.mark.parametrize(
    "base", [pytest.param(name, marks=[pytest.mark.long] * (name not in UNLIKE)) for name in NAMES], indirect=True
)
def test_a_step_a_save_a_reload_and_a_generation(base: Path, write_rows, tmp_path):
    """With plain PEFT and Transformers, to the logits of the package's own model."""
    train(write_rows(eight_rows()), str(base), tmp_path / "adapter", QUICK, **DIGESTS)
    losses = [line["loss"] for line in read_metrics(tmp_path / "adapter" / "metrics.jsonl")]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    tensors = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert len(tensors) == 2 * 7 * 2  # two matrices for each of seven projections in two layers
    assert all("language_model" in name or "text_model" in name for name in tensors)
    assert any(float(value.abs().max()) > 0 for name, value in tensors.items() if "lora_B" in name)

    plain = AutoModelForImageTextToText.from_pretrained(base)
    theirs = PeftModel.from_pretrained(plain, tmp_path / "adapter").eval()
    ours = load_model(str(base), tmp_path / "adapter")
    for request in (Request("what is it ?", (tiny.picture("blue"),)), Request("what is it ?")):
        inputs = ours.chat.encode(request)
        with torch.no_grad():
            torch.testing.assert_close(ours.model(**inputs).logits, theirs(**inputs).logits, atol=1e-4, rtol=1e-4)
    requests = [Request("what is it ?", (tiny.picture(),)), Request("so ?"), Request("a red square", (tiny.picture(),))]
    together = ours.generate(requests, max_new_tokens=6, batch_size=3)
    assert together == [ours.generate([request], max_new_tokens=6, batch_size=1)[0] for request in requests]


@pytest.mark.long
def test_eight_rows_are_learnt_by_heart(base: Path, write_rows, tmp_path):
    """So the image reaches the answer, and what is generated is what was trained, in every family."""
    recipe = TrainingRecipe(r=16, max_steps=400, learning_rate=1e-2, logging_steps=20, save_steps=400)
    path = write_rows(eight_rows())
    train(path, str(base), tmp_path / "adapter", recipe, **DIGESTS)
    rows = read_rows(path)
    tuned = load_model(str(base), tmp_path / "adapter")
    answers = tuned.generate([row.request for row in rows], max_new_tokens=60, batch_size=3)
    assert answers == [row.completion for row in rows]


def linear_in(model, *parts: str) -> set[str]:
    found = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    return {name for name in found if name.startswith(tuple(f"{part}." for part in parts))}


def test_vision_and_projector_are_adapted_by_choice(base: Path):
    """Every linear layer there is, each one once, and none of the language model's."""
    model, _ = load_parts(str(base))
    parts = parts_of(model)
    assert parts.vision is not None
    assert parts.projector is not None
    wanted = linear_in(model, parts.vision, parts.projector)
    chosen = ("vision", "projector")
    if not linear_in(model, parts.projector):
        assert model.config.model_type == "gemma3"  # its projector is a bare matrix
        with pytest.raises(TrainingError, match=r"the projector part of a Gemma3.* has no linear layer to adapt"):
            add_lora(model, TrainingRecipe(adapt=chosen))
        chosen = ("vision",)
    tuned = add_lora(model, TrainingRecipe(r=2, adapt=chosen))
    trained = {
        name.removeprefix("base_model.model.").split(".lora_")[0]
        for name, parameter in tuned.named_parameters()
        if parameter.requires_grad
    }
    assert trained == wanted
    assert any(name.startswith(f"{parts.vision}.") for name in trained)


def test_an_unknown_family_is_discovered_by_its_names(base: Path, monkeypatch):
    """As if the table had never heard of it: the same parts are found."""
    model, _ = load_parts(str(base))
    known = parts_of(model)
    monkeypatch.setattr("safecot_dsl.models.families._BY_TYPE", {})
    assert parts_of(model) == known


def test_what_cannot_be_discovered_is_said(idefics3):
    model, _ = load_parts(str(idefics3))
    model.config.model_type = "never_heard_of"
    model.model.words = model.model.text_model
    del model.model.text_model
    model.get_decoder = lambda: model
    with pytest.raises(ModelError, match=r"of no family that is known \(Qwen2.5-VL, .*it has model.vision_model"):
        parts_of(model)


def test_a_part_that_is_not_there_is_named(idefics3, monkeypatch):
    model, _ = load_parts(str(idefics3))
    family = Family("X", "idefics3", "Idefics3Processor", "model.text_model", "model.eyes", "model.connector")
    monkeypatch.setattr("safecot_dsl.models.families._BY_TYPE", {"idefics3": family})
    with pytest.raises(TrainingError, match="`adapt` names `vision`, and no such part was found in a Idefics3"):
        add_lora(model, TrainingRecipe(adapt=("vision",)))
