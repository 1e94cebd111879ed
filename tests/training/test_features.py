"""Image features worked out once: the same numbers, from memory and from disk, and not for a trained vision part."""

from pathlib import Path

import pytest
import torch
from models.families import BUILDERS

from safecot_dsl.models.families import FAMILIES
from safecot_dsl.storage import Progress
from safecot_dsl.training import TrainingRecipe, features, speedups, train
from safecot_dsl.training.features import (
    CachedFeatures,
    cache_features,
    compute_features,
    content_key,
    image_inputs,
    join_features,
    why_not_cached,
)
from safecot_dsl.training.metrics import read_metrics
from safecot_dsl.training.rows import read_rows
from safecot_dsl.training.speedups import Batches, pulled_levers
from safecot_dsl.training.tensor_cache import TensorCache

from .conftest import eight_rows
from .steps import PLAIN, encoded, take, tuned_model

DIGESTS = {"policy_digest": "sha256:the-policy", "data_digest": "sha256:the-data"}


#: Families whose features are one list, and lists by layer; the others take longer than is worth it every time.
QUICK = {"idefics3", "qwen3_vl"}
KINDS = [
    family.model_type if family.model_type in QUICK else pytest.param(family.model_type, marks=pytest.mark.long)
    for family in FAMILIES
]


@pytest.fixture(scope="module", params=KINDS)
def base(request, tmp_path_factory) -> Path:
    return BUILDERS[request.param](tmp_path_factory.mktemp(request.param))


def cached(model, rows, folder: Path, in_memory: int = 1 << 20) -> CachedFeatures:
    with Progress(quiet=True) as progress:
        return cache_features(model, rows, batch_size=2, folder=folder, in_memory=in_memory, progress=progress)


def leaves(value) -> list[torch.Tensor]:
    return [value] if isinstance(value, torch.Tensor) else [leaf for each in value for leaf in leaves(each)]


