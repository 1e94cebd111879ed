"""What the Transformers Trainer is told."""

from __future__ import annotations

from pathlib import Path

from transformers import TrainingArguments

from safecot_dsl.training.recipe import TrainingRecipe


def training_arguments(
    recipe: TrainingRecipe, steps: int, checkpoints: Path, device: str, *, in_memory: bool
) -> TrainingArguments:
    """The Trainer's own settings for so many steps; `in_memory`: whether taking a row costs nothing."""
    on_gpu = device == "cuda"
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
        bf16=on_gpu,
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
