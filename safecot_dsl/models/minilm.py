"""all-MiniLM-L6-v2 in NumPy: the encoder of BERT (Devlin and others, arXiv 1810.04805), read without torch.

The sentence vectors are six layers of 384 numbers a word piece: small enough for a processor's products of matrices,
where torch would be two hundred megabytes to some gigabytes to install. The weights are those of the published model,
and the vectors are torch's up to rounding; see `tests/models/test_embedding.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_LAYERS = 6
_HEADS = 12
_EPSILON = 1e-12


@dataclass(frozen=True)
class MiniLM:
    """The model, loaded by :func:`load`. `weights` are those of its file, by name; a linear layer's are (in, out)."""

    weights: Mapping[str, Floats]

    def vector(self, ids: Sequence[int]) -> Floats:
        """The unit vector, (384,), of the token ids of one text: the mean of its last states.

        A text is worked out by itself, so that its vector depends on no other.
        """
        import numpy as np

        w = self.weights
        states = w["embeddings.word_embeddings.weight"][np.asarray(ids)]
        states = states + w["embeddings.position_embeddings.weight"][: len(ids)]
        states = states + w["embeddings.token_type_embeddings.weight"][0]
        states = self._normed(states, "embeddings.LayerNorm")
        for number in range(_LAYERS):
            at = f"encoder.layer.{number}"
            states = self._normed(
                states + self._attended(states, f"{at}.attention"), f"{at}.attention.output.LayerNorm"
            )
            inner = _gelu(self._linear(states, f"{at}.intermediate.dense"))
            states = self._normed(states + self._linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        mean = states.mean(0)
        return mean / max(float(np.linalg.norm(mean)), _EPSILON)

    def _attended(self, states: Floats, at: str) -> Floats:
        """What each state takes from the others."""
        import numpy as np

        length, width = states.shape
        parts = (self._linear(states, f"{at}.self.{name}") for name in ("query", "key", "value"))
        query, key, value = (part.reshape(length, _HEADS, -1).transpose(1, 0, 2) for part in parts)
        scores = query @ key.transpose(0, 2, 1) / np.float32(sqrt(width // _HEADS))
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        taken = (scores @ value).transpose(1, 0, 2).reshape(length, width)
        return self._linear(taken, f"{at}.output.dense")

    def _linear(self, states: Floats, name: str) -> Floats:
        return states @ self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def _normed(self, states: Floats, name: str) -> Floats:
        import numpy as np

        states = states - states.mean(-1, keepdims=True)
        states /= np.sqrt((states * states).mean(-1, keepdims=True) + np.float32(_EPSILON))
        return states * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


def _gelu(x: Floats) -> Floats:
    from scipy.special import erf

    return x * (erf(x * (1 / sqrt(2))) + 1) * 0.5


def load(folder: Path) -> MiniLM:
    """The model of a folder with its `model.safetensors`."""
    import numpy as np
    from safetensors.numpy import load_file

    weights = load_file(folder / "model.safetensors")
    for name, value in weights.items():
        if name.startswith("encoder.") and value.ndim == 2:  # as its file has it, (out, in)
            weights[name] = np.ascontiguousarray(value.T)
    return MiniLM(weights)
