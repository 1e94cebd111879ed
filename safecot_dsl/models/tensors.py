"""Encoded requests, made longer and put together into batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor

# Tensors (1, tokens, …), with one entry a token; all others have one entry an image, a patch or a row.
PER_TOKEN = frozenset({"input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids", "cross_attention_mask"})
IGNORED = -100  # a label without loss, as in torch's cross entropy


def append_tokens(row: Mapping[str, Tensor], ids: Sequence[int], answer_type: int | None = None) -> dict[str, Tensor]:
    """The tensors of a prompt with text tokens after it: of (1, tokens), (1, tokens + ids).

    They are treated as the prompt's last token is, but for their `token_type_ids` where `answer_type` is given.
    """
    import torch

    longer = dict(row)
    for key in PER_TOKEN & row.keys():
        last = row[key][:, -1:]
        if key == "token_type_ids" and answer_type is not None:
            last = torch.full_like(last, answer_type)
        more = torch.tensor([list(ids)]) if key == "input_ids" else last.repeat(1, len(ids), *[1] * (last.ndim - 2))
        longer[key] = torch.cat([row[key], more], dim=1)
    return longer


def collate(rows: Sequence[Mapping[str, Tensor]], *, pad_id: int, side: Literal["left", "right"]) -> dict[str, Tensor]:
    """One batch of encoded rows, all of them with the same number of images.

    Tensors with an entry a token, `labels` and `loss_weights` among them, are padded on `side` to (rows, longest);
    image tensors are padded with zeros to the largest in each dimension but the first, as their processors do, and
    joined along the first.
    """
    import torch

    longest = max(row["input_ids"].shape[1] for row in rows)
    fillers = dict.fromkeys(PER_TOKEN, 0) | {"input_ids": pad_id, "labels": IGNORED, "loss_weights": 0}
    batch: dict[str, Tensor] = {}
    for key in rows[0]:
        values = [row[key] for row in rows]
        if key in fillers:
            values = [_padded(value, (longest, *value.shape[2:]), fillers[key], side) for value in values]
            batch[key] = torch.cat(values)
        else:
            batch[key] = join_images(values)
    return batch


def join_images(values: Sequence[Tensor]) -> Tensor:
    """Rows' image tensors of one kind joined along the first dimension, and padded with zeros in the others: of
    (images, ...) each, (all images, ...)."""
    import torch

    if len({value.shape[1:] for value in values}) > 1:
        largest = tuple(max(sizes) for sizes in zip(*(value.shape[1:] for value in values), strict=True))
        values = [_padded(value, largest, 0, "right") for value in values]
    return torch.cat(list(values))


def _padded(value: Tensor, sizes: Sequence[int], filler: int, side: str) -> Tensor:
    """`value` padded to `sizes` in all dimensions but the first."""
    from torch.nn.functional import pad

    if tuple(value.shape[1:]) == tuple(sizes):
        return value
    widths: list[int] = []
    for have, want in zip(reversed(value.shape[1:]), reversed(sizes), strict=True):  # `pad` begins at the last one
        widths += (want - have, 0) if side == "left" else (0, want - have)
    return pad(value, widths, value=filler)


def placed(model: Any, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on the model's device, numbers with a fraction in its precision."""
    device, dtype = model.device, model.dtype
    return {k: v.to(device, dtype) if v.is_floating_point() else v.to(device) for k, v in inputs.items()}
