"""The rows of a batch as one sequence, in which none sees another and nothing is padding.

A padded batch spends its layers on padding; here every layer but attention works on the rows' own tokens, one after
another, and attention takes each row by itself. Positions begin anew with every row, those of images included (M-RoPE).
So loss and gradient are those of the padded batch.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from safecot_dsl.models.families import LookAhead, look_ahead_of, parts_of
from safecot_dsl.models.tensors import PER_TOKEN, join_images

#: The key of a packed batch's layout; the model hands it on to its attention under this name.
LAYOUT = "packed_rows"
#: The key of a row's, or a batch's, image features, which are no tensor.
IMAGE_FEATURES = "image_features"
POSITIONS = "position_ids"
_ATTENTION = "safecot_packed_rows"
_KNOWN = frozenset({"input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids"})


@dataclass(frozen=True, eq=False)
class PackedLayout:
    """Where each row of a packed batch stands.

    `lengths` are in tokens. Tokens of one number other than -1 in `blocks` (tokens,) see each other in both directions;
    None where every token sees only what is before it.
    """

    lengths: tuple[int, ...]
    blocks: Tensor | None = None
    _made: dict[Any, Tensor] = field(default_factory=dict[Any, Tensor])

    @property
    def longest(self) -> int:
        return max(self.lengths)

    def places(self, device: torch.device) -> Tensor:
        """Where each token stands when the rows are padded on the right to the longest, (tokens,)."""
        if device not in self._made:
            starts = range(0, len(self.lengths) * self.longest, self.longest)
            parts = [torch.arange(start, start + n) for start, n in zip(starts, self.lengths, strict=True)]
            self._made[device] = torch.cat(parts).to(device)
        return self._made[device]

    def mask(self, window: int | None, device: torch.device) -> Tensor | None:
        """Who sees whom, (rows, 1, longest, longest), True where a token is seen; None where that is plainly causal.

        With a `window`, a token sees no further back than it is long.
        """
        if window is not None and window >= self.longest:
            window = None
        if self.blocks is None and window is None:
            return None
        key = (window, device)
        if key not in self._made:
            at = torch.arange(self.longest)
            seen = (at[None, :] <= at[:, None]).expand(len(self.lengths), -1, -1)
            if self.blocks is not None:
                padded = torch.full((len(self.lengths) * self.longest,), -1)
                padded[self.places(torch.device("cpu"))] = self.blocks
                block = padded.view(len(self.lengths), self.longest)
                seen = seen | ((block[:, :, None] == block[:, None, :]) & (block[:, :, None] >= 0))
            if window is not None:
                seen = seen & (at[None, :] > at[:, None] - window)
            self._made[key] = seen[:, None].to(device)
        return self._made[key]


def packed_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    sliding_window: int | None = None,
    packed_rows: PackedLayout | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attention within each row, for Transformers' attention interface; (1, heads, tokens, width) in, and
    (1, tokens, heads, width) out. A batch that is not packed gets plain `sdpa`.

    On a CPU one row after the other; elsewhere, where many small kernels cost more than some padding, all at once. Both
    are given no mask where rows are plainly causal, so that torch's fused kernels can take them.
    """
    if packed_rows is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, sliding_window=sliding_window, **options
        )
    options.pop("is_causal", None)
    mask = packed_rows.mask(sliding_window, query.device)
    attend = row_by_row if query.device.type == "cpu" else all_at_once
    return attend(module, (query, key, value), mask, packed_rows, options), None


_Heads = tuple[Tensor, Tensor, Tensor]  # queries, keys and values


def row_by_row(
    module: Any, heads: _Heads, mask: Tensor | None, layout: PackedLayout, options: Mapping[str, Any]
) -> Tensor:
    """The attention of one row after the other, (1, tokens, heads, width)."""
    made: list[Tensor] = []
    for i, (q, k, v) in enumerate(zip(*(each.split(layout.lengths, dim=2) for each in heads), strict=True)):
        own = None if mask is None else mask[i : i + 1, :, : q.shape[2], : q.shape[2]]
        made.append(sdpa_attention_forward(module, q, k, v, own, **options)[0])
    return torch.cat(made, dim=1)


