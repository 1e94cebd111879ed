"""The Transformers Trainer, given this package's batches, checkpoints and metrics."""

from __future__ import annotations

import functools
import itertools
import json
import math
from pathlib import Path
from typing import Any

import torch
from accelerate.data_loader import prepare_data_loader
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from safecot_dsl.models.quiet import quiet_libraries
from safecot_dsl.models.tensors import collate
from safecot_dsl.storage import Progress, write_whole
from safecot_dsl.training.checkpoints import last_checkpoint, seal_checkpoint, step_of
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.metrics import Metrics
from safecot_dsl.training.processes import is_first, share, wait_for_all
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.rows import EncodedRows
from safecot_dsl.training.schedule import Schedule
from safecot_dsl.training.weighting import LOSS_WEIGHTS, weighted_loss


class CompletionTrainer(Trainer):
    """Takes its batches from a schedule; stops at the first loss that is not finite, and where memory ends."""

    def __init__(self, *, rows: EncodedRows, schedule: Schedule, fault: Path, **options: Any) -> None:
        """`fault` is the file that says which rows a run could not get over."""
        super().__init__(train_dataset=rows, **options)  # pyright: ignore[reportArgumentType]  (it has what a Dataset needs)
        self._rows = rows
        self._schedule = schedule
        self._fault = fault
        # What is divided by the whole step's weight must not be divided by its number of batches as well.
        self.loss_is_scaled_for_ga = None if rows.is_even else True

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
        if self._rows.is_even:
            return super()._get_num_items_in_batch(batch_samples, device)
        if not batch_samples:
            return None
        total = torch.stack([batch[LOSS_WEIGHTS].sum() for batch in batch_samples]).sum().to(device)
        gathered: Any = self.accelerator.gather(total)
        return gathered.sum()

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        if self._rows.is_even:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        inputs = dict(inputs)
        labels, weights = inputs.pop("labels"), inputs.pop(LOSS_WEIGHTS)
        outputs = model(**inputs)
        total = weights.sum() if num_items_in_batch is None else num_items_in_batch
        loss = weighted_loss(outputs.logits, labels, weights, total)
        if num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes  # whose gradients are averaged, where they are to be summed
        return (loss, outputs) if return_outputs else loss

    def training_step(self, *arguments: Any, **options: Any) -> torch.Tensor:
        try:
            loss = super().training_step(*arguments, **options)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            raise TrainingError(self._out_of_memory(str(error))) from error
        if not math.isfinite(loss.item()):
            self._save_fault(f"the loss is {loss.item()}")
            raise TrainingError(
                f"the loss is {loss.item()} at step {self.state.global_step + 1}: the run has diverged; lower "
                f"`learning_rate` ({self.args.learning_rate:g}), or warm up for longer; the rows of that step are in "
                f"`{self._fault}`"
            )
        return loss

    def _out_of_memory(self, detail: str) -> str:
        size, accumulated = self.args.per_device_train_batch_size, self.args.gradient_accumulation_steps
        longest = max(self._rows.lengths[i] for batch in self._batches() for i in batch)
        self._save_fault(detail)
        half = f"per_device_train_batch_size: {size // 2}, gradient_accumulation_steps: {accumulated * 2}"
        mend = f"`{half}` makes the same step in half the memory" if size > 1 else "one row is the least there is"
        checkpointing = "" if self.args.gradient_checkpointing else ", and `gradient_checkpointing: true` takes less"
        return (
            f"out of memory at step {self.state.global_step + 1}, with {size} rows a batch of up to {longest} tokens: "
            f"{mend}{checkpointing}"
        )

    def _batches(self) -> list[list[int]]:
        return self._schedule.step(self.state.global_step + 1)

    def _save_fault(self, what: str) -> None:
        step = self.state.global_step + 1
        batches = [[{"row": self._rows.names[i], "tokens": self._rows.lengths[i]} for i in b] for b in self._batches()]
        rate = self._get_learning_rate()
        record = {"step": step, "fault": what, "learning_rate": rate, "batches": batches}
        write_whole(self._fault, json.dumps(record, indent=1) + "\n")


def _is_out_of_memory(error: RuntimeError) -> bool:
    # On a CPU torch has no class of its own for it.
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)


class _Watch(TrainerCallback):
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
            step, logs["loss"], logs["learning_rate"], logs["grad_norm"], tokens=self._tokens[step]
        )
        self._progress.advance(0, loss=line["loss"])

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        wait_for_all()  # each process saves its own random state
        if is_first():
            seal_checkpoint(Path(args.output_dir) / f"checkpoint-{state.global_step}")
        wait_for_all()


def run_steps(
    model: Any,
    rows: EncodedRows,
    schedule: Schedule,
    recipe: TrainingRecipe,
    *,
    pad_id: int,
    checkpoints: Path,
    metrics: Path,
    fault: Path,
    progress: Progress,
) -> None:
    """Take the schedule's steps, from the last whole checkpoint in `checkpoints` if there is one.

    Raises:
        TrainingError: the loss is not finite, or memory does not suffice; `fault` then names the rows of that step.
    """
    fault.unlink(missing_ok=True)
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
    checkpoint = share(last_checkpoint(checkpoints) if is_first() else None)
    done = step_of(checkpoint) if checkpoint is not None else 0
    watch = _Watch(Metrics(metrics, done) if is_first() else None, tokens, progress)
    trainer = CompletionTrainer(
        model=model,
        args=arguments,
        rows=rows,
        schedule=schedule,
        fault=fault,
        data_collator=functools.partial(collate, pad_id=pad_id, side="right"),
        callbacks=[watch],
    )
    trainer.remove_callback(PrinterCallback)  # it prints every line of the log
    progress.start("training", schedule.steps, completed=done, unit="steps")
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint is not None else None)
