"""TRL, given the same rows in its own form, comes to the same loss."""

import datasets
import pytest
import torch
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

from safecot_dsl.models.chat import Chat
from safecot_dsl.models.local import load_parts, stop_ids
from safecot_dsl.models.tensors import collate
from safecot_dsl.storage import Progress
from safecot_dsl.training import TrainingRecipe
from safecot_dsl.training.rows import Row, encode_row, read_rows
from safecot_dsl.training.speedups import pulled_levers

from .conftest import eight_rows
from .steps import encoded, gradient, take, tuned_model


def as_trl_has_them(rows: list[Row]) -> datasets.Dataset:
    """Conversational prompt and completion with images, as `trl.parquet` holds them."""
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


def test_trl_steps_on_the_rows_and_has_the_same_loss_on_the_same_batch(idefics3, write_rows, tmp_path):
    rows = [row for row in read_rows(write_rows(eight_rows())) if len(row.request.images) == 1]
    model, processor = load_parts(str(idefics3), device="cpu")
    chat = Chat(processor, stop_ids(model.generation_config))
    batch = collate([encode_row(chat, row) for row in rows], pad_id=chat.pad_id, side="right")
    with torch.no_grad():
        ours = model(**batch).loss

    arguments = SFTConfig(
        output_dir=str(tmp_path),
        max_length=None,
        max_steps=1,
        per_device_train_batch_size=len(rows),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
    )
    lora = LoraConfig(r=4, target_modules=r".*text_model.*\.(q|v)_proj", task_type="CAUSAL_LM")
    trainer = SFTTrainer(
        model, args=arguments, train_dataset=as_trl_has_them(rows), processing_class=processor, peft_config=lora
    )
    theirs = next(iter(trainer.get_train_dataloader()))
    assert sorted(theirs["input_ids"][theirs["attention_mask"] == 1].tolist()) == sorted(
        batch["input_ids"][batch["attention_mask"] == 1].tolist()
    )
    assert int((theirs["labels"] != -100).sum()) == int((batch["labels"] != -100).sum())
    trainer.train()  # a fresh adapter changes nothing, so the first step's loss is the base's
    logged = next(line["loss"] for line in trainer.state.log_history if "loss" in line)
    assert logged == pytest.approx(ours.item(), rel=1e-4)


def test_with_every_lever_loss_and_gradient_are_trls_on_the_same_batch(idefics3, write_rows, tmp_path):
    """With an adapter that changes what the model says, on rows of several lengths."""
    rows = [row for row in read_rows(write_rows(eight_rows())) if len(row.request.images) == 1]
    model, chat = tuned_model(idefics3)
    ours = encoded(chat, rows)
    with (
        Progress(quiet=True) as progress,
        pulled_levers(model, ours, TrainingRecipe(), pad_id=chat.pad_id, folder=tmp_path / "f", progress=progress) as (
            batches,
            used,
        ),
    ):
        assert (used.padding_free, used.cached_features, used.fused_layers) == (True, True, 14)
        loss, own = take(model, batches.together([batches[i] for i in range(len(batches))]))

    arguments = SFTConfig(
        output_dir=str(tmp_path),
        max_length=None,
        per_device_train_batch_size=len(rows),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to=[],
        disable_tqdm=True,
    )
    trainer = SFTTrainer(model, args=arguments, train_dataset=as_trl_has_them(rows), processing_class=chat.processor)
    theirs = next(iter(trainer.get_train_dataloader()))
    model.train()
    model.zero_grad()
    their_loss = trainer.compute_loss(trainer.model, theirs, num_items_in_batch=(theirs["labels"] != -100).sum())
    their_loss.backward()
    assert loss == pytest.approx(their_loss.item(), rel=1e-5)
    torch.testing.assert_close(own, gradient(model), atol=1e-5, rtol=1e-3)
