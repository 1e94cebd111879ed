"""The Transformers Trainer, given this package's batches, checkpoints and metrics."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from accelerate.data_loader import prepare_data_loader
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from safecot_dsl.models.precision import mixes_precision
from safecot_dsl.models.quiet import quiet_libraries
from safecot_dsl.models.tensors import collate
from safecot_dsl.storage import Progress, write_whole
from safecot_dsl.storage.files import remove
from safecot_dsl.training.checkpoints import last_checkpoint, seal_checkpoint, step_of
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.finite import FiniteLosses
from safecot_dsl.training.forward import (
    TARGETS,
    step_weight,
    target_logits,
    target_loss,
    target_loss_in_parts,
    with_targets,
)
from safecot_dsl.training.fused import fused_lora
from safecot_dsl.training.metrics import Metrics
from safecot_dsl.training.objective import EncodedExamples
from safecot_dsl.training.processes import is_first, share, wait_for_all
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.rows import EncodedRows
from safecot_dsl.training.schedule import Schedule
from safecot_dsl.training.speedups import UsedSpeedups, pulled_levers

_FEATURES = "image-features"  # beside the checkpoints, as long as the run lasts


class CompletionTrainer(Trainer):
    """Takes its batches from a schedule; stops at the first loss that is not finite, and where memory ends."""

    def __init__(self, *, rows: EncodedExamples, schedule: Schedule, fault: Path, **options: Any) -> None:
        """`fault` is the file that says which rows a run could not get over."""
        super().__init__(train_dataset=rows, **options)  # pyright: ignore[reportArgumentType]  (it has what a Dataset needs)
        self._rows = rows
        self._schedule = schedule
        self._fault = fault
        self._losses = FiniteLosses(self._diverged)
        self._checkpointing = any(
            getattr(module, "gradient_checkpointing", False) for module in options["model"].modules()
        )
        self.loss_in_parts = False
        # What is divided by the whole step's weight must not be divided by its number of batches as well.
        self.loss_is_scaled_for_ga = True

    def get_train_dataloader(self) -> DataLoader[Any]:
        # Sharding by Accelerate takes it that only the last batch may be smaller, which is not so here.
        share_of_batches = self._schedule.batches[self.accelerator.process_index :: self.accelerator.num_processes]
        loader = DataLoader(
            self.train_dataset,  # pyright: ignore[reportArgumentType]
            batch_sampler=share_of_batches,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory,
        )
        device = self.accelerator.device
        return prepare_data_loader(loader, device=device, num_processes=1, process_index=0, put_on_device=True)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Any:
        """What the targets of a whole step weigh together, in all batches and processes."""
        if not batch_samples:
            return None
        total = torch.stack([step_weight(_aimed(batch)) for batch in batch_samples]).sum().to(device)
        gathered: Any = self.accelerator.gather(total)
        return gathered.sum()

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The mean over the step's targets by their weights, whatever batches the step is made of."""
        batch = _aimed(inputs)
        base = self.accelerator.unwrap_model(model).get_base_model()
        total = step_weight(batch) if num_items_in_batch is None else num_items_in_batch
        logits = None
        if self.loss_in_parts and not return_outputs:
            loss = target_loss_in_parts(model, batch, base, total)
        else:
            logits = target_logits(model, batch, base)
            loss = target_loss(logits, batch, total)
        if num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes  # whose gradients are averaged, where they are to be summed
        return (loss, {"logits": logits}) if return_outputs else loss

    def training_step(self, *arguments: Any, **options: Any) -> torch.Tensor:
        try:
            loss = super().training_step(*arguments, **options)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            raise TrainingError(self._out_of_memory(str(error))) from error
        self._losses.add(self.state.global_step + 1, loss)
        return loss

    def settle(self) -> None:
        """Raise for a loss that was not finite and has not been looked at yet."""
        self._losses.settle()

    def _save_checkpoint(self, *arguments: Any, **options: Any) -> None:
        self.settle()
        super()._save_checkpoint(*arguments, **options)

    def _diverged(self, step: int, loss: float) -> None:
        self._save_fault(f"the loss is {loss}", step)
        raise TrainingError(
            f"the loss is {loss} at step {step}: the run has diverged; lower `learning_rate` "
            f"({self.args.learning_rate:g}), or warm up for longer; the rows of that step are in `{self._fault}`"
        )

    def _out_of_memory(self, detail: str) -> str:
        size, accumulated = self.args.per_device_train_batch_size, self.args.gradient_accumulation_steps
        step = self.state.global_step + 1
        longest = max(self._rows.lengths[i] for batch in self._schedule.step(step) for i in batch)
        self._save_fault(detail, step)
        half = f"per_device_train_batch_size: {size // 2}, gradient_accumulation_steps: {accumulated * 2}"
        mend = f"`{half}` makes the same step in half the memory" if size > 1 else "one row is the least there is"
        checkpointing = "" if self._checkpointing else ", and `gradient_checkpointing: true` takes less"
        return (
            f"out of memory at step {step}, with {size} rows a batch of up to {longest} tokens: {mend}{checkpointing}"
        )

    def _save_fault(self, what: str, step: int) -> None:
        batches = [
            [{"row": self._rows.names[i], "tokens": self._rows.lengths[i]} for i in batch]
            for batch in self._schedule.step(step)
        ]
        rate = self._get_learning_rate()
        record = {"step": step, "fault": what, "learning_rate": rate, "batches": batches}
        write_whole(self._fault, json.dumps(record, indent=1) + "\n")


