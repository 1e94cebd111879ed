"""The trainer's step on preference pairs.

TRL's `DPOTrainer` (1.16) is not used for it. With images it cannot keep the reference's log-probabilities, and runs the
reference again in every step, which then takes 2.3 times as long (`benchmarks/objectives/LOG.md`, where what comes
before the first step is counted, too); it encodes prompts in its own way, and goes on through a loss that is not a
number. Loss and gradient are equal to its own, which a test shows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from safecot_dsl.models.tensors import IGNORED
from safecot_dsl.training.dpo.logprobs import text_logprobs
from safecot_dsl.training.dpo.losses import LogProbs, preference_loss
from safecot_dsl.training.dpo.pairs import REFERENCE
from safecot_dsl.training.dpo.settings import DpoSettings
from safecot_dsl.training.trainer import CompletionTrainer

#: What is logged besides the loss, under TRL's names; each the mean over the pairs since the line before.
LOGGED = (
    "rewards/chosen",
    "rewards/rejected",
    "rewards/accuracies",
    "rewards/margins",
    "logps/chosen",
    "logps/rejected",
)


class PreferenceTrainer(CompletionTrainer):
    """Takes steps on batches of pairs: chosen texts first, and after them the rejected ones."""

    def __init__(self, *, settings: DpoSettings, **options: Any) -> None:
        super().__init__(**options)
        self._settings = settings
        self._sums: Tensor | None = None  # of what is logged, and how many pairs

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Any:
        """How many pairs the step has, and how many tokens their chosen texts, in all batches and processes, (2,)."""
        if not batch_samples:
            return None
        counts = torch.stack([_counts(batch) for batch in batch_samples]).sum(dim=0).to(device)
        gathered: Any = self.accelerator.gather(counts[None])
        return gathered.sum(dim=0)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        inputs = dict(inputs)
        reference = inputs.pop(REFERENCE)
        total = _counts(inputs) if num_items_in_batch is None else num_items_in_batch
        base = self.accelerator.unwrap_model(model).get_base_model()
        sums, tokens = text_logprobs(model, inputs, base)
        (chosen, rejected), (chosen_tokens, rejected_tokens) = sums.chunk(2), tokens.chunk(2)
        probs = LogProbs(chosen, rejected, reference[:, 0], reference[:, 1], chosen_tokens, rejected_tokens)
        self._note(probs)
        loss = preference_loss(probs, self._settings, pairs=total[0], tokens=total[1])
        if num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes  # whose gradients are averaged, where they are to be summed
        return (loss, {}) if return_outputs else loss

    def _note(self, probs: LogProbs) -> None:
        with torch.no_grad():
            beta = self._settings.beta
            rewards = (beta * probs.chosen_ratio, beta * probs.rejected_ratio)
            right, margin = (rewards[0] > rewards[1]).float(), rewards[0] - rewards[1]
            columns = (*rewards, right, margin, probs.chosen, probs.rejected, torch.ones_like(margin))
            sums = torch.stack(columns).sum(dim=1)
            self._sums = sums if self._sums is None else self._sums + sums

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs and self._sums is not None:
            reduced: Any = self.accelerator.reduce(self._sums, reduction="sum")
            *sums, pairs = reduced.tolist()
            logs |= {name: value / pairs for name, value in zip(LOGGED, sums, strict=True)}
            self._sums = None
        super().log(logs, start_time)


def _counts(batch: dict[str, Any]) -> Tensor:
    labels = batch["labels"][:, 1:]
    pairs = labels.shape[0] // 2
    return torch.stack([torch.tensor(pairs, device=labels.device), (labels[:pairs] != IGNORED).sum()])
