"""How training by reward is done."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.rewards import RewardWeights


class GrpoSettings(Frozen):
    """What `training.grpo` says; the names and their meanings are TRL's own where TRL has them.

    Of a batch's `per_device_train_batch_size` answers, `num_generations` are for each request.
    """

    reward: RewardWeights = Field(default_factory=RewardWeights, description="What each part of the reward weighs.")
    num_generations: int = Field(default=8, ge=2, description="Answers drawn for each request: its group.")
    max_completion_length: int = Field(
        default=256, ge=1, description="Tokens after which an answer is cut; it then has no end, and earns 0."
    )
    temperature: float = Field(default=1.0, gt=0, description="Of the draws, and of the probabilities that are learnt.")
    top_p: float = Field(default=1.0, gt=0, le=1, description="Draw among the likeliest tokens of this probability.")
    beta: float = Field(
        default=0.0, ge=0, description="Weight of the divergence (KL) from where the training started; 0: not measured."
    )
    num_iterations: int = Field(default=1, ge=1, description="Optimizer steps on the same answers.")
    epsilon: float = Field(default=0.2, ge=0, description="How far below 1 a token's ratio of probabilities counts.")
    epsilon_high: float | None = Field(default=None, ge=0, description="How far above 1 it does; default: `epsilon`.")
    loss_type: Literal["grpo", "dr_grpo", "dapo"] = Field(
        default="dapo",
        description="What a token's loss is divided by: its answer's length (`grpo`), the longest possible answer "
        "(`dr_grpo`), or the step's tokens (`dapo`).",
    )
    scale_rewards: Literal["group", "batch", "none"] = Field(
        default="group", description="Whose standard deviation the advantages are divided by."
    )
    mask_truncated_completions: bool = Field(
        default=False, description="Answers that were cut carry no loss, instead of being told that they earn 0."
    )
    drawn_at_once: int | None = Field(
        default=None, ge=1, description="Answers that are drawn at once; fewer take less memory. Default: a step's."
    )

    def check_batches(self, batch_size: int, accumulated: int, save_steps: int) -> None:
        """Check that a step's answers are whole groups, and that no checkpoint stands between two steps on the same
        answers. Raises ValueError."""
        if batch_size * accumulated % self.num_generations:
            raise ValueError(
                f"a step has {batch_size * accumulated} answers (`per_device_train_batch_size` times "
                f"`gradient_accumulation_steps`), which are no whole groups of `grpo.num_generations` "
                f"({self.num_generations}): make it a multiple"
            )
        if save_steps % self.num_iterations:
            raise ValueError(
                f"`save_steps` ({save_steps}) is no multiple of `grpo.num_iterations` ({self.num_iterations}): a run "
                "that goes on from a checkpoint could not take its next step on the answers of the one before"
            )
