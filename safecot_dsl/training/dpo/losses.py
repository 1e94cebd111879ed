"""The losses of preference training, as sums, from the log-probabilities of chosen and rejected texts.

Names and formulae are those of TRL 1.16. Left out are the losses that are no sum over pairs (`aot`, `aot_unpaired` sort
the pairs of a batch, so that how a step is cut into batches would change it) and `discopop`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safecot_dsl.training.dpo.settings import DpoSettings, LossType

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class LogProbs:
    """Of a batch of pairs, each (pairs,): the sums of log-probabilities of a text's tokens in nats, by the model and by
    the reference, and how many tokens these are."""

    chosen: Tensor
    rejected: Tensor
    reference_chosen: Tensor
    reference_rejected: Tensor
    chosen_tokens: Tensor
    rejected_tokens: Tensor

    @property
    def chosen_ratio(self) -> Tensor:
        """How much likelier the chosen text has become, in nats."""
        return self.chosen - self.reference_chosen

    @property
    def rejected_ratio(self) -> Tensor:
        return self.rejected - self.reference_rejected

    @property
    def margin(self) -> Tensor:
        return self.chosen_ratio - self.rejected_ratio


def preference_loss(probs: LogProbs, settings: DpoSettings, pairs: Tensor, tokens: Tensor) -> Tensor:
    """The weighted sum of the losses that `settings` name, each a sum over the batch divided by its whole step's number
    of `pairs` (`sft`: of the chosen texts' `tokens`), so that a step's batches add up to the step's mean."""
    total = probs.chosen.new_zeros(())
    for name, weight in settings.weighted_losses:
        summed = -probs.chosen.sum() / tokens if name == "sft" else _PAIRED[name](probs, settings).sum() / pairs
        total = total + weight * summed
    return total


def _sigmoid(probs: LogProbs, settings: DpoSettings) -> Tensor:
    """DPO (arXiv 2305.18290, eq. 7)."""
    return -_log_sigmoid(settings.beta * probs.margin)


def _hinge(probs: LogProbs, settings: DpoSettings) -> Tensor:
    """SLiC (arXiv 2305.10425), on the ratios (arXiv 2309.06657)."""
    return (1 - settings.beta * probs.margin).relu()


def _mean_margin(probs: LogProbs) -> Tensor:
    return probs.chosen_ratio / probs.chosen_tokens - probs.rejected_ratio / probs.rejected_tokens


def _ipo(probs: LogProbs, settings: DpoSettings) -> Tensor:
    """IPO (arXiv 2310.12036, eq. 17), on means over tokens; `beta` is its τ."""
    return (_mean_margin(probs) - 1 / (2 * settings.beta)) ** 2


def _sigmoid_norm(probs: LogProbs, settings: DpoSettings) -> Tensor:
    """DPO on means over tokens, which a longer text does not move more than a short one."""
    return -_log_sigmoid(settings.beta * _mean_margin(probs))


def _exo_pair(probs: LogProbs, settings: DpoSettings) -> Tensor:
    """EXO (arXiv 2402.00856, eq. 16)."""
    scaled, smoothing = settings.beta * probs.margin, settings.label_smoothing
    right = scaled.sigmoid() * (_log_sigmoid(scaled) - math.log1p(-smoothing))
    return right + (-scaled).sigmoid() * (_log_sigmoid(-scaled) - math.log(smoothing))


def _nca_pair(probs: LogProbs, settings: DpoSettings) -> Tensor:
    """NCA (arXiv 2402.05369)."""
    chosen, rejected = settings.beta * probs.chosen_ratio, settings.beta * probs.rejected_ratio
    return -_log_sigmoid(chosen) - 0.5 * _log_sigmoid(-chosen) - 0.5 * _log_sigmoid(-rejected)


def _robust(probs: LogProbs, settings: DpoSettings) -> Tensor:
    """Robust DPO (arXiv 2403.00409): pairs are the wrong way round with the probability `label_smoothing`."""
    scaled, flipped = settings.beta * probs.margin, settings.label_smoothing
    return (flipped * _log_sigmoid(-scaled) - (1 - flipped) * _log_sigmoid(scaled)) / (1 - 2 * flipped)


def _bco_pair(probs: LogProbs, settings: DpoSettings) -> Tensor:
    """BCO (arXiv 2404.04656) without its moving average, as MPO (arXiv 2411.10442) is trained by TRL."""
    return -_log_sigmoid(settings.beta * probs.chosen_ratio) - _log_sigmoid(-settings.beta * probs.rejected_ratio)


def _sppo_hard(probs: LogProbs, settings: DpoSettings) -> Tensor:
    """SPPO (arXiv 2405.00675, eq. 4.7) with the probabilities 1 and 0."""
    target = 0.5 / settings.beta
    return (probs.chosen_ratio - target) ** 2 + (probs.rejected_ratio + target) ** 2


def _apo_zero(probs: LogProbs, settings: DpoSettings) -> Tensor:
    """APO (arXiv 2408.06266, eq. 7): for chosen texts that are better than what the model says."""
    beta = settings.beta
    return 1 - (beta * probs.chosen_ratio).sigmoid() + (beta * probs.rejected_ratio).sigmoid()


def _apo_down(probs: LogProbs, settings: DpoSettings) -> Tensor:
    """APO (arXiv 2408.06266, eq. 8): for chosen texts that are worse than what the model says."""
    beta = settings.beta
    return (beta * probs.chosen_ratio).sigmoid() + 1 - (beta * probs.margin).sigmoid()


def _log_sigmoid(value: Tensor) -> Tensor:
    from torch.nn.functional import logsigmoid

    return logsigmoid(value)


_PAIRED: dict[LossType, Callable[[LogProbs, DpoSettings], Tensor]] = {
    "sigmoid": _sigmoid,
    "hinge": _hinge,
    "ipo": _ipo,
    "exo_pair": _exo_pair,
    "nca_pair": _nca_pair,
    "robust": _robust,
    "bco_pair": _bco_pair,
    "sppo_hard": _sppo_hard,
    "apo_zero": _apo_zero,
    "apo_down": _apo_down,
    "sigmoid_norm": _sigmoid_norm,
}
