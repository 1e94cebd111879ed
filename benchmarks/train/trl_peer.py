"""TRL's run on the same batches: `python -m benchmarks.train.trl_peer SETUP`; prints what it measured in JSON.

What TRL is given: the same model object with the same fresh adapter, the rows in the order of our batches, no gradient
checkpointing, no truncation, the fused AdamW that both have by default, bfloat16 on a GPU, and as many loader workers
as it is told to take.
"""

from __future__ import annotations

import json
import sys
import tempfile
from typing import Any

from benchmarks.train.setup import Clock, Setup, measured
from safecot_dsl.models.chat import Chat
from safecot_dsl.models.local import load_parts, stop_ids
from safecot_dsl.storage import Progress
from safecot_dsl.training.lora import add_lora
from safecot_dsl.training.rows import EncodedRows, Row
from safecot_dsl.training.schedule import Schedule


def dataset(rows: list[Row]) -> Any:
    """Conversational prompt and completion with images, TRL's own form."""
    import datasets

    message = [{"role": datasets.Value("string"), "content": datasets.Value("string")}]
    features = datasets.Features({"prompt": message, "completion": message, "images": datasets.List(datasets.Image())})
    records = [
        {
            "prompt": [{"role": "user", "content": row.request.prompt}],
            "completion": [{"role": "assistant", "content": row.completion}],
            "images": [{"bytes": image, "path": None} for image in row.request.images],
        }
        for row in rows
    ]
    return datasets.Dataset.from_list(records, features=features)


def main(setup: Setup) -> None:
    import torch
    from torch.utils.data import SequentialSampler
    from transformers import TrainerCallback, set_seed
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    torch.set_num_threads(setup.threads)
    model, processor = load_parts(setup.model)
    recipe, chat, rows = setup.recipe(), Chat(processor, stop_ids(model.generation_config)), setup.read()
    with Progress(quiet=True) as progress:  # for the order of the batches, and what they hold; not timed
        encoded = EncodedRows(chat, rows, max_tokens=None, progress=progress)
    schedule = Schedule(recipe, encoded.images, encoded.lengths)
    taken = [i for batch in schedule for i in batch]
    set_seed(recipe.seed)
    tuned = add_lora(model, recipe)
    clock = Clock(model.device.type)

    class Marking(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            clock.mark()

    class InOrder(SFTTrainer):
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return SequentialSampler(ordered)

    ordered = dataset([rows[i] for i in taken])
    on_gpu = model.device.type == "cuda"
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder,
            max_length=None,
            max_steps=setup.steps,
            per_device_train_batch_size=setup.batch_size,
            learning_rate=recipe.learning_rate,
            lr_scheduler_type=recipe.lr_scheduler_type,
            max_grad_norm=recipe.max_grad_norm,
            use_cpu=not on_gpu,
            bf16=on_gpu,
            gradient_checkpointing=False,
            dataloader_num_workers=setup.workers,
            dataloader_persistent_workers=setup.workers > 0,
            dataloader_pin_memory=on_gpu,
            report_to=[],
            save_strategy="no",
            logging_steps=1,
            disable_tqdm=True,
            seed=recipe.seed,
        )
        trainer = InOrder(
            tuned,
            args=arguments,
            train_dataset=ordered,
            processing_class=processor,
            callbacks=[Marking()],
        )
        trainer.train()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    counts = (
        sum(encoded.lengths[i] for i in taken),
        sum(encoded.labelled[i] for i in taken),
        sum(encoded.lengths[i] ** 2 for i in taken),
    )
    print(json.dumps(measured(clock, losses, counts, {"workers": setup.workers}).record))  # noqa: T201


if __name__ == "__main__":
    main(Setup(**json.loads(sys.argv[1])))