def _aimed(batch: dict[str, Any]) -> dict[str, Any]:
    return batch if TARGETS in batch else with_targets(batch)


def _is_out_of_memory(error: RuntimeError) -> bool:
    # On a CPU torch has no class of its own for it.
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)


class _TrainingCallback(TrainerCallback):
    """Writes metrics (in the first process), seals checkpoints and shows progress."""

    def __init__(self, metrics: Metrics | None, tokens: list[int], progress: Progress) -> None:
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
        if self._metrics is None:
            return
        line = self._metrics.append(
            step,
            logs["loss"],
            logs["learning_rate"],
            logs["grad_norm"],
            tokens=self._tokens[step],
            more={name: value for name, value in logs.items() if "/" in name},  # an objective's own
        )
        self._progress.advance(0, loss=line["loss"])

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._metrics is not None:
            self._metrics.close()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        wait_for_all()  # each process saves its own random state
        if is_first():
            seal_checkpoint(Path(args.output_dir) / f"checkpoint-{state.global_step}")
        wait_for_all()


def run_steps(
    model: Any,
    rows: EncodedExamples,
    schedule: Schedule,
    recipe: TrainingRecipe,
    *,
    pad_id: int,
    checkpoints: Path,
    metrics: Path,
    fault: Path,
    progress: Progress,
    trainer_class: Callable[..., CompletionTrainer] = CompletionTrainer,
    collator: Callable[[list[Any]], dict[str, Any]] | None = None,
) -> UsedSpeedups:
    """Take the schedule's steps, from the last whole checkpoint in `checkpoints` if there is one; says what made them
    fast.

    `trainer_class` has another objective's loss, and `collator` makes its batches of what `rows` hold.

    Raises:
        TrainingError: the loss is not finite, or memory does not suffice; `fault` then names the rows of that step.
    """
    fault.unlink(missing_ok=True)
    features = checkpoints / _FEATURES
    if recipe.gradient_checkpointing:
        with quiet_libraries():
            model.gradient_checkpointing_enable({"use_reentrant": False})
    lengths = [sum(rows.lengths[i] for batch in schedule.step(n + 1) for i in batch) for n in range(schedule.steps)]
    tokens = list(itertools.accumulate(lengths, initial=0))
    checkpoint = share(last_checkpoint(checkpoints) if is_first() else None)
    done = step_of(checkpoint) if checkpoint is not None else 0
    watch = _TrainingCallback(Metrics(metrics, done, recipe.report_to) if is_first() else None, tokens, progress)
    with ExitStack() as stack:
        if collator is None and isinstance(rows, EncodedRows):
            pulled = pulled_levers(model, rows, recipe, pad_id=pad_id, folder=features, progress=progress)
            rows, used = stack.enter_context(pulled)
            collator = rows.together
        else:
            used = UsedSpeedups(fused_layers=stack.enter_context(fused_lora(model)) if recipe.fused_lora else 0)
        trainer = trainer_class(
            model=model,
            args=training_arguments(recipe, schedule.steps, checkpoints, model, in_memory=rows.in_memory),
            rows=rows,
            schedule=schedule,
            fault=fault,
            data_collator=collator or functools.partial(collate, pad_id=pad_id, side="right"),
            callbacks=[watch],
        )
        trainer.loss_in_parts = used.loss_in_parts
        trainer.remove_callback(PrinterCallback)  # it prints every line of the log
        progress.start("training", schedule.steps, completed=done, unit="steps")
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint is not None else None)
        trainer.settle()
    if is_first():
        remove(features)
    return used


def training_arguments(
    recipe: TrainingRecipe, steps: int, checkpoints: Path, model: Any, *, in_memory: bool
) -> TrainingArguments:
    """The Trainer's own settings for so many steps of `model`; `in_memory`: whether taking a row costs nothing."""
    on_gpu = model.device.type == "cuda"
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        per_device_train_batch_size=recipe.per_device_train_batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        max_steps=steps,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.lr_scheduler_type,
        warmup_steps=recipe.warmup_steps,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        logging_steps=recipe.logging_steps,
        logging_nan_inf_filter=False,
        save_steps=recipe.save_steps,
        seed=recipe.seed,
        bf16=mixes_precision(model),
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        dataloader_num_workers=0 if in_memory else 4,
        # An adapter of the language model takes part in every batch; looking for parts that do not costs time.
        ddp_find_unused_parameters=False if set(recipe.adapt) == {"language"} else None,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to=[],
    )
    # Several visible GPUs would otherwise mean torch's DataParallel, which changes the batch size.
    arguments._n_gpu = min(arguments.n_gpu, 1)  # pyright: ignore[reportPrivateUsage]
    return arguments
