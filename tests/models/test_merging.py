"""A merged model is the base with its adapter, in the base's precision, and loads like any other."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from safecot_dsl.models import ModelError, Request, load_model
from safecot_dsl.models.local import load_parts
from safecot_dsl.models.merging import merge_adapter
from safecot_dsl.training import TrainingRecipe
from safecot_dsl.training.lora import add_lora

from . import tiny
from .families import build_qwen3_vl


def adapter_for(base: Path, folder: Path) -> Path:
    """An adapter that really changes the model."""
    model, _ = load_parts(str(base))
    tuned = add_lora(model, TrainingRecipe(r=4))
    torch.manual_seed(0)
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    tuned.save_pretrained(folder)
    return folder


def test_it_answers_as_the_base_with_its_adapter_does(any_family: Path, tmp_path: Path):
    adapter = adapter_for(any_family, tmp_path / "adapter")
    merged = merge_adapter(adapter, tmp_path / "merged")
    request = Request("what is it ?", (tiny.picture("blue"),))
    one, two = load_model(str(merged)), load_model(str(any_family), adapter)
    inputs = two.chat.encode(request)
    with torch.no_grad():
        torch.testing.assert_close(one.model(**inputs).logits, two.model(**inputs).logits, atol=1e-4, rtol=1e-4)
    assert one.chat.write(request) == two.chat.write(request)


def test_the_precision_is_the_bases(idefics3: Path, tmp_path: Path):
    model, processor = load_parts(str(idefics3))
    model.to(torch.bfloat16).save_pretrained(tmp_path / "base")
    processor.save_pretrained(tmp_path / "base")
    merged = merge_adapter(adapter_for(tmp_path / "base", tmp_path / "adapter"), tmp_path / "merged")
    with safe_open(merged / "model.safetensors", "pt") as weights:
        assert {weights.get_tensor(name).dtype for name in weights.keys()} == {torch.bfloat16}  # noqa: SIM118


def test_a_family_whose_processor_lacks_its_video_half_is_merged_too(tmp_path: Path):
    base = build_qwen3_vl(tmp_path / "base")
    merged = merge_adapter(adapter_for(base, tmp_path / "adapter"), tmp_path / "merged")
    assert load_model(str(merged)).generate([Request("what ?")], max_new_tokens=2, batch_size=1) != [""]


def test_what_is_there_is_not_overwritten_and_another_base_is_refused(idefics3: Path, tmp_path: Path):
    adapter = adapter_for(idefics3, tmp_path / "adapter")
    (tmp_path / "there").mkdir()
    with pytest.raises(ModelError, match="is there already"):
        merge_adapter(adapter, tmp_path / "there")
    with pytest.raises(ModelError, match="cannot be merged into"):
        merge_adapter(adapter, tmp_path / "merged", base=str(tiny.build_llava(tmp_path / "llava")))
    assert not (tmp_path / "merged").exists()
