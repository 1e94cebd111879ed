"""verl: Parquet rows for its `RLHFDataset`, with the facts as the ground truth of `reward_model` (read in verl 0.9.1:
`utils/dataset/rl_dataset.py`, `experimental/reward_loop/reward_manager/naive.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats.files import ROW_COLUMNS
from safecot_dsl.dataset.formats.images import embedded
from safecot_dsl.dataset.formats.model import FormatRule, Images, WrittenFiles
from safecot_dsl.dataset.formats.tables import IMAGES, MESSAGES, TEXT, TableWriter
from safecot_dsl.dataset.formats.trl import messages
from safecot_dsl.dataset.schema import features_schema
from safecot_dsl.dataset.store import Dataset

PLACEHOLDER = "<image>"
_WHOLE: dict[str, Any] = {"dtype": "int64", "_type": "Value"}
ROWS: dict[str, dict[str, Any]] = {
    "id": TEXT,
    "data_source": TEXT,
    "prompt": MESSAGES,
    "images": IMAGES,
    "ability": TEXT,
    "reward_model": {"style": TEXT, "ground_truth": TEXT},
    "extra_info": {"split": TEXT, "index": _WHOLE, "own": TEXT},
}

RULES: dict[FormatRule, str] = {
    FormatRule.READABLE: "files are Parquet",
    FormatRule.COLUMNS: "there are `data_source`, `prompt`, `images`, `reward_model` and `extra_info`",
    FormatRule.ROLES: "the prompt ends with the user's turn: the answer is the model's to write",
    FormatRule.PLACEHOLDERS: f"there are as many `{PLACEHOLDER}` in the prompt as images, else loading stops",
    FormatRule.MARKERS: "no text holds a chat template's marker, or another family's placeholder",
    FormatRule.IMAGES: "every image is in its row and can be decoded",
    FormatRule.POLICY: "`reward_model.ground_truth` is a case as JSON: what the rewards hold an answer against",
    FormatRule.IDS: "no id stands twice",
}


def write(dataset: Dataset, folder: Path, images: Images) -> WrittenFiles:
    """`<split>-00000.parquet` and on."""
    del images
    files: dict[str, int] = {}
    for split in dataset.splits:
        with TableWriter(folder, split, features_schema(ROWS)) as writer:
            for index, row in enumerate(dataset.rows((*ROW_COLUMNS, "facts"), split=split)):
                writer.add({**_row(row, split, index), "images": embedded(dataset, row)})
        files |= writer.files
    return WrittenFiles(files)


def _row(row: Mapping[str, Any], split: str, index: int) -> dict[str, Any]:
    return {
        "id": row["id"],
        "data_source": "safecot",
        "prompt": messages(row.get("system"), PLACEHOLDER * len(row["images"]) + row["prompt"]),
        "ability": "safety",
        "reward_model": {"style": "rule", "ground_truth": row["facts"]},
        "extra_info": {"split": split, "index": index, "own": row["completion"]},
    }
