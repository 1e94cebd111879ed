"""TRL: conversational prompt and completion for `SFTTrainer`, prompt with a chosen and a rejected answer for
`DPOTrainer`, and images as a column of their own (read in TRL 1.16: `trainer/sft_trainer.py`, `trainer/dpo_trainer.py`,
`data_utils.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats.files import ROW_COLUMNS
from safecot_dsl.dataset.formats.images import embedded
from safecot_dsl.dataset.formats.model import ExportError, FormatRule, Images, WrittenFiles
from safecot_dsl.dataset.formats.tables import IMAGES, MESSAGES, TEXT, TableWriter
from safecot_dsl.dataset.schema import features_schema
from safecot_dsl.dataset.store import DATA, Dataset
from safecot_dsl.storage import write_whole

SFT: dict[str, dict[str, Any]] = {"id": TEXT, "prompt": MESSAGES, "completion": MESSAGES, "images": IMAGES}
PREFERENCE: dict[str, dict[str, Any]] = {
    "id": TEXT,
    "prompt": MESSAGES,
    "chosen": MESSAGES,
    "rejected": MESSAGES,
    "images": IMAGES,
    "kind": TEXT,
}

GRPO: dict[str, dict[str, Any]] = {"id": TEXT, "prompt": MESSAGES, "images": IMAGES, "facts": TEXT, "own": TEXT}

#: What the trainers do with data that break these rules.
RULES: dict[FormatRule, str] = {
    FormatRule.READABLE: "files are Parquet",
    FormatRule.COLUMNS: "there are the trainer's columns and none that send rows another way (`messages`, `image`, "
    "`label`); `images` is declared as a list of images, and is never null",
    FormatRule.ROLES: "the prompt ends with the user's turn, and the answer is one assistant turn",
    FormatRule.PLACEHOLDERS: "no text holds an image placeholder: the trainer puts the images before the first user "
    "turn",
    FormatRule.MARKERS: "no text holds a chat template's marker",
    FormatRule.IMAGES: "every image is in its row and can be decoded",
    FormatRule.TAGS: "reasoning is opened once and closed once",
    FormatRule.LABELS: "the answer is not empty",
    FormatRule.LENGTH: "with a model named: request and answer fit into `max_length`, or the end is cut off unseen",
    FormatRule.IDS: "no id stands twice",
}
PREFERENCE_RULES = RULES | {FormatRule.PAIRS: "the chosen and the rejected answer differ"}

GRPO_RULES = {
    rule: text
    for rule, text in RULES.items()
    if rule not in (FormatRule.TAGS, FormatRule.LABELS, FormatRule.ROLES, FormatRule.LENGTH)
} | {
    FormatRule.ROLES: "the prompt ends with the user's turn: the answer is the model's to write",
    FormatRule.POLICY: "`facts` is a case as JSON: what the rewards hold an answer against",
}


def messages(system: str | None, prompt: str) -> list[dict[str, str]]:
    """The turns of a request, with the policy's prompt before it where there is one."""
    turns = [{"role": "user", "content": prompt}]
    return [{"role": "system", "content": system}, *turns] if system else turns


def write_sft(dataset: Dataset, folder: Path, images: Images) -> WrittenFiles:
    """`data/<split>-00000.parquet` and on: `id`, `prompt`, `completion`, `images`."""
    del images
    files: dict[str, int] = {}
    for split in dataset.splits:
        with TableWriter(folder / DATA, split, features_schema(SFT)) as writer:
            for row in dataset.rows(ROW_COLUMNS, split=split):
                writer.add(_sft_row(dataset, row))
        files |= {f"{DATA}/{name}": rows for name, rows in writer.files.items()}
    write_whole(folder / "README.md", _readme(dataset.splits))
    return WrittenFiles(files)


def write_preference(dataset: Dataset, folder: Path, images: Images) -> WrittenFiles:
    """`data/train-00000.parquet` and on: `id`, `prompt`, `chosen`, `rejected`, `images`, and the pair's `kind`.

    Raises:
        ExportError: the data set holds no preference pairs.
    """
    del images
    with TableWriter(folder / DATA, "train", features_schema(PREFERENCE)) as writer:
        for pair in dataset.preferences():
            writer.add(_preference_row(dataset, pair))
    if not writer.files:
        raise ExportError(
            f"{dataset.path} holds no preference pairs: name some under `data.preferences` in the recipe, and generate"
        )
    write_whole(folder / "README.md", _readme(("train",)))
    return WrittenFiles({f"{DATA}/{name}": rows for name, rows in writer.files.items()})


def write_grpo(dataset: Dataset, folder: Path, images: Images) -> WrittenFiles:
    """`data/<split>-00000.parquet` and on: `id`, `prompt`, `images`, `facts` (the case as JSON) and `own` (the row's
    own text): columns that `GRPOTrainer` passes on to its reward functions."""
    del images
    files: dict[str, int] = {}
    for split in dataset.splits:
        with TableWriter(folder / DATA, split, features_schema(GRPO)) as writer:
            for row in dataset.rows((*ROW_COLUMNS, "facts"), split=split):
                prompt = messages(row.get("system"), row["prompt"])
                kept = {"facts": row["facts"], "own": row["completion"]}
                writer.add({"id": row["id"], "prompt": prompt, "images": embedded(dataset, row), **kept})
        files |= {f"{DATA}/{name}": rows for name, rows in writer.files.items()}
    write_whole(folder / "README.md", _readme(dataset.splits))
    return WrittenFiles(files)


def _sft_row(dataset: Dataset, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "prompt": messages(row.get("system"), row["prompt"]),
        "completion": [{"role": "assistant", "content": row["completion"]}],
        "images": embedded(dataset, row),
    }


def _preference_row(dataset: Dataset, pair: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": pair["id"],
        "prompt": messages(pair["system"], pair["prompt"]),
        "chosen": [{"role": "assistant", "content": pair["chosen"]}],
        "rejected": [{"role": "assistant", "content": pair["rejected"]}],
        "images": embedded(dataset, pair),
        "kind": pair["kind"],
    }


def _readme(splits: tuple[str, ...]) -> str:
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split in splits:
        lines += [f"  - split: {split}", f"    path: {DATA}/{split}-*.parquet"]
    return "\n".join((*lines, "---", ""))


def iter_files(path: Path) -> Iterator[Path]:
    """The Parquet files of an export: the file itself, those in `data/`, or those in the folder."""
    if path.is_file():
        yield path
        return
    yield from sorted((path / DATA).glob("*.parquet")) or sorted(path.glob("*.parquet"))
