"""What a model sees in its images, worked out once: features of a vision part that no training changes."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers.utils.generic import ModelOutput

from safecot_dsl.models.families import parts_of
from safecot_dsl.models.precision import mixed_precision
from safecot_dsl.models.tensors import join_images
from safecot_dsl.storage import Progress
from safecot_dsl.training.processes import process_count, rank, wait_for_all
from safecot_dsl.training.rows import EncodedRows
from safecot_dsl.training.tensor_cache import TensorCache

_NOT_FEATURES = ("last_hidden_state", "hidden_states", "attentions")
#: A tensor, a list of them (one an image), or a list of such lists (one a layer that features are taken from).
Nested = Any


@dataclass
class FeatureOutput(ModelOutput):
    """What `get_image_features` of a Transformers model gives its language model."""

    pooler_output: Nested = None
    deepstack_features: Nested = None


def why_not_cached(model: Any) -> str | None:
    """What keeps image features of this model (without a PEFT model around it) from being worked out beforehand; None
    where nothing does."""
    if not hasattr(model, "get_image_features"):
        return "it has no `get_image_features`"
    if "mm_encoder_outputs" not in inspect.signature(model.forward).parameters:
        return "its forward takes no `mm_encoder_outputs` (Transformers from 5.23 on)"
    parts = parts_of(model)
    for part in filter(None, (parts.vision, parts.projector)):
        if any(parameter.requires_grad for parameter in model.get_submodule(part).parameters()):
            return f"`{part}` is trained"
    return None


def image_inputs(model: Any, row: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those tensors of an encoded row that its image features hang on; none for a row without images."""
    taken = inspect.signature(model.get_image_features).parameters
    return {key: value for key, value in row.items() if key in taken} if "pixel_values" in row else {}


def content_key(inputs: Mapping[str, Tensor]) -> str:
    """Names image tensors by what is in them."""
    digest = hashlib.sha256()
    for name in sorted(inputs):
        value = inputs[name].contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\0".encode())
        digest.update(value.view(torch.uint8).numpy().data if value.numel() else b"")
    return digest.hexdigest()


def compute_features(model: Any, rows: Sequence[Mapping[str, Tensor]]) -> list[FeatureOutput]:
    """The image features of rows whose image tensors are of one shape, worked out together.

    Raises:
        ValueError: the model gives features that cannot be told apart by rows, or of an unknown kind.
    """
    device = model.device
    inputs = {key: join_images([row[key] for row in rows]).to(device) for key in rows[0]}
    with torch.no_grad(), mixed_precision(model):
        made = model.get_image_features(**inputs, return_dict=True)
    fields = {key: value for key, value in made.items() if key not in _NOT_FEATURES and value is not None}
    unknown = fields.keys() - {"pooler_output", "deepstack_features"}
    if unknown or not isinstance(fields.get("pooler_output"), Tensor | tuple | list):
        raise ValueError(f"its image features are of an unknown kind ({', '.join(sorted(fields))})")
    split = {key: _split(value, len(rows)) for key, value in fields.items()}
    return [FeatureOutput(**{key: parts[i] for key, parts in split.items()}) for i in range(len(rows))]


def _split(value: Nested, rows: int) -> list[Nested]:
    """The rows' equal shares of features: of the first dimension, or of the images."""
    if not isinstance(value, Tensor) and len(value) and not isinstance(value[0], Tensor):
        return [list(layers) for layers in zip(*(_split(layer, rows) for layer in value), strict=True)]
    if len(value) % rows:
        raise ValueError(f"features of {len(value)} images for {rows} rows")
    size = len(value) // rows
    parts = [value[start : start + size] for start in range(0, len(value), size)]
    return [part.cpu() if isinstance(part, Tensor) else [each.cpu() for each in part] for part in parts]


def join_features(parts: Sequence[FeatureOutput]) -> FeatureOutput:
    """The features of several rows in their order, as the model gives those of a batch."""
    return FeatureOutput(**{key: _join([part[key] for part in parts]) for key in parts[0]})


def _join(values: Sequence[Nested]) -> Nested:
    first = values[0]
    if isinstance(first, Tensor):
        return torch.cat(list(values))
    if first and not isinstance(first[0], Tensor):
        return [_join(layers) for layers in zip(*values, strict=True)]
    return [each for value in values for each in value]


def _flat(features: FeatureOutput) -> dict[str, Tensor]:
    return {"/".join(path): value for key in features for path, value in _leaves(features[key], (key,))}


def _leaves(value: Nested, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Tensor]]:
    if isinstance(value, Tensor):
        yield path, value
    else:
        for i, each in enumerate(value):
            yield from _leaves(each, (*path, str(i)))


def _nested(flat: Mapping[str, Tensor]) -> FeatureOutput:
    fields: dict[str, Nested] = {}
    for name in sorted(flat, key=lambda name: [int(part) if part.isdigit() else -1 for part in name.split("/")]):
        key, *path = name.split("/")
        if not path:
            fields[key] = flat[name]
            continue
        lists = fields.setdefault(key, [])
        for part in path[:-1]:
            while len(lists) <= int(part):
                lists.append([])
            lists = lists[int(part)]
        lists.append(flat[name])
    return FeatureOutput(**fields)


class CachedFeatures:
    """The image features of all rows, by what is in their images."""

    def __init__(self, kept: TensorCache, keys: list[str | None]) -> None:
        self._kept = kept
        self._keys = keys

    def of(self, row: int) -> FeatureOutput | None:
        """The features of a row's images; None for a row without.

        Raises:
            FileNotFoundError: the kept features were removed meanwhile.
        """
        key = self._keys[row]
        if key is None:
            return None
        found = self._kept.get(key)
        if found is None:
            raise FileNotFoundError(f"the kept image features `{key}` are gone")
        return _nested(found)


def cache_features(
    model: Any, rows: EncodedRows, *, batch_size: int, folder: Path, in_memory: int, progress: Progress
) -> CachedFeatures:
    """Work out the features of all distinct images of the rows, `batch_size` rows at a time.

    They are kept in `folder`, and in memory up to so many bytes. What is there already is not worked out again, and
    batches do not depend on it, so a run that was killed comes to the same numbers. Several processes share the work.
    """
    kept = TensorCache(folder, in_memory)
    keys: list[str | None] = []
    groups: dict[tuple[Any, ...], list[list[int]]] = {}
    seen: set[str] = set()
    progress.start("looking at images", len(rows), unit="rows")
    for i in range(len(rows)):
        inputs = image_inputs(model, rows[i])
        key = content_key(inputs) if inputs else None
        keys.append(key)
        progress.advance()
        if key is None or key in seen:
            continue
        seen.add(key)
        batches = groups.setdefault(tuple((name, value.shape) for name, value in inputs.items()), [[]])
        if len(batches[-1]) == batch_size:
            batches.append([])
        batches[-1].append(i)
    every = [batch for batches in groups.values() for batch in batches]
    own = every[rank() :: process_count()]
    progress.start("image features", sum(map(len, own)), unit="images")
    was_training = model.training
    model.eval()
    for batch in own:
        wanted = [keys[i] or "" for i in batch]
        if not all(key in kept for key in wanted):
            made = compute_features(model, [image_inputs(model, rows[i]) for i in batch])
            for key, features in zip(wanted, made, strict=True):
                kept.put(key, _flat(features))
        progress.advance(len(batch))
    model.train(was_training)
    wait_for_all()
    return CachedFeatures(kept, keys)
