"""Keys and values that grow in place, for Transformers' `generate`.

Its own cache is copied whole for every token. On a small model that is a third of all the time that long answers take,
on a large one it doubles what is read and written a step. Here there is room for the next tokens, and a copy is made
once in so many.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_ROOM = 64  # tokens


def growing_cache(model: Any) -> dict[str, Any]:
    """An empty cache as `generate` of this model takes it, by name; nothing for a model that keeps anything else than
    keys and values of every token (linear attention, an encoder)."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    plain = (DynamicLayer, DynamicSlidingWindowLayer)
    layers = DynamicCache(config=model.config).layers
    if model.config.is_encoder_decoder or any(type(layer) not in plain for layer in layers):
        return {}
    made = DynamicCache()
    made.layer_class_to_replicate = layer_class()
    name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
    return {name: made, "cache_implementation": None}  # whichever the model's own settings name is not taken with it


@cache
def layer_class() -> type[Any]:
    """One layer's keys and values (rows, heads, tokens, width) in `keys` and `values`."""
    from transformers.cache_utils import DynamicLayer

    class GrowingLayer(DynamicLayer):
        room: tuple[Tensor, Tensor] | None = None
        keys: Any
        values: Any

        def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
                self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
            length, new = self.keys.shape[-2], key_states.shape[-2]
            if self.room is None or length + new > self.room[0].shape[-2]:
                self.room = (_with_room(self.keys, new), _with_room(self.values, new))
            keys, values = self.room
            keys[:, :, length : length + new] = key_states
            values[:, :, length : length + new] = value_states
            self.keys, self.values = keys[:, :, : length + new], values[:, :, : length + new]
            return self.keys, self.values

    return GrowingLayer


def _with_room(states: Tensor, new: int) -> Tensor:
    rows, heads, length, width = states.shape
    made = states.new_empty((rows, heads, length + new + _ROOM, width))
    made[:, :, :length] = states
    return made
