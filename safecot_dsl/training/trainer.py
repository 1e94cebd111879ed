"""The Transformers Trainer, given this package's batches, checkpoints and metrics."""

from __future__ import annotations

import functools
import itertools
import math
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from safecot_dsl.models.quiet import quiet_libraries
from safecot_dsl.models.tensors import collate
from safecot_dsl.storage import Progress
from safecot_dsl.training.checkpoints import last_checkpoint, seal_checkpoint, step_of
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.metrics import Metrics
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.rows import EncodedRows
from safecot_dsl.training.schedule import Schedule


class CompletionTrainer(Trainer):
    """Takes its batches from a schedule, and stops at the first loss that is not finite."""

    def __init__(self, *, rows: EncodedRows, schedule: Schedule, **options: Any) -> None:
        super().__init__(train_dataset=rows, **options)  # pyright: ignore[reportArgumentType]  (it has what a Dataset needs)
        self._schedule = schedule

    def get_train_dataloader(self) -> DataLoader[Any]:
        loader = DataLoader(
            self.train_dataset,  # pyright: ignore[reportArgumentType]
            batch_sampler=self._schedule,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return self.accelerator.prepare(loader)

    def training_step(self, *arguments: Any, **options: Any) -> torch.Tensor:
        loss = super().training_step(*arguments, **options)
        if not math.isfinite(loss.item()):
            raise TrainingError(
                f"the loss is {loss.item()} at step {self.state.global_step + 1}: the run has diverged; lower "
                f"`learning_rate` ({self.args.learning_rate:g}), or warm up for longer"
            )
        return loss


class _Watch(TrainerCallback):
    """Writes metrics, seals checkpoints and shows progress."""

    def __init__(self, metrics: Metrics, tokens: list[int], progress: Progress) -> None:
        self._metrics = metrics
        self._tokens = tokens  # after each step, from step 0
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._progress.advance()
        if state.global_step == state.max_steps:  # the last line may average over fewer steps
            control.should_log = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if logs is None or "loss" not in logs:  # the summary at the end of the run
            return
        step = state.global_step
        line = self._metrics.append(
            step, logs["loss"], logs["learning_rate"], logs["grad_norm"], tokens=self._tokens[step]
        )
        self._progress.advance(0, loss=line["loss"])

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        seal_checkpoint(Path(args.output_dir) / f"checkpoint-{state.global_step}")


def run_steps(
    model: Any,
    rows: EncodedRows,
    schedule: Schedule,
    recipe: TrainingRecipe,
    *,
    pad_id: int,
    checkpoints: Path,
    metrics: Path,
    progress: Progress,
) -> None:
    """Take the schedule's steps, from the last whole checkpoint in `checkpoints` if there is one.

    Raises:
        TrainingError: the loss is not finite.
    """
    on_gpu = model.device.type == "cuda"
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        per_device_train_batch_size=recipe.per_device_train_batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        max_steps=schedule.steps,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.lr_scheduler_type,
        warmup_steps=recipe.warmup_steps,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        logging_steps=recipe.logging_steps,
        logging_nan_inf_filter=False,
        save_steps=recipe.save_steps,
        seed=recipe.seed,
        bf16=on_gpu,
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        dataloader_num_workers=0 if rows.in_memory else 4,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to=[],
    )
    if recipe.gradient_checkpointing:
        with quiet_libraries():
            model.enable_input_require_grads()
            model.gradient_checkpointing_enable({"use_reentrant": False})
    # Several visible GPUs would otherwise mean torch's DataParallel, which changes the batch size.
    arguments._n_gpu = min(arguments.n_gpu, 1)  # pyright: ignore[reportPrivateUsage]
    lengths = [sum(rows.lengths[i] for batch in schedule.step(n + 1) for i in batch) for n in range(schedule.steps)]
    tokens = list(itertools.accumulate(lengths, initial=0))
    checkpoint = last_checkpoint(checkpoints)
    done = step_of(checkpoint) if checkpoint is not None else 0
    watch = _Watch(Metrics(metrics, done), tokens, progress)
    trainer = CompletionTrainer(
        model=model,
        args=arguments,
        rows=rows,
        schedule=schedule,
        data_collator=functools.partial(collate, pad_id=pad_id, side="right"),
        callbacks=[watch],
    )
    trainer.remove_callback(PrinterCallback)  # it prints every line of the log
    progress.start("training", schedule.steps, completed=done, unit="steps")
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint is not None else None)
