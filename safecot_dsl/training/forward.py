"""One pass over a batch, with logits only where a label is: those of all else are most of a batch's memory."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn.functional import cross_entropy

from safecot_dsl.models.tensors import IGNORED
from safecot_dsl.training.head import summed_loss, without_head
from safecot_dsl.training.packing import IMAGE_FEATURES, LAYOUT
from safecot_dsl.training.weighting import LOSS_WEIGHTS

#: The keys of a batch's targets (rows, positions), of the positions whose logits predict them (positions,), and of
#: what each weighs.
TARGETS, PREDICTING, WEIGHTS = "targets", "predicting", "target_weights"


def with_targets(batch: Mapping[str, Any]) -> dict[str, Any]:
    """The batch with targets instead of labels: those positions that predict a labelled token in one of its rows. A
    token is predicted by the one before it."""
    targeted = dict(batch)
    target = targeted.pop("labels")[:, 1:]
    weights = targeted.pop(LOSS_WEIGHTS, None)
    predicting = (target != IGNORED).any(dim=0).nonzero().flatten()
    targeted[PREDICTING] = predicting
    targeted[TARGETS] = target[:, predicting]
    if weights is not None:
        targeted[WEIGHTS] = weights[:, 1:][:, predicting]
    return targeted


def step_weight(batch: Mapping[str, Any]) -> Tensor:
    """What the batch's targets weigh together, (): a token 1 where the batch has no weights."""
    return batch[WEIGHTS].sum() if WEIGHTS in batch else (batch[TARGETS] != IGNORED).sum()


def target_logits(model: Any, batch: Mapping[str, Any], base: Any) -> Tensor:
    """The logits of the positions that predict a batch's targets, (rows, positions, words). `model` may be wrapped, and
    `base` is the Transformers model in it."""
    inputs = {key: value for key, value in batch.items() if key not in (TARGETS, PREDICTING, WEIGHTS, IMAGE_FEATURES)}
    if IMAGE_FEATURES in batch:
        inputs["mm_encoder_outputs"] = {"image": batch[IMAGE_FEATURES]}
    if LAYOUT in batch:
        # Transformers hands a mask of four dimensions on as it is; without one it would make that of the whole batch.
        inputs["attention_mask"] = batch["input_ids"].new_zeros((1, 1, 1, 1))
    if "logits_to_keep" in inspect.signature(base.forward).parameters:
        return model(**inputs, logits_to_keep=batch[PREDICTING], use_cache=False).logits
    return model(**inputs, use_cache=False).logits[:, batch[PREDICTING]]


def target_loss_in_parts(model: Any, batch: Mapping[str, Any], base: Any, total: Tensor | float) -> Tensor:
    """The same as :func:`target_loss` of :func:`target_logits`, without all logits in memory at once."""
    with without_head(base) as head:
        hidden = target_logits(model, batch, base)
    return summed_loss(head, hidden, batch[TARGETS], batch.get(WEIGHTS)) / total


def target_loss(logits: Tensor, batch: Mapping[str, Any], total: Tensor | float) -> Tensor:
    """The sum of the targets' cross entropies by their weights, over `total`: nats."""
    losses = cross_entropy(
        logits.flatten(0, 1).float(), batch[TARGETS].flatten(), ignore_index=IGNORED, reduction="none"
    )
    if WEIGHTS in batch:
        losses = losses * batch[WEIGHTS].flatten()
    return losses.sum() / total
