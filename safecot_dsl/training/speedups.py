"""What makes a run faster without changing what it computes; each of them tried on the run's own rows first."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from accelerate.utils.operations import send_to_device
from torch import Tensor

from safecot_dsl.models.families import LookAhead
from safecot_dsl.models.precision import mixed_precision
from safecot_dsl.models.tensors import IGNORED, collate
from safecot_dsl.storage import Progress
from safecot_dsl.training.features import (
    CachedFeatures,
    cache_features,
    compute_features,
    image_inputs,
    join_features,
    why_not_cached,
)
from safecot_dsl.training.forward import TARGETS, target_logits, with_targets
from safecot_dsl.training.fused import fused_lora
from safecot_dsl.training.head import why_not_in_parts, without_head
from safecot_dsl.training.packing import (
    IMAGE_FEATURES,
    POSITIONS,
    look_ahead,
    pack,
    packing_attention,
    positions_of,
    why_not_packed,
)
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.rows import IN_MEMORY, EncodedRows

# How far logits may lie from those of the plain batch, as a share of their norm: rounding, and nothing else.
_TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 3e-2, torch.float16: 1e-2}


@dataclass
class UsedSpeedups:
    """Which speed-ups a run used, and why not the others."""

    padding_free: bool = False
    cached_features: bool = False
    fused_layers: int = 0
    loss_in_parts: bool = False
    reasons: dict[str, str] = field(default_factory=dict[str, str])


class Batches:
    """Rows as the trainer takes them, with their image features and positions, and how they are put together."""

    def __init__(self, model: Any, rows: EncodedRows, pad_id: int) -> None:
        self._model, self._rows, self._pad_id = model, rows, pad_id
        self._features: CachedFeatures | None = None
        self._texts: list[dict[str, Tensor]] | None = None
        self._packed = False
        self._look_ahead: LookAhead | None = look_ahead(model)
        self.names, self.images, self.lengths = rows.names, rows.images, rows.lengths

    @property
    def is_even(self) -> bool:
        return self._rows.is_even

    @property
    def in_memory(self) -> bool:
        return self._texts is not None or self._rows.in_memory

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row: dict[str, Any] = dict(self._rows[index] if self._texts is None else self._texts[index])
        features = self._features.of(index) if self._features is not None else None
        return row if features is None else row | {IMAGE_FEATURES: features}

    def use_features(self, folder: Path, *, batch_size: int, progress: Progress) -> str | None:
        """Give rows their image features, kept in `folder`, instead of what these are made from; why not, if it cannot
        be."""
        try:
            self._features = cache_features(
                self._model, self._rows, batch_size=batch_size, folder=folder, in_memory=IN_MEMORY, progress=progress
            )
        except ValueError as error:
            return str(error)
        self._texts = [
            _without_pixels(self._prepared(self._rows[i]) if self._packed else self._rows[i])
            for i in range(len(self._rows))
        ]
        self._rows.release()
        return None

    def use_packing(self) -> None:
        """Make packed batches."""
        self._packed = True

    def plain(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A padded batch, whatever is used."""
        rest = [{key: value for key, value in row.items() if key not in (IMAGE_FEATURES, POSITIONS)} for row in rows]
        return self._aimed(collate(rest, pad_id=self._pad_id, side="right"), rows)

    def packed(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A packed batch, whatever is used."""
        return self._aimed(pack([self._prepared(row) for row in rows], self._look_ahead), rows)

    def together(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The batch of these rows."""
        return self.packed(rows) if self._packed else self.plain(rows)

    def _prepared(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return dict(row) if POSITIONS in row else {**row, POSITIONS: positions_of(self._model, row)}

    def _aimed(self, batch: dict[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        features = [row[IMAGE_FEATURES] for row in rows if IMAGE_FEATURES in row]
        targeted = with_targets(batch)
        return targeted | {IMAGE_FEATURES: join_features(features)} if features else targeted


@contextmanager
def pulled_levers(
    model: Any, rows: EncodedRows, recipe: TrainingRecipe, *, pad_id: int, folder: Path, progress: Progress
) -> Generator[tuple[Batches, UsedSpeedups]]:
    """While the block runs, `model` (a PEFT one) computes as fast as it may: with those speed-ups that the recipe
    allows, that its family takes, and that gave the plain batch's logits on the longest and the shortest rows.

    A speed-up that is wanted and does not fit is said in a note, and its reason is in `UsedSpeedups`. Image features
    are kept in `folder` meanwhile.
    """
    base = model.get_base_model()
    batches, used = Batches(base, rows, pad_id), UsedSpeedups()
    trial = _SpeedupTrial(model, batches)
    with ExitStack() as stack:
        if recipe.fused_lora:
            used.fused_layers = stack.enter_context(fused_lora(model))
        if recipe.padding_free:
            with ExitStack() as attention:
                reason = why_not_packed(base, rows[0])
                if reason is None:
                    attention.enter_context(packing_attention(base))
                    reason = trial.of_packing()
                if reason is None:
                    stack.push(attention.pop_all())
                    batches.use_packing()
            used.padding_free = reason is None
            _say(used, "padding_free", reason, progress)
        if recipe.cache_image_features and any(rows.images):
            reason = why_not_cached(base) or trial.of_features(base)
            if reason is None:
                size = recipe.per_device_train_batch_size
                reason = batches.use_features(folder, batch_size=size, progress=progress)
            used.cached_features = reason is None
            _say(used, "cache_image_features", reason, progress)
        # No setting: it saves memory and changes nothing, and where it does not fit there is little to be saved.
        used.loss_in_parts = why_not_in_parts(base) is None and trial.of_parts(base) is None
        yield batches, used


def _say(used: UsedSpeedups, speedup: str, reason: str | None, progress: Progress) -> None:
    if reason is not None:
        used.reasons[speedup] = reason
        progress.note(f"`{speedup}` is of no use with this model: {reason}")


class _SpeedupTrial:
    """Two rows on which speed-ups are tried: the longest, with images if there are any, and the shortest with as
    many."""

    def __init__(self, model: Any, batches: Batches) -> None:
        numbers = range(len(batches))
        longest = max(numbers, key=lambda i: (batches.images[i] > 0, batches.lengths[i], -i))
        like = [i for i in numbers if batches.images[i] == batches.images[longest]]
        shortest = min(like, key=lambda i: (batches.lengths[i], i))
        self._model, self._batches = model, batches
        self._rows = [batches[longest], batches[shortest]]
        self._plain = _logits(model, batches.plain(self._rows))

    def of_packing(self) -> str | None:
        """What is different when the rows are packed; None where nothing is.

        The logits of both must be those of the padded batch, and those of the second must not change at all when the
        first becomes another.
        """
        first, second = self._rows
        other = {**first, "input_ids": _changed(first["input_ids"], first["labels"])}
        try:
            packed = _logits(self._model, self._batches.packed([first, second]))
            beside = _logits(self._model, self._batches.packed([other, second]))
        except Exception as error:  # a family's own code may fail in any way on what it does not know
            return f"{type(error).__name__}: {error}"
        own = int((second["labels"][:, 1:] != IGNORED).sum())
        if not torch.equal(packed[-own:], beside[-own:]):
            return "one row would see another"
        return self._distance(packed)

    def of_features(self, base: Any) -> str | None:
        """What is different when the rows' image features are worked out beforehand; None where nothing is."""
        try:
            features = [compute_features(base, [image_inputs(base, row)])[0] for row in self._rows]
            rows = [
                {**_without_pixels(row), IMAGE_FEATURES: each} for row, each in zip(self._rows, features, strict=True)
            ]
            seen = _logits(self._model, self._batches.plain(rows))
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return self._distance(seen)

    def of_parts(self, base: Any) -> str | None:
        """What is different when logits are made outside of the model; None where nothing is."""
        batch = self._batches.plain(self._rows)
        try:
            with without_head(base) as head:
                hidden = _logits(self._model, batch)
            with torch.no_grad():
                return self._distance(head(hidden.to(head.weight.dtype)).float())
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def _distance(self, logits: Tensor) -> str | None:
        distance = float((logits - self._plain).norm() / self._plain.norm())
        if distance <= _TOLERANCE.get(self._model.dtype, 1e-4):
            return None
        return f"its logits would differ by {distance:.1e} of their size"


def _without_pixels(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without what only its image features are made from."""
    return {key: value for key, value in row.items() if not key.startswith("pixel")}


def _changed(ids: Tensor, labels: Tensor) -> Tensor:
    """The row with its completion's tokens in the opposite order."""
    changed = ids.clone()
    learnt = int((labels != IGNORED).sum())
    changed[0, -learnt:] = ids[0, -learnt:].flip(0)
    return changed


def _logits(model: Any, batch: Mapping[str, Any]) -> Tensor:
    """The logits of a batch's targets, row after row: (targets, words), float32."""
    was_training = model.training
    model.eval()
    placed: Any = cast("Any", send_to_device)(dict(batch), model.device)
    with torch.no_grad(), mixed_precision(model):
        logits = target_logits(model, placed, model.get_base_model())
    model.train(was_training)
    return logits[placed[TARGETS] != IGNORED].float()