def test_every_family_sees_the_same_with_features_as_with_pixels(base, write_rows, tmp_path):
    """With one picture and with two: loss and gradient, and the vision tower is not run."""
    model, chat = tuned_model(base)
    for images in (1, 2):
        rows = encoded(chat, read_rows(write_rows([row for row in eight_rows() if len(row["images"]) == images])))
        batches = Batches(model.get_base_model(), rows, chat.pad_id)
        numbers = range(len(rows))
        loss, gradient = take(model, batches.plain([batches[i] for i in numbers]))
        recipe = TrainingRecipe(**PLAIN | {"cache_image_features": True})
        with (
            Progress(quiet=True) as progress,
            pulled_levers(
                model, rows, recipe, pad_id=chat.pad_id, folder=tmp_path / str(images), progress=progress
            ) as (seen, used),
        ):
            assert used.cached_features, used.reasons
            batch = seen.together([seen[i] for i in numbers])
            assert not any(key.startswith("pixel") for key in batch)
            ours, cached_gradient = take(model, batch)
        assert ours == pytest.approx(loss, rel=1e-5)
        torch.testing.assert_close(cached_gradient, gradient, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("kind", ["idefics3", "qwen3_vl"])
def test_features_survive_the_disk_and_memory_is_bounded(kind, tmp_path, write_rows):
    """Qwen3-VL's are lists of lists; three distinct pictures, alone and two together, are four entries."""
    model, chat = tuned_model(BUILDERS[kind](tmp_path / "model"))
    base = model.get_base_model()
    rows = encoded(chat, read_rows(write_rows(eight_rows())))
    kept = cached(base, rows, tmp_path / "features")
    read = cached(base, rows, tmp_path / "features", in_memory=0)
    assert len(list((tmp_path / "features").iterdir())) == 4
    assert kept.of(7) is read.of(7) is None
    for i in range(7):
        one, two = kept.of(i), read.of(i)
        assert one is not None
        assert two is not None
        assert one.keys() == two.keys()
        for key in one:
            assert all(torch.equal(a, b) for a, b in zip(leaves(one[key]), leaves(two[key]), strict=True))
            assert type(one[key]) is type(two[key])
    together = join_features([f for i in range(6) if (f := read.of(i)) is not None])
    with torch.no_grad():
        inputs = [image_inputs(base, rows[i]) for i in range(6)]
        own = base.get_image_features(**{key: torch.cat([each[key] for each in inputs]) for key in inputs[0]})
    for key in together:
        for a, b in zip(leaves(together[key]), leaves(own[key]), strict=True):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_what_is_there_is_not_worked_out_again_and_what_is_damaged_is(idefics3, write_rows, tmp_path, monkeypatch):
    model, chat = tuned_model(idefics3)
    base = model.get_base_model()
    rows = encoded(chat, read_rows(write_rows(eight_rows())))
    cached(base, rows, tmp_path / "f")
    worked_out: list[int] = []

    def counted(model, batch):
        worked_out.append(len(batch))
        return compute_features(model, batch)

    monkeypatch.setattr(features, "compute_features", counted)
    cached(base, rows, tmp_path / "f")
    assert worked_out == []
    next((tmp_path / "f").iterdir()).unlink()
    cached(base, rows, tmp_path / "f")
    assert worked_out in ([2], [1])  # the whole batch again, or its numbers might be others
    (torn,) = list((tmp_path / "f").iterdir())[:1]
    torn.write_bytes(b"torn")
    assert TensorCache(tmp_path / "f", 0).get(torn.name) is None


def test_equal_pictures_have_one_name_and_others_another():
    one = {"pixel_values": torch.zeros(2, 3), "grid": torch.ones(1, dtype=torch.long)}
    assert content_key(one) == content_key({key: one[key].clone() for key in reversed(one)})
    assert content_key(one) != content_key(one | {"pixel_values": torch.zeros(3, 2)})
    assert content_key(one) != content_key(one | {"pixel_values": torch.zeros(2, 3, dtype=torch.float64)})
    assert content_key(one) != content_key(one | {"grid": torch.zeros(1, dtype=torch.long)})


@pytest.mark.parametrize("part", ["vision", "projector"])
def test_a_vision_part_that_is_trained_is_looked_through_every_time(idefics3, part):
    model, _ = tuned_model(idefics3, adapt=("language", part))
    name = {"vision": "model.vision_model", "projector": "model.connector"}[part]
    assert why_not_cached(model.get_base_model()) == f"`{name}` is trained"


def test_a_model_without_the_means_says_which(idefics3, monkeypatch):
    model, _ = tuned_model(idefics3)
    base = model.get_base_model()
    monkeypatch.setattr(type(base), "forward", lambda self, input_ids: None)
    assert "takes no `mm_encoder_outputs`" in (why_not_cached(base) or "")
    assert why_not_cached(torch.nn.Linear(1, 1)) == "it has no `get_image_features`"


def test_features_that_are_not_the_models_are_found_out(idefics3, write_rows, tmp_path, monkeypatch):
    """And the run goes on with pixels, and says so."""

    def wrong(model, batch):
        found = compute_features(model, batch)
        for each in found:
            each["pooler_output"] = [2 * value for value in each["pooler_output"]]
        return found

    monkeypatch.setattr(speedups, "compute_features", wrong)
    model, chat = tuned_model(idefics3)
    rows = encoded(chat, read_rows(write_rows(eight_rows())))
    with (
        Progress(quiet=True) as progress,
        pulled_levers(model, rows, TrainingRecipe(), pad_id=chat.pad_id, folder=tmp_path / "f", progress=progress) as (
            batches,
            used,
        ),
    ):
        assert "pixel_values" in batches[0]
    assert not used.cached_features
    assert "its logits would differ by" in used.reasons["cache_image_features"]


@pytest.mark.usefixtures("one_thread")
def test_a_run_with_every_lever_comes_to_the_losses_of_one_without(idefics3, write_rows, tmp_path):
    """Over an epoch of batches with no picture, one and two, with gradient accumulation."""
    path = write_rows(eight_rows())
    found = []
    for name, chosen in (("with", {}), ("without", PLAIN)):
        recipe = TrainingRecipe(
            r=4,
            max_steps=4,
            logging_steps=1,
            save_steps=4,
            learning_rate=1e-3,
            per_device_train_batch_size=3,
            gradient_accumulation_steps=2,
            reasoning_weight=0.5,
            **chosen,
        )
        train(path, str(idefics3), tmp_path / name, recipe, **DIGESTS)
        lines = read_metrics(tmp_path / name / "metrics.jsonl")
        found.append([(line["loss"], line["grad_norm"], line["tokens"]) for line in lines])
    for one, two in zip(*found, strict=True):
        assert one == pytest.approx(two, rel=1e-4)
    assert not list(tmp_path.rglob("*image-features*"))
