"""Rows under way together: those that have ended leave, others join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class Slots:
    """Rows under way. Row i has the tokens `ids[i]` where `mask[i]` is 1 (padding on the left), of which all but the
    last are in the cache; `position[i]` is where the last one stands."""

    rows: list[int]
    ids: Tensor  # (rows, length)
    mask: Tensor  # (rows, length)
    position: Tensor  # (rows,)
    cache: Any
    written: list[list[int]]
    done: list[bool]

    @property
    def alive(self) -> list[int]:
        """The places of the rows that have not ended."""
        return [place for place, done in enumerate(self.done) if not done]


def kept(slots: Slots | None) -> Slots | None:
    """The rows that have not ended; what is padding in all of them is cut off on the left."""
    import torch

    if slots is None or all(slots.done):
        return None
    if not any(slots.done):
        return slots
    places = slots.alive
    chosen = torch.tensor(places, device=slots.mask.device)
    mask = slots.mask[chosen]
    start = int(mask.any(dim=0).int().argmax())
    for layer in slots.cache.layers:
        if layer.is_initialized:
            layer.replace(layer.keys[chosen, :, start:], layer.values[chosen, :, start:])
    return Slots(
        [slots.rows[place] for place in places],
        slots.ids[chosen, start:],
        mask[:, start:],
        slots.position[chosen],
        slots.cache,
        [slots.written[place] for place in places],
        [slots.done[place] for place in places],
    )


def joined(first: Slots | None, second: Slots | None, pad_id: int) -> Slots | None:
    """The rows of both, the shorter ones padded on the left."""
    import torch
    from torch.nn.functional import pad

    if first is None or second is None:
        return first or second
    longest = max(first.ids.shape[1], second.ids.shape[1])

    widths = (longest - first.ids.shape[1], longest - second.ids.shape[1])

    def both(one: Tensor, other: Tensor, filler: int) -> Tensor:
        return torch.cat([pad(t, (w, 0), value=filler) for t, w in zip((one, other), widths, strict=True)])

    def both_states(one: Tensor, other: Tensor) -> Tensor:
        return torch.cat([pad(t, (0, 0, w, 0)) for t, w in zip((one, other), widths, strict=True)])

    for layer, more in zip(first.cache.layers, second.cache.layers, strict=True):
        if layer.is_initialized:
            layer.replace(both_states(layer.keys, more.keys), both_states(layer.values, more.values))
    return Slots(
        first.rows + second.rows,
        both(first.ids, second.ids, pad_id),
        both(first.mask, second.mask, 0),
        torch.cat([first.position, second.position]),
        first.cache,
        first.written + second.written,
        first.done + second.done,
    )
