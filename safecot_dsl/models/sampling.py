"""The next token of each row as Transformers' `generate` takes it: the most likely one, or a draw that no other row can
change."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
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


class DrawnTokens:
    """A logits processor after which the greedy choice is the drawn token."""

    def __init__(self, sampling: Sampling, keys: Sequence[str], begin: int, count: int) -> None:
        """`keys` names the draws of each row: `count` of them, and the first when rows have `begin` tokens."""
        import torch

        self._sampling, self._begin = sampling, begin
        self._points = torch.tensor([uniforms(sampling, key, count) for key in keys], dtype=torch.float64)

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        import torch

        tokens = drawn_tokens(scores, self._sampling, self._points[:, ids.shape[1] - self._begin])
        return torch.full_like(scores, -torch.inf).scatter(1, tokens.unsqueeze(1), 0.0)


class Penalty:
    """A logits processor for repetitions in which padding is no token of a row, as it is in Transformers' own.

    The scores of tokens that a row holds already are divided by the penalty, or multiplied where they are below 0
    (CTRL, arXiv 1909.05858, as Transformers has it).
    """

    def __init__(self, penalty: float, mask: Tensor) -> None:
        """`mask` (rows, tokens) is that of the requests: 0 in their padding."""
        self._penalty, self._mask = penalty, mask.bool()

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        length = self._mask.shape[1]
        # In the place of padding stands the row's last token of the request.
        held = ids.clone()
        held[:, :length] = ids[:, :length].where(self._mask, ids[:, length - 1 : length])
        found = scores.gather(1, held)
        less = found.where(found < 0, found / self._penalty).where(found >= 0, found * self._penalty)
        return scores.scatter(1, held, less)