def all_at_once(
    module: Any, heads: _Heads, mask: Tensor | None, layout: PackedLayout, options: Mapping[str, Any]
) -> Tensor:
    """The attention of all rows, padded for it alone, (1, tokens, heads, width)."""
    q, k, v = (_padded(each, layout) for each in heads)
    made, _ = sdpa_attention_forward(module, q, k, v, mask, **options)  # (rows, longest, heads, width)
    return made.flatten(0, 1).index_select(0, layout.places(q.device))[None]


def _padded(value: Tensor, layout: PackedLayout) -> Tensor:
    """(1, heads, tokens, width) as (rows, heads, longest, width)."""
    flat = value[0].transpose(0, 1)
    rows, longest = len(layout.lengths), layout.longest
    empty = flat.new_zeros(rows * longest, *flat.shape[1:])
    return empty.index_copy(0, layout.places(value.device), flat).unflatten(0, (rows, longest)).transpose(1, 2)


@contextmanager
def packing_attention(model: Any) -> Generator[None]:
    """While the block runs, the language model of `model` (without a PEFT model around it) takes packed batches."""
    AttentionInterface.register(_ATTENTION, packed_attention)
    AttentionMaskInterface.register(_ATTENTION, sdpa_mask)  # for batches that are not packed
    language = model.get_submodule(parts_of(model).language)
    before = language.config._attn_implementation
    language.set_attn_implementation(_ATTENTION)
    try:
        yield
    finally:
        language.set_attn_implementation(before)


def why_not_packed(model: Any, row: Mapping[str, Tensor]) -> str | None:
    """What keeps rows of this kind from being packed for this model; None where nothing is known to."""
    strange = sorted((PER_TOKEN & row.keys()) - _KNOWN)
    if strange:
        return f"its rows have `{strange[0]}`"
    language = model.get_submodule(parts_of(model).language)
    if getattr(language.config, "_attn_implementation", None) != "sdpa":
        return f"its attention is `{getattr(language.config, '_attn_implementation', None)}`, not `sdpa`"
    if not getattr(language, "_supports_attention_backend", False):
        return "its attention cannot be replaced"
    return None


def positions_of(model: Any, row: Mapping[str, Tensor]) -> Tensor:
    """The positions of one encoded row, as the model would work them out: (1, tokens), or (3, 1, tokens) with M-RoPE
    (Qwen2-VL: arXiv 2409.12191, section 2.1)."""
    length = row["input_ids"].shape[1]
    plain = torch.arange(length)[None]
    rope = getattr(model.model, "get_rope_index", None)
    if rope is None:
        return plain
    grid = row.get("image_grid_thw")
    if grid is None:
        return plain[None].expand(3, 1, -1)
    types = row.get("mm_token_type_ids")
    options = {} if types is None else {"mm_token_type_ids": types}
    made, _ = rope(row["input_ids"], image_grid_thw=grid, attention_mask=row["attention_mask"], **options)
    return made


def pack(rows: Sequence[Mapping[str, Tensor]], look_ahead: LookAhead | None = None) -> dict[str, Any]:
    """One packed batch of rows that have their `position_ids`: what has an entry a token is joined along the tokens,
    image tensors along their first dimension, and `LAYOUT` says where each row stands.

    `look_ahead` says which tokens of a row see what comes after them, told by its `token_type_ids`.
    """
    along = {"input_ids": 1, "labels": 1, "loss_weights": 1, POSITIONS: -1}
    batch: dict[str, Any] = {
        key: torch.cat([row[key] for row in rows], dim=dim) for key, dim in along.items() if key in rows[0]
    }
    images = [key for key in rows[0] if key not in batch and key not in PER_TOKEN and key != IMAGE_FEATURES]
    batch |= {key: join_images([row[key] for row in rows]) for key in images}
    blocks = torch.cat([_blocks(row, look_ahead) for row in rows]) if look_ahead is not None else None
    batch[LAYOUT] = PackedLayout(tuple(row["input_ids"].shape[1] for row in rows), blocks)
    return batch


def look_ahead(model: Any) -> LookAhead | None:
    """Which tokens see what comes after them in this model, if any do."""
    return look_ahead_of(model.config.model_type)


def _blocks(row: Mapping[str, Tensor], look_ahead: LookAhead) -> Tensor:
    types = row["token_type_ids"][0]
    if look_ahead == "prefix":
        return torch.where(types == 0, 0, -1)
    image = types == 1
    begins = image & ~torch.cat([image.new_zeros(1), image[:-1]])
    return torch.where(image, begins.long().cumsum(0) - 1, -1)
