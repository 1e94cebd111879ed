"""How preference training is done."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from safecot_dsl.artifact.base import Frozen

#: The losses that are a sum over pairs, or over the chosen texts' tokens, under TRL's names.
LossType = Literal[
    "sigmoid",
    "hinge",
    "ipo",
    "exo_pair",
    "nca_pair",
    "robust",
    "bco_pair",
    "sppo_hard",
    "apo_zero",
    "apo_down",
    "sigmoid_norm",
    "sft",
]
Kind = Literal["over_refusal", "unsafe", "unreasoned", "policy_flip"]


class DpoSettings(Frozen):
    """What `training.dpo` says; the names and their meanings are TRL's own, but for `kinds`."""

    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] | None = Field(
        default=None, description="The kinds of pairs that are learnt from; all that the data set has, if not given."
    )
    beta: float = Field(default=0.1, gt=0, description="How strongly the model is held to where it started.")
    loss_type: Annotated[tuple[LossType, ...], Field(min_length=1)] = Field(
        default=("sigmoid",),
        description="One loss or several, which are added up: `[sigmoid, sft]` also keeps the chosen texts likely.",
    )
    loss_weights: tuple[float, ...] | None = Field(
        default=None, description="What each of several losses weighs; 1 each, if not given."
    )
    label_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=0.5,
        description="`robust`: how likely a pair is the wrong way round; `exo_pair`: its ε, which must be above 0.",
    )

    @property
    def weighted_losses(self) -> tuple[tuple[LossType, float], ...]:
        """Each loss with its weight."""
        return tuple(zip(self.loss_type, self.loss_weights or (1.0,) * len(self.loss_type), strict=True))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.loss_weights is not None and len(self.loss_weights) != len(self.loss_type):
            raise ValueError(
                f"`loss_weights` has {len(self.loss_weights)} numbers and `loss_type` {len(self.loss_type)} losses: "
                "give one weight for each"
            )
        if "exo_pair" in self.loss_type and not self.label_smoothing:
            raise ValueError("`exo_pair` divides by `label_smoothing`, which is 0: its paper uses 0.001")
        return self
