"""The pretrained study's base, made whole from a tiny random language model that stands in for the published one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from safecot_dsl.miniature import BASE_STYLES, TUNING_STYLES, Scene, World
from safecot_dsl.miniature.drawing import drawable
from safecot_dsl.miniature.tokenizer import build_tokenizer
from safecot_dsl.models import Request, load_model
from safecot_dsl.storage import Progress
from safecot_dsl.workspace import compile_policy
from studies.pretrained import packages, projector, tower
from studies.pretrained.assembly import load_tokenizer
from studies.pretrained.base import POLICY, Places, Plan, captions_and_targets, make_base, measure
from studies.pretrained.captions import PARTS, Shown, WordError, captions_of
from studies.pretrained.drawings import held_out_style, learnt, pixels, styles_of
from studies.pretrained.eyes import Size
from studies.pretrained.prose import passages

PLAN = Plan(steps=3, read_steps=2, size=Size(width=32, layers=1, heads=2), examined=6, asked=2, passages=2)


@pytest.fixture(scope="module")
def world() -> World:
    return World(compile_policy(POLICY))


@pytest.fixture(scope="module")
def language(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the dequantised one: a random Gemma 3 of two layers, and a tokenizer of whole words."""
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    folder = tmp_path_factory.mktemp("pretrained") / "language"
    words = [f" {word}" for word in (*world.objects, *world.settings, *world.signs, "unknown")]
    texts = [*words, *(f"{name}{part}:" for part in PARTS for name in ("", " ")), ", .", *projector.QUESTIONS]
    tokenizer: Any = build_tokenizer([*texts, "User: Assistant:\nOn the left thing on right is place This sign says"])
    tokenizer.add_special_tokens({"bos_token": "<bos>"})
    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=len(tokenizer) + 8,  # room for the tokens of images
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        sliding_window=64,
        max_position_embeddings=512,
        initializer_range=0.3,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model: Any = Gemma3ForCausalLM(config)
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def quiet() -> Iterator[Progress]:
    with Progress(quiet=True) as progress:
        yield progress


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tower, "BATCH", 4)
    monkeypatch.setattr(tower, "SAVED_EVERY", 1)
    monkeypatch.setattr(projector, "BATCH", 2)
    monkeypatch.setattr(projector, "_SAVED_EVERY", 1)


def _places(root: Path, language: Path) -> Places:
    root.mkdir(exist_ok=True)
    (root / "language").symlink_to(language)
    return Places(root)


def test_the_base_is_of_the_stock_class_and_speaks_as_before(
    language: Path, tmp_path: Path, world: World, quiet: Progress
) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    places = _places(tmp_path / "made", language)
    make_base(places, PLAN, quiet)
    measured = measure(places, PLAN, quiet)
    assert measured.speech.equal
    assert measured.speech.inside == pytest.approx(measured.speech.alone, rel=1e-3)
    assert measured.tokens.n == 6
    assert set(measured.tokens.styles) <= set(BASE_STYLES)
    assert places.measured.is_file()

    model: Any = AutoModelForImageTextToText.from_pretrained(places.base, trust_remote_code=False)
    processor: Any = AutoProcessor.from_pretrained(places.base, trust_remote_code=False)
    assert type(model).__name__ == "Gemma3ForConditionalGeneration"
    assert type(processor).__name__ == "Gemma3Processor"
    # The product takes it as it takes any model, with an image and without.
    loaded = load_model(str(places.base))
    sample = world.pool("train", 1, 0)[0]  # pyright: ignore[reportArgumentType]
    requests = [Request(sample.prompt, (sample.render(),), begun="left:"), Request("What do you see?")]
    answers = loaded.generate(requests, max_new_tokens=3, batch_size=2)
    assert answers[0].startswith("left:")
    encoded = loaded.chat.encode(requests[0])
    shown = [Shown(sample.situation.scene)]
    drawn = pixels(shown, [sample.meta["seed"]], held_out=False, styles=TUNING_STYLES)
    torch.testing.assert_close(encoded["pixel_values"].float(), drawn)  # it learnt from what it is shown
    ids = encoded["input_ids"][0].tolist()
    assert ids.count(processor.tokenizer.image_token_id) == 16
    assert ids.count(processor.tokenizer.bos_token_id) == 1


