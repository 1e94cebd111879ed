"""Local models answer in batches as they answer alone, and are refused for what they lack."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from safecot_dsl.models import ImageError, LocalModel, ModelError, Request, ScriptedModel, load_model, model_digest
from safecot_dsl.storage import Progress

from . import tiny

REQUESTS = [
    Request("what is it ?", (tiny.picture("red"),)),
    Request("how do i use this ? look at the picture and answer ."),
    Request("look", (tiny.picture("blue", (50, 20)),)),
    Request("what ?"),
    Request("two", (tiny.picture("red"), tiny.picture("green"))),
    Request("what is it ? what is it ? a red square", (tiny.picture("green"),)),
    Request("look", (tiny.picture("blue"),), system="answer", begun="here you"),
]


@pytest.fixture(scope="module")
def model(any_family) -> LocalModel:
    return load_model(str(any_family))


def by_hand(model: LocalModel, request: Request, length: int) -> str:
    """Greedy decoding of one request without batch, padding or cache: the most likely token, again and again."""
    inputs = model.chat.encode(request)
    written: list[int] = []
    with torch.no_grad():
        for _ in range(length):
            token = int(model.model(**inputs).logits[0, -1].argmax())
            written.append(token)
            inputs["input_ids"] = torch.cat([inputs["input_ids"], torch.tensor([[token]])], dim=1)
            inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    return model.chat.decode(model.chat.begun_ids(request) + written)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_answers_are_greedy_and_in_the_order_of_the_requests(model: LocalModel, batch_size: int):
    answers = model.generate(REQUESTS, max_new_tokens=8, batch_size=batch_size)
    assert answers == [by_hand(model, request, 8) for request in REQUESTS]
    assert len(set(answers)) > 3  # the random model does not say one thing to all


def test_a_picture_changes_the_answer(model: LocalModel):
    pictures = [Request("what is it ?", (tiny.picture(colour),)) for colour in ("red", "green", "blue")]
    assert len(set(model.generate(pictures, max_new_tokens=8, batch_size=3))) > 1


def test_progress_counts_requests_and_no_requests_are_no_trouble(model: LocalModel, capsys):
    with Progress("asking", total=len(REQUESTS)) as progress:
        model.generate(REQUESTS, max_new_tokens=1, batch_size=2, progress=progress)
    assert "asking: 7/7 (100 %), done" in capsys.readouterr().err
    assert model.generate([], max_new_tokens=1, batch_size=2) == []


def test_a_bad_image_names_its_request(model: LocalModel):
    with pytest.raises(ImageError, match=r"not an image.*in the request 'what is this \?'"):
        model.generate([Request("what is this ?", (b"no image",))], max_new_tokens=1, batch_size=1)


def test_a_scripted_model_answers_by_its_function():
    model = ScriptedModel(lambda request: f"{len(request.images)} {request.prompt}")
    assert model.generate(REQUESTS[:2], max_new_tokens=1, batch_size=1) == [
        "1 what is it ?",
        "0 how do i use this ? look at the picture and answer .",
    ]


@pytest.fixture
def broken(idefics3, tmp_path: Path) -> Path:
    """A copy of a model, to be broken."""
    return Path(shutil.copytree(idefics3, tmp_path / "model"))


def test_pickled_weights_are_refused(broken: Path):
    torch.save({}, broken / "pytorch_model.bin")
    (broken / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no safetensors weights \(found pytorch_model.bin: pickle is refused"):
        load_model(str(broken))


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", "has no config.json"),
        ("model.safetensors", "no safetensors weights .found none"),
        ("processor_config.json", "has no processor"),
        ("tokenizer.json", "has no tokenizer"),
        ("chat_template.jinja", "has no chat template"),
    ],
)
def test_what_a_folder_lacks_is_named(broken: Path, missing: str, message: str):
    (broken / missing).unlink()
    with pytest.raises(ModelError, match=message):
        load_model(str(broken))


def test_torn_weights_are_refused(broken: Path):
    whole = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(whole[:1000])
    with pytest.raises(ModelError, match="cannot be loaded as an image-text-to-text model"):
        load_model(str(broken))


def test_code_from_a_model_is_not_run(broken: Path):
    (broken / "evil.py").write_text("raise SystemExit('the code was run')")
    config = json.loads((broken / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.C", "AutoModelForImageTextToText": "evil.M"}}
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(str(broken))


def test_a_path_that_is_no_model_is_told_from_a_hub_id(tmp_path: Path):
    with pytest.raises(ModelError, match="there is no model folder"):
        load_model(str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match="there is no model folder"):
        load_model("./runs/demo/base")
    with pytest.raises(ModelError, match="did you mean `miniature-base`"):
        load_model("miniature_base")
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="is a file"):
        load_model(str(tmp_path / "file"))


def test_the_digest_names_contents_not_places(idefics3, broken: Path):
    assert model_digest(str(broken)) == model_digest(str(idefics3))
    (broken / "README.md").write_text("a card")
    assert model_digest(str(broken)) == model_digest(str(idefics3))
    (broken / "chat_template.jinja").write_text("another")
    assert model_digest(str(broken)) != model_digest(str(idefics3))
