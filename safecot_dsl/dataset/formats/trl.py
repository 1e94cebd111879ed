"""TRL: conversational prompt and completion for `SFTTrainer`, prompt with a chosen and a rejected answer for
`DPOTrainer`, and images as a column of their own (read in TRL 1.16: `trainer/sft_trainer.py`, `trainer/dpo_trainer.py`,
`data_utils.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats.files import ROW_COLUMNS
from safecot_dsl.dataset.formats.images import embedded
from safecot_dsl.dataset.formats.model import ExportError, Images, Rule, Written
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

#: What the trainers do with data that break these rules.
RULES: dict[Rule, str] = {
    Rule.READABLE: "files are Parquet",
    Rule.COLUMNS: "there are the trainer's columns and none that send rows another way (`messages`, `image`, `label`); "
    "`images` is declared as a list of images, and is never null",
    Rule.ROLES: "the prompt ends with the user's turn, and the answer is one assistant turn",
    Rule.PLACEHOLDERS: "no text holds an image placeholder: the trainer puts the images before the first user turn",
    Rule.MARKERS: "no text holds a chat template's marker",
    Rule.IMAGES: "every image is in its row and can be decoded",
    Rule.TAGS: "reasoning is opened once and closed once",
    Rule.LABELS: "the answer is not empty",
    Rule.LENGTH: "with a model named: request and answer fit into `max_length`, or the end is cut off unseen",
    Rule.IDS: "no id stands twice",
}
PREFERENCE_RULES = RULES | {Rule.PAIRS: "the chosen and the rejected answer differ"}


def messages(system: str | None, prompt: str) -> list[dict[str, str]]:
    """The turns of a request, with the policy's prompt before it where there is one."""
    turns = [{"role": "user", "content": prompt}]
    return [{"role": "system", "content": system}, *turns] if system else turns


def write_sft(dataset: Dataset, folder: Path, images: Images) -> Written:
    """`data/<split>-00000.parquet` and on: `id`, `prompt`, `completion`, `images`."""
    del images
    files: dict[str, int] = {}
    for split in dataset.splits:
        with TableWriter(folder / DATA, split, features_schema(SFT)) as writer:
            for row in dataset.rows(ROW_COLUMNS, split=split):
                writer.add(_sft_row(dataset, row))
        files |= {f"{DATA}/{name}": rows for name, rows in writer.files.items()}
    write_whole(folder / "README.md", _readme(dataset.splits))
    return Written(files)


def write_preference(dataset: Dataset, folder: Path, images: Images) -> Written:
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
    return Written({f"{DATA}/{name}": rows for name, rows in writer.files.items()})


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
