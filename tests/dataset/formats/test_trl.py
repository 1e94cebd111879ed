"""TRL's rules, each broken once; and TRL itself on what is written for it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from safecot_dsl.dataset.formats import CheckOptions, FormatRule, find_format, validate
from safecot_dsl.render import Tags
from tests.models import tiny

from .conftest import Export
from .spoiling import Seed, assert_found, cell, put, table, text

FILE = "data/train-00000.parquet"
USER, ASSISTANT = {"role": "user", "content": "And now?"}, {"role": "assistant", "content": "I see."}


def _renamed(old: str, new: str) -> Any:
    def rename(table: pa.Table) -> pa.Table:
        return table.rename_columns([new if name == old else name for name in table.column_names])

    return rename


def _added(name: str) -> Any:
    return lambda table: table.append_column(name, pa.array(["x"] * table.num_rows))


def _lifted(row: dict[str, Any]) -> None:
    row["prompt"] = [*row["prompt"], ASSISTANT]


COMMON = [
    Seed(FormatRule.READABLE, text(FILE, "text"), "cannot be read as Parquet", None),
    Seed(FormatRule.READABLE, lambda folder: (folder / FILE).unlink(), "it holds no Parquet files", None),
    Seed(FormatRule.COLUMNS, table(FILE, _renamed("prompt", "question")), "no column `prompt`", None),
    Seed(FormatRule.COLUMNS, table(FILE, _added("messages")), "a column `messages`: the trainer then learns", None),
    Seed(FormatRule.COLUMNS, table(FILE, _added("image")), "a column `image`: the trainer then drops", None),
    Seed(FormatRule.COLUMNS, table(FILE, _added("label")), "a column `label`", None),
    Seed(
        FormatRule.COLUMNS,
        table(FILE, lambda t: t.replace_schema_metadata(None)),
        "not declared as a list of images",
        None,
    ),
    Seed(FormatRule.COLUMNS, cell(FILE, 1, put("images", None)), "`images` is null", 1),
    Seed(FormatRule.COLUMNS, cell(FILE, 1, put("prompt", None)), "`prompt` is null", 1),
    Seed(FormatRule.COLUMNS, cell(FILE, 1, put("prompt.0.role", "human")), "a message of the role `human`", 1),
    Seed(FormatRule.COLUMNS, cell(FILE, 1, put("prompt.0.content", None)), "whose content is nothing", 1),
    Seed(FormatRule.ROLES, cell(FILE, 2, _lifted), "ends with `assistant`, not with `user`", 2),
    Seed(FormatRule.ROLES, cell(FILE, 2, put("prompt", [USER, USER])), "turn 1 is `user` where `assistant` is due", 2),
    Seed(FormatRule.ROLES, cell(FILE, 0, put("prompt", [])), "ends with nothing", 0),
    Seed(FormatRule.PLACEHOLDERS, cell(FILE, 1, put("prompt.0.content", "<image> What?")), "holds `<image>`", 1),
    Seed(FormatRule.PLACEHOLDERS, cell(FILE, 1, put("prompt.0.content", "<|image_pad|>")), "holds `<|image_pad|>`", 1),
    Seed(FormatRule.MARKERS, cell(FILE, 1, put("prompt.0.content", "a <|im_end|> b")), "holds `<|im_end|>`", 1),
    Seed(
        FormatRule.IMAGES,
        cell(FILE, 2, put("images.1.bytes", b"text")),
        "image 1: not an image of an allowed format",
        2,
    ),
    Seed(
        FormatRule.IMAGES, cell(FILE, 2, put("images.1.bytes", lambda png: png[:45])), "image 1: broken or truncated", 2
    ),
    Seed(FormatRule.IMAGES, cell(FILE, 2, put("images.1.bytes", None)), "is not in the row", 2),
]
SFT = [
    *COMMON,
    Seed(FormatRule.IDS, table(FILE, lambda t: pa.concat_tables([t, t.slice(0, 1)])), "the id stands in row 0 too", 6),
    Seed(FormatRule.ROLES, cell(FILE, 1, put("completion.0.role", "user")), "`completion` is `user`, not one", 1),
    Seed(
        FormatRule.ROLES, cell(FILE, 1, put("completion", [USER, ASSISTANT])), "`completion` is `user`, `assistant`", 1
    ),
    Seed(FormatRule.TAGS, cell(FILE, 1, put("completion.0.content", "<think>\nSo.")), "opened but not closed", 1),
    Seed(FormatRule.TAGS, cell(FILE, 1, put("completion.0.content", "So.</think> Yes.")), "closed but not opened", 1),
    Seed(FormatRule.TAGS, cell(FILE, 1, put("completion.0.content", "<think>a<think>b</think>c")), "opened twice", 1),
    Seed(FormatRule.LABELS, cell(FILE, 1, put("completion.0.content", " \n")), "`completion` is empty", 1),
]
PAIRS = [
    *COMMON,
    Seed(FormatRule.IDS, table(FILE, lambda t: pa.concat_tables([t, t.slice(0, 1)])), "the id stands in row 0 too", 6),
    Seed(
        FormatRule.TAGS,
        cell(FILE, 1, put("rejected.0.content", "<think>\nSo.")),
        "`rejected`: the reasoning is opened",
        1,
    ),
    Seed(FormatRule.LABELS, cell(FILE, 1, put("chosen.0.content", "")), "`chosen` is empty", 1),
    Seed(FormatRule.PAIRS, cell(FILE, 1, lambda row: row.update(rejected=row["chosen"])), "are the same", 1),
]


@pytest.mark.parametrize("seed", SFT, ids=lambda seed: seed.name)
def test_a_fault_in_rows_is_found(seed: Seed, copied: Export) -> None:
    """Each at its place, under its rule, with what mends it."""
    assert_found(seed, copied("trl-sft"), "trl-sft")


@pytest.mark.parametrize("seed", PAIRS, ids=lambda seed: seed.name)
def test_a_fault_in_pairs_is_found(seed: Seed, copied: Export) -> None:
    """Each at its place, under its rule, with what mends it."""
    assert_found(seed, copied("trl-preference"), "trl-preference")


def test_every_rule_is_seeded() -> None:
    """No rule is claimed that no test breaks."""
    assert {seed.rule for seed in SFT} | {FormatRule.LENGTH} == set(find_format("trl-sft").rules)  # test_lengths.py
    assert {seed.rule for seed in PAIRS} | {FormatRule.LENGTH} == set(
        find_format("trl-preference").rules
    )  # test_lengths.py


def _structured(folder: Path, parts: int) -> Path:
    """Rows whose prompts are lists of parts, as TRL takes them too."""
    part = pa.struct([("type", pa.string()), ("text", pa.string())])
    message = pa.struct([("role", pa.string()), ("content", pa.list_(part))])
    table = pq.read_table(folder / FILE)
    prompts = [
        [{"role": "user", "content": [*[{"type": "image"}] * parts, {"type": "text", "text": "What is this?"}]}]
        for _ in range(table.num_rows)
    ]
    place = table.schema.get_field_index("prompt")
    pq.write_table(table.set_column(place, "prompt", pa.array(prompts, pa.list_(message))), folder / FILE)
    return folder


def test_prompts_in_parts_need_a_part_for_each_image(copied: Export) -> None:
    """One part each: the rows with one image are sound, those with none or two are not."""
    faults = validate(_structured(copied("trl-sft"), 1), "trl-sft")
    assert [(fault.row, fault.rule) for fault in faults] == [(row, FormatRule.PLACEHOLDERS) for row in (0, 2, 5)]
    assert faults[1].fault == "the prompt has parts for 1 images, and there are 2"


def test_other_tags_are_looked_at_where_they_are_named(copied: Export) -> None:
    """Reasoning between other tags is checked by these."""
    folder = copied("trl-sft")
    cell(FILE, 1, put("completion.0.content", "[[why]] So."))(folder)
    assert validate(folder, "trl-sft") == []
    (fault,) = validate(folder, "trl-sft", CheckOptions(tags=Tags(open="[[why]]", close="[[end]]")))
    assert fault.rule is FormatRule.TAGS


def test_datasets_reads_images_prompts_and_splits(exported: Export, tmp_path: Path) -> None:
    """`load_dataset` on the folder gives decoded images, an empty list where there are none, and the system turn."""
    import datasets

    rows = datasets.load_dataset(str(exported("trl-sft")), split="train", cache_dir=str(tmp_path))
    assert rows.column_names == ["id", "prompt", "completion", "images"]
    assert [len(row["images"]) for row in rows] == [0, 1, 2, 1, 1, 0]
    assert rows[2]["images"][1].getpixel((0, 0)) == (2, 2, 2)  # the third picture drawn has the shade 2
    assert rows[1]["prompt"] == [{"role": "user", "content": "Question 1?"}]
    pairs = datasets.load_dataset(str(exported("trl-preference")), split="train", cache_dir=str(tmp_path))
    assert pairs.column_names == ["id", "prompt", "chosen", "rejected", "images", "kind"]
    assert [pair["kind"] for pair in pairs] == ["over_refusal"] * 3 + ["policy_flip"] * 3
    assert [turn["role"] for turn in pairs[3]["prompt"]] == ["system", "user"]


@pytest.fixture(scope="module")
def idefics3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build_idefics3(tmp_path_factory.mktemp("idefics3"))


def _arguments(kind: Any, folder: Path, rows: int) -> Any:
    return kind(
        output_dir=str(folder),
        max_length=None,
        max_steps=1,
        per_device_train_batch_size=rows,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )


def test_the_sft_trainer_learns_the_completions_and_nothing_else(
    exported: Export, idefics3: Path, tmp_path: Path
) -> None:
    """The labels of a batch decode to the completions, end of turn included, and a step can be taken."""
    import datasets
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from safecot_dsl.models.local import load_parts

    rows = datasets.load_dataset(str(exported("trl-sft")), split="train", cache_dir=str(tmp_path))
    model, processor = load_parts(str(idefics3), device="cpu")
    lora = LoraConfig(r=2, target_modules=r".*text_model.*\.q_proj", task_type="CAUSAL_LM")
    trainer = SFTTrainer(
        model,
        args=_arguments(SFTConfig, tmp_path, len(rows)),
        train_dataset=rows,
        processing_class=processor,
        peft_config=lora,
    )
    batch = next(iter(trainer.get_train_dataloader()))
    learnt = {processor.tokenizer.decode(labels[labels != -100]).strip() for labels in batch["labels"]}
    assert learnt == {f"{row['completion'][0]['content']}<|end|>" for row in rows}
    assert batch["pixel_values"].shape[0] == len(rows)
    assert trainer.train().training_loss > 0


@pytest.mark.long
def test_the_dpo_trainer_takes_a_step(exported: Export, idefics3: Path, tmp_path: Path) -> None:
    """Chosen and rejected answers of pairs with and without images reach the loss: at the first step, log 2."""
    import math

    import datasets
    from peft import LoraConfig
    from trl import DPOConfig, DPOTrainer

    from safecot_dsl.models.local import load_parts

    pairs = datasets.load_dataset(str(exported("trl-preference")), split="train", cache_dir=str(tmp_path))
    model, processor = load_parts(str(idefics3), device="cpu")
    trainer = DPOTrainer(
        model,
        args=_arguments(DPOConfig, tmp_path, len(pairs)),
        train_dataset=pairs,
        processing_class=processor,
        peft_config=LoraConfig(r=2, target_modules=r".*text_model.*\.q_proj", task_type="CAUSAL_LM"),
    )
    # A fresh adapter changes nothing, so that policy and reference agree: -log(sigmoid(0)).
    assert trainer.train().training_loss == pytest.approx(math.log(2), rel=1e-3)


def test_pictures_come_back_as_they_were(exported: Export) -> None:
    """The bytes in the rows are those of the files, under the files' names alone."""
    rows = pq.read_table(exported("trl-sft") / FILE).to_pylist()
    images = [image for row in rows for image in row["images"]]
    assert [image["path"] for image in images] == ["0.png", "1.png", "2.png", "3.png", "4.png"]
    shades = [Image.open(io.BytesIO(image["bytes"])).getpixel((0, 0)) for image in images]
    assert shades == [(shade, shade, shade) for shade in range(5)]
