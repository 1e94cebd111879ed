"""How likely texts are to a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn.functional import cross_entropy

from safecot_dsl.models.tensors import IGNORED
from safecot_dsl.training.forward import TARGETS, target_logits, with_targets


def text_logprobs(model: Any, batch: Mapping[str, Any], base: Any) -> tuple[Tensor, Tensor]:
    """The sums of rows' labelled tokens' log-probabilities in nats, float32 (rows,), and how many these are, (rows,).

    `batch` is a collated one with `labels`; `model` may be wrapped, `base` is the Transformers model in it.
    """
    targeted = with_targets(batch)
    logits, targets = target_logits(model, targeted, base), targeted[TARGETS]
    losses = cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="none")
    return -losses.view_as(targets).sum(dim=1), (targets != IGNORED).sum(dim=1)
