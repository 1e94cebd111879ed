"""The next token of each row: the most likely one, or a draw that no other row can change."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn: from the softmax of logits / `temperature`, of which only the most likely tokens are left
    that together have a share of `top_p` (nucleus sampling, arXiv 1904.09751). `seed` decides every draw."""

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.temperature <= 0 or not 0 < self.top_p <= 1:
            raise ValueError(
                f"temperature {self.temperature} must be above 0 (without sampling, answers are greedy), "
                f"and top_p {self.top_p} above 0 and at most 1"
            )


def uniforms(sampling: Sampling, key: str, count: int) -> list[float]:
    """`count` numbers in [0, 1), one for each token of the answer that `key` names."""
    drawn: list[float] = []
    for number in range(count):
        digest = hashlib.sha256(f"{sampling.seed}\0token\0{key}\0{number}".encode("utf-8", "surrogatepass")).digest()
        drawn.append(int.from_bytes(digest[:6], "big") / 2**48)
    return drawn


def drawn_tokens(logits: Tensor, sampling: Sampling, points: Tensor) -> Tensor:
    """The tokens (rows,) that `points` (rows,), numbers in [0, 1), fall on in the distributions of `logits` (rows,
    vocabulary)."""
    import torch

    shares, order = torch.softmax(logits.float() / sampling.temperature, dim=-1).sort(dim=-1, descending=True)
    sums = shares.cumsum(dim=-1)
    shares = shares.masked_fill(sums - shares >= sampling.top_p, 0.0)  # the first token that crosses it stays
    sums = shares.cumsum(dim=-1)
    place = torch.searchsorted(sums, (points.to(sums) * sums[:, -1]).unsqueeze(-1), right=True)
    last = (shares > 0).sum(dim=-1, keepdim=True) - 1  # where rounding pushes the point over the end
    return order.gather(-1, torch.minimum(place, last)).squeeze(-1)