def test_a_run_that_was_killed_goes_on_to_the_same_weights(
    language: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: Progress
) -> None:
    whole = _places(tmp_path / "whole", language)
    make_base(whole, PLAN, quiet)

    killed = _places(tmp_path / "killed", language)
    for name in ("drawings_of", "_batch"):
        module: Any = tower if name == "drawings_of" else projector
        real, calls = getattr(module, name), [0]

        def dying(*arguments: Any, real: Any = real, calls: list[int] = calls) -> Any:
            calls[0] += 1
            if calls[0] == 2:
                raise KeyboardInterrupt
            return real(*arguments)

        with monkeypatch.context() as patched:
            patched.setattr(module, name, dying)
            with pytest.raises(KeyboardInterrupt):
                make_base(killed, PLAN, quiet)
        assert not killed.base.exists()
    make_base(killed, PLAN, quiet)
    expected, found = (load_file(places.base / "model.safetensors") for places in (whole, killed))
    assert expected.keys() == found.keys()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


def test_reading_trains_the_projector_alone(language: Path, tmp_path: Path, quiet: Progress) -> None:
    places = _places(tmp_path / "read", language)
    make_base(places, PLAN, quiet)
    before, after = (load_file(places.root / part / "model.safetensors") for part in ("unread", "base"))
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed
    assert all("multi_modal_projector" in name for name in changed)


def test_a_caption_says_what_is_shown_and_its_embeddings_are_named(language: Path, world: World) -> None:
    tokenizer = load_tokenizer(language)
    captions, targets = captions_and_targets(world, tokenizer, language)
    shown = [Shown(Scene("flask", "bell", "kitchen", "open")), Shown(Scene("key", "cup", "street"), "image.objects")]
    texts = [tokenizer.decode(row) for row in captions.token_ids(shown).tolist()]
    assert texts[0] == "left: flask, right: bell, place: kitchen, sign: open."
    assert texts[1] == "left: unknown, right: unknown, place: street, sign: none."
    classes = captions.classes(shown)
    said = torch.cat([of[classes[:, number]] for number, of in enumerate(targets.parts)], 1)
    assert torch.equal(targets.named(said), classes)
    assert float(targets.loss(said, classes)) < float(targets.loss(said.flip(0), classes))


def test_a_word_that_has_no_room_is_refused(language: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "signs", ("open", "sale sale sale"))
    with pytest.raises(WordError, match=r"` sign: sale sale sale\.` is 2 \+ 3 tokens"):
        captions_of(world, load_tokenizer(language))


def test_no_drawing_to_learn_from_has_the_style_that_is_held_out(world: World) -> None:
    styles = set()
    for number in range(300):
        scene = learnt(world, number, 0).scene
        kept = held_out_style(scene.objects)
        styles.add(kept)
        assert all(drawable(item, kept) for item in scene.objects)
        assert kept not in styles_of(scene, held_out=False)
        assert styles_of(scene, held_out=True) == (kept,)
    assert styles == set(BASE_STYLES)


def test_weights_that_are_others_are_refused(tmp_path: Path) -> None:
    for chunk in packages._CHUNKS:  # pyright: ignore[reportPrivateUsage]
        (tmp_path / chunk).parent.mkdir(parents=True)
        (tmp_path / chunk).write_bytes(b"not a weight")
    with pytest.raises(packages.PackagesError, match="is not the file that the study is pinned to"):
        packages.gguf_file(tmp_path, tmp_path / "gguf")
    assert not (tmp_path / "gguf" / packages.GGUF).exists()


def test_the_parts_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = packages._CHUNKS  # pyright: ignore[reportPrivateUsage]
    for number, chunk in enumerate(chunks):
        (tmp_path / chunk).parent.mkdir(parents=True)
        (tmp_path / chunk).write_bytes(bytes([number]) * 5)
    whole = b"".join(bytes([number]) * 5 for number in range(len(chunks)))
    # The pin is written as the package writes digests; a pin in another form would refuse the right file.
    form = packages.GGUF_SHA256.partition(":")[0]
    monkeypatch.setattr(packages, "GGUF_SHA256", f"{form}:{hashlib.sha256(whole).hexdigest()}")
    assert packages.gguf_file(tmp_path, tmp_path / "gguf").read_bytes() == whole


def test_prose_is_sentences() -> None:
    texts = passages(8)
    assert len(texts) == 8
    assert all(len(text) >= 900 and "\n   " not in text and "::=" not in text for text in texts)
