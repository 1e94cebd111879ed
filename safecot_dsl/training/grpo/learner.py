"""The adapter's weights, and how the answers of a round change them."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.optimization import get_scheduler

from safecot_dsl.models.precision import mixed_precision
from safecot_dsl.models.quiet import quiet_libraries
from safecot_dsl.models.tensors import collate
from safecot_dsl.training.grpo.answers import GradedAnswer, Round
from safecot_dsl.training.grpo.loss import divergence, log_probabilities, summed, token_losses
from safecot_dsl.training.processes import add_up, gather
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.weighting import LOSS_WEIGHTS


@dataclass
class Sums:
    """What a step's batches add up to: the step's loss, and over its tokens with loss their number, the entropy of what
    might have stood there, how many were clipped, and the divergence from the start (both in nats)."""

    loss: float = 0.0
    tokens: float = 0.0
    entropy: float = 0.0
    clipped: float = 0.0
    divergence: float = 0.0


class Learner:
    """Takes optimizer steps on answers."""

    def __init__(self, model: Any, recipe: TrainingRecipe, steps: int, pad_id: int) -> None:
        self._model, self._recipe, self._pad_id = model, recipe, pad_id
        self.parameters: dict[str, Tensor] = {name: p for name, p in model.named_parameters() if p.requires_grad}
        # The start, which `beta` holds the model to; copied before the weights of an interrupted run are loaded.
        self._start = {name: p.detach().clone() for name, p in self.parameters.items()} if recipe.grpo.beta else {}
        self.optimizer = torch.optim.AdamW(
            self.parameters.values(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            fused=model.device.type == "cuda",
        )
        self.scheduler: Any = get_scheduler(
            recipe.lr_scheduler_type, self.optimizer, num_warmup_steps=recipe.warmup_steps, num_training_steps=steps
        )
        if recipe.gradient_checkpointing:
            with quiet_libraries():
                model.enable_input_require_grads()
                model.gradient_checkpointing_enable({"use_reentrant": False})

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.scheduler.get_last_lr()[0])

    def look(self, asked: Round, step: int, *, first: bool) -> tuple[Sums, float]:
        """Work out the gradient of a step on a round's answers, the `first` step on them or a later one: what it adds
        up to, and the gradient's norm before clipping. Nothing is changed yet."""
        torch.manual_seed(_seed(self._recipe.seed, step))  # of dropout
        for parameter in self.parameters.values():
            parameter.grad = torch.zeros_like(parameter)
        sums = Sums()
        self._model.train()
        for batch in self._batches(asked.own):
            self._add(batch, asked, sums, first=first)
        add_up([parameter.grad for parameter in self.parameters.values() if parameter.grad is not None])
        together = Sums(*map(sum, zip(*gather(astuple(sums)), strict=True)))
        return together, float(torch.nn.utils.clip_grad_norm_(self.parameters.values(), self._recipe.max_grad_norm))

    def take(self) -> None:
        """Take the step whose gradient was worked out."""
        self.optimizer.step()
        self.scheduler.step()

    def _batches(self, answers: list[GradedAnswer]) -> Iterator[list[GradedAnswer]]:
        """The answers that change anything, those with as many images and of like length together.

        An answer that is neither better nor worse than its group, and is not held to the start, has no gradient.
        """
        held = bool(self._recipe.grpo.beta)
        changing = [one for one in answers if one.weight and (one.advantage or held)]
        changing.sort(key=lambda one: (one.images, -one.length))
        for _, same in itertools.groupby(changing, key=lambda one: one.images):
            left = list(same)
            size = self._recipe.per_device_train_batch_size
            yield from (left[start : start + size] for start in range(0, len(left), size))

    def _add(self, batch: list[GradedAnswer], asked: Round, sums: Sums, *, first: bool) -> None:
        """Add a batch's part of the gradient and of the sums."""
        settings, device = self._recipe.grpo, self._model.device
        inputs = self._placed(collate([one.tensors for one in batch], pad_id=self._pad_id, side="right"))
        weights = inputs.pop(LOSS_WEIGHTS)[:, 1:]
        if first and settings.beta:
            _keep(batch, "reference", self._reference(inputs))
        with mixed_precision(self._model):
            log, entropy = log_probabilities(self._model, inputs, settings.temperature)
        if first:
            _keep(batch, "before", log.detach())
        advantage = torch.tensor([one.advantage for one in batch], device=device)
        reference = _kept(batch, "reference", log) if settings.beta else None
        losses, clipped = token_losses(log, _kept(batch, "before", log), reference, advantage, settings)
        loss = summed(losses, weights, asked.answers, asked.weight, settings)
        loss.backward()
        counted = weights > 0
        sums.loss += loss.item()
        sums.tokens += int(counted.sum())
        sums.entropy += float(entropy[counted].sum())
        sums.clipped += int(clipped[counted].sum())
        if reference is not None:
            sums.divergence += float(divergence(log.detach(), reference)[counted].sum())

    def _reference(self, inputs: dict[str, Tensor]) -> Tensor:
        self._model.eval()
        with torch.no_grad(), mixed_precision(self._model), self._at_start():
            log, _ = log_probabilities(self._model, inputs, self._recipe.grpo.temperature)
        self._model.train()
        return log

    @contextmanager
    def _at_start(self) -> Generator[None]:
        """The model with the weights that the training started with."""
        now = {name: parameter.data for name, parameter in self.parameters.items()}
        for name, parameter in self.parameters.items():
            parameter.data = self._start[name]
        try:
            yield
        finally:
            for name, parameter in self.parameters.items():
                parameter.data = now[name]

    def _placed(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {key: value.to(self._model.device) for key, value in inputs.items()}


def _keep(batch: list[GradedAnswer], name: str, log: Tensor) -> None:
    """Keep each answer's row, without its padding: in another batch it may be padded to another length."""
    for one, row in zip(batch, log, strict=True):
        setattr(one, name, row[: one.length - 1].cpu())


def _kept(batch: list[GradedAnswer], name: str, like: Tensor) -> Tensor:
    """What was kept of each answer, as (rows, tokens), 0 in the padding."""
    made = torch.zeros_like(like.detach())
    for place, one in enumerate(batch):
        row: Tensor = getattr(one, name)
        made[place, : len(row)] = row
    return made


def _seed(seed: int, step: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\0dropout\0{step}".encode()).digest()[:7], "big")
