"""How an adapter is trained. The names and their meanings are PEFT's and Transformers' own."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.training.begun import BegunAnswers
from safecot_dsl.training.dpo.settings import DpoSettings
from safecot_dsl.training.group_rows import GroupRows
from safecot_dsl.training.grpo.settings import GrpoSettings


class TrainingRecipe(Frozen):
    """One training run: LoRA (Hu et al. 2021) by AdamW, on the language model's linear layers unless `adapt` says
    more."""

    objective: Literal["sft", "dpo", "grpo"] = Field(
        default="sft",
        description="`sft`: the rows' completions; `dpo`: their preference pairs; `grpo`: answers of the model's own, "
        "rewarded by the policy.",
    )
    start_from: str | None = Field(
        default=None, description="Another arm, or an adapter's folder, whose weights this training begins with."
    )
    dpo: DpoSettings = Field(
        default_factory=DpoSettings, description="How preferences are learnt; it counts with `objective: dpo` alone."
    )
    grpo: GrpoSettings = Field(
        default_factory=GrpoSettings, description="How rewards are learnt; it counts with `objective: grpo` alone."
    )
    r: int = Field(
        default=16,
        ge=1,
        description="LoRA's rank: how many directions an adapter adds to a layer. More learns more, and takes more "
        "memory.",
    )
    lora_alpha: int = Field(
        default=32, ge=1, description="LoRA's scale: an adapter's output is multiplied by `lora_alpha / r`."
    )
    lora_dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="The share of an adapter's inputs that is dropped while training, from 0 to below 1.",
    )
    target_modules: tuple[str, ...] | None = Field(
        default=None,
        description="Last parts of the names of the linear layers to adapt, looked for in the language model alone; "
        "by default its attention and MLP projections.",
    )
    adapt: Annotated[tuple[Literal["language", "vision", "projector"], ...], Field(min_length=1)] = Field(
        default=("language",),
        description="The parts that get adapters: what is said (`language`), what is seen (`vision`), and the way "
        "between them (`projector`). Of the last two all linear layers are adapted.",
    )
    reasoning_weight: float = Field(
        default=1.0, ge=0, description="What a token of the reasoning weighs in the loss; 0: it carries none."
    )
    answer_weight: float = Field(default=1.0, ge=0, description="What a token of the answer weighs in the loss.")
    begun: BegunAnswers | None = Field(
        default=None,
        exclude_if=lambda begun: begun is None,
        description="Train a share of the rows with an answer that somebody else began, which carries no loss: against "
        "attacks that begin the answer. With `objective: sft` alone. Default: none.",
    )
    group_rows: GroupRows | None = Field(
        default=None,
        exclude_if=lambda rows: rows is None,
        description="Rows beside the data set's that ask which values a group of the policy, or a node of its "
        "taxonomies, has. They need no picture. With `objective: sft` alone. Default: none.",
    )
    learning_rate: float = Field(default=2e-4, gt=0, description="AdamW's learning rate at its peak.")
    per_device_train_batch_size: int = Field(default=8, ge=1, description="Rows a batch.")
    gradient_accumulation_steps: int = Field(default=1, ge=1, description="Batches a step.")
    max_steps: int = Field(default=-1, ge=-1, description="Optimizer steps; if positive, it overrides the epochs.")
    num_train_epochs: float = Field(
        default=3.0,
        gt=0,
        description="How often each row is seen; a part of an epoch, such as 0.5, is fine. `max_steps` overrides it.",
    )
    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"] = Field(
        default="cosine",
        description="How the learning rate goes on after the warm-up: down to 0 along a line or a `cosine`, or not at "
        "all. Only `constant` leaves the warm-up out.",
    )
    warmup_steps: int = Field(
        default=0, ge=0, description="Optimizer steps in which the learning rate rises from 0 to its peak."
    )
    weight_decay: float = Field(default=0.0, ge=0, description="AdamW's weight decay; 0: none.")
    max_grad_norm: float = Field(
        default=1.0, gt=0, description="The most that the gradient's norm may be; a longer one is shortened to it."
    )
    train_sampling_strategy: Literal["random", "group_by_length"] = Field(
        default="random", description="`group_by_length` puts rows of like length into a batch: less padding."
    )
    logging_steps: int = Field(default=10, ge=1, description="Steps that one line of metrics.jsonl averages over.")
    report_to: tuple[Literal["tensorboard", "wandb", "trackio", "mlflow"], ...] = Field(
        default=(),
        description="Who gets the metrics besides metrics.jsonl: `tensorboard` writes event files beside it; `wandb`, "
        "`trackio` and `mlflow` are given them where these are set up to keep them.",
    )
    save_steps: int = Field(default=100, ge=1, description="Steps between checkpoints.")
    gradient_checkpointing: bool = Field(default=False, description="Less memory, for about a fifth more time.")
    padding_free: bool = Field(
        default=True, description="Pack a batch's rows into one sequence without padding, in which none sees another."
    )
    cache_image_features: bool = Field(
        default=True, description="Work out once what an untrained vision part makes of each image."
    )
    fused_lora: bool = Field(default=True, description="Compute a layer and its adapter as one operation.")
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**32,
        description="Of the adapters' first weights, the order of rows, and dropout. In a recipe it is the recipe's "
        "own `seed`, and is not given here.",
    )

    @property
    def uses_tags(self) -> bool:
        """Whether reasoning and answer are told apart by their tags, in the loss or by a reward."""
        return self.objective == "grpo" or self.reasoning_weight != self.answer_weight

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.max_steps == 0:
            raise ValueError("`max_steps` is 0: give a positive number, or -1 to train for `num_train_epochs`")
        if self.save_steps % self.logging_steps:
            raise ValueError(
                f"`save_steps` ({self.save_steps}) is no multiple of `logging_steps` ({self.logging_steps}): "
                "a resumed run would average its first line of metrics over fewer steps than an undisturbed one"
            )
        if self.objective == "grpo":
            self.grpo.check_batches(self.per_device_train_batch_size, self.gradient_accumulation_steps, self.save_steps)
        if self.reasoning_weight == self.answer_weight == 0:
            raise ValueError("`reasoning_weight` and `answer_weight` are both 0: nothing would be learnt")
        if self.objective == "dpo" and self.reasoning_weight != self.answer_weight:
            raise ValueError(
                "`reasoning_weight` and `answer_weight` differ, and preference pairs are compared as whole texts: give "
                "both the same, or train with `objective: sft`"
            )
        for name in ("begun", "group_rows"):
            if getattr(self, name) is not None and self.objective != "sft":
                raise ValueError(
                    f"`{name}` is of rows that are learnt as they are: leave it out with `objective: {self.objective}`"
                )
        if self.target_modules is not None and not self.target_modules:
            raise ValueError("`target_modules` is empty: leave it out for the language model's projections")
        return self
