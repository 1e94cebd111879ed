"""What the vision part makes of an image, made once for requests that show the same one.

Suites ask many things of one picture (paraphrases, attacks, twins, several policies). The features of a picture depend
on nothing but its pixels, so they are kept until the last request that needs them has been read.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from safecot_dsl.models.tensors import PER_TOKEN, collate, placed

if TYPE_CHECKING:
    from torch import Tensor

Images = tuple[bytes, ...]
#: Lists with one entry an image (or a tensor with one row an image): the last layer's features, then others.
_Features = list[Any]

#: What the features stand in for.
PIXELS = frozenset({"pixel_values", "pixel_attention_mask"})
_MAX_BYTES = 1 << 30  # kept at once; what does not fit is made again


def shared_features(model: Any, pad_id: int, images: Sequence[Images]) -> ImageFeatures | None:
    """Features for requests with these images; None where no two show the same, or where the model takes none that
    were made before."""
    uses = Counter(shown for shown in images if shown)
    if all(count == 1 for count in uses.values()):
        return None
    takes = "mm_encoder_outputs" in inspect.signature(model.forward).parameters
    makes = hasattr(getattr(model, "base_model", None), "get_image_features")
    return ImageFeatures(model, pad_id, uses) if takes and makes else None


class ImageFeatures:
    """The features of one model, by images; `made` counts the requests whose images went through the vision part."""

    def __init__(self, model: Any, pad_id: int, uses: Mapping[Images, int]) -> None:
        """`uses` says how many requests show the same images, in the same order."""
        self.made = 0
        self._model = model
        self._pad_id = pad_id
        self._left = Counter(uses)
        self._kept: dict[Images, _Features] = {}
        self._bytes = 0
        self._type: Any = None

    def outputs(self, images: Sequence[Images], encoded: Sequence[Mapping[str, Tensor]]) -> dict[str, Any]:
        """What a model takes in place of the pixels of encoded requests that have as many images each."""
        fresh = {shown: row for shown, row in zip(images, encoded, strict=True) if shown not in self._kept}
        made = self._kept | dict(zip(fresh, self._make(len(images[0]), list(fresh.values())), strict=True))
        for shown in images:
            self._settle(shown, made[shown])
        lists = [_together(parts) for parts in zip(*(made[shown] for shown in images), strict=True)]
        fields: dict[str, Any] = {"pooler_output": lists[0]}
        if len(lists) > 1:
            fields["deepstack_features"] = lists[1:]
        return {"image": self._type(**fields)}

    def _settle(self, shown: Images, features: _Features) -> None:
        """Keep the features while requests that need them are left."""
        self._left[shown] -= 1
        size = _size(features)
        if shown in self._kept:
            if not self._left[shown]:
                del self._kept[shown]
                self._bytes -= size
        elif self._left[shown] and self._bytes + size <= _MAX_BYTES:
            self._kept[shown] = features
            self._bytes += size

    def _make(self, count: int, encoded: Sequence[Mapping[str, Tensor]]) -> list[_Features]:
        """The features of encoded requests with `count` images each."""
        if not encoded:
            return []
        self.made += len(encoded)
        lists = self._forward(encoded)
        if all(len(found) == count * len(encoded) for found in lists):
            return [[found[i * count : (i + 1) * count] for found in lists] for i in range(len(encoded))]
        # Pictures in tiles: which are whose is told by showing them alone.
        return [self._forward([row]) for row in encoded]

    def _forward(self, encoded: Sequence[Mapping[str, Tensor]]) -> _Features:
        inputs = collate(encoded, pad_id=self._pad_id, side="left")
        make = self._model.base_model.get_image_features
        takes = inspect.signature(make).parameters.keys() - PER_TOKEN
        given = placed(self._model, {name: inputs[name] for name in takes & inputs.keys()})
        output = make(**given, return_dict=True)
        self._type = type(output)
        # `deepstack_features` (Qwen3-VL) are one such list for each of some middle layers.
        return [output.pooler_output, *(output.get("deepstack_features") or ())]


def _together(parts: Sequence[Any]) -> Any:
    import torch

    if isinstance(parts[0], torch.Tensor):
        return torch.cat(list(parts))
    return [feature for part in parts for feature in part]


def _size(features: _Features) -> int:
    return sum(feature.numel() * feature.element_size() for found in features for feature in found)
