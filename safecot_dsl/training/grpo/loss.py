"""The loss of group-relative policy optimisation: DeepSeekMath, arXiv 2402.03300, equations 3 and 4."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from safecot_dsl.models.tensors import IGNORED
from safecot_dsl.training.grpo.settings import GrpoSettings

if TYPE_CHECKING:
    from torch import Tensor

#: Added to the standard deviation that advantages are divided by, as in TRL.
_SMALL = 1e-4


def advantages(rewards: Tensor, settings: GrpoSettings) -> Tensor:
    """By how much each answer is better than its group; `rewards` and the result (groups, answers of each)."""
    import torch

    better = rewards - rewards.mean(dim=1, keepdim=True)
    if settings.scale_rewards == "none":
        return better
    spread = rewards.std(dim=1, keepdim=True) if settings.scale_rewards == "group" else rewards.std()
    return better / (torch.as_tensor(spread) + _SMALL)


def log_probabilities(model: Any, inputs: dict[str, Tensor], temperature: float) -> tuple[Tensor, Tensor]:
    """Of each token, given those before it: its log probability (nats), and the entropy of what might stand there
    (nats, without gradient); both (rows, tokens - 1), and 0 where `labels` are `IGNORED`."""
    import torch

    inputs = dict(inputs)
    target = inputs.pop("labels")[:, 1:]
    counted = target != IGNORED
    begin, end = _span(counted.any(dim=0))
    # Of images and requests, most of a batch's tokens, no logits are made where the family can leave them out.
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    if "logits_to_keep" in inspect.signature(base.forward).parameters:
        kept = torch.arange(begin, end, device=target.device)
        logits = model(**inputs, logits_to_keep=kept, use_cache=False).logits
    else:
        logits = model(**inputs, use_cache=False).logits[:, begin:end]
    scores = logits[counted[:, begin:end]].float() / temperature
    log = torch.log_softmax(scores, dim=-1)
    chosen = log.gather(1, target[counted].unsqueeze(1)).squeeze(1)
    with torch.no_grad():
        entropy = -(log.exp() * log).sum(dim=1)
    nothing = torch.zeros(target.shape, device=log.device)
    return nothing.masked_scatter(counted, chosen), nothing.masked_scatter(counted, entropy)


def _span(any_counted: Tensor) -> tuple[int, int]:
    """Where the places begin at which any row has a token that counts, and where they end."""
    places = any_counted.nonzero().flatten()
    return int(places[0]), int(places[-1]) + 1


def token_losses(
    log: Tensor, before: Tensor, reference: Tensor | None, advantage: Tensor, settings: GrpoSettings
) -> tuple[Tensor, Tensor]:
    """What each token loses, and which tokens' ratios were clipped; all (rows, tokens), `advantage` (rows,).

    `log` are the log probabilities now, `before` those when the answers were drawn, and `reference` those where the
    training started. The divergence is weighed by the ratio, without which its gradient would not be that of the
    divergence (DeepSeek-V3.2, arXiv 2512.02556; TRL's `use_bias_correction_kl`).
    """
    import torch

    better = advantage.unsqueeze(1)
    ratio = torch.exp(log - before)
    high = settings.epsilon if settings.epsilon_high is None else settings.epsilon_high
    clipped = ratio.clamp(1 - settings.epsilon, 1 + high)
    losses = -torch.minimum(ratio * better, clipped * better)
    if reference is not None:
        losses = losses + settings.beta * ratio * divergence(log, reference)
    return losses, ((ratio < clipped) & (better < 0)) | ((ratio > clipped) & (better > 0))


def divergence(log: Tensor, reference: Tensor) -> Tensor:
    """The estimate of the divergence at each token (nats, never negative), Schulman's k3:
    http://joschu.net/blog/kl-approx.html."""
    difference = reference - log
    return difference.exp() - difference - 1


def summed(losses: Tensor, weights: Tensor, answers: int, tokens: float, settings: GrpoSettings) -> Tensor:
    """A batch's part of the step's loss; `losses` and `weights` (rows, tokens), `answers` and `tokens` (the sum of all
    weights) are the whole step's."""
    weighed = losses * weights
    match settings.loss_type:
        case "grpo":
            return (weighed.sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)).sum() / answers
        case "dr_grpo":
            return weighed.sum() / (answers * settings.max_completion_length)
        case "dapo":
            return weighed.sum() / max(tokens, 1e-9)
