"""ms-swift: JSON Lines of messages (read in ms-swift 4.6.0: `dataset/loader.py`, `dataset/preprocessor/core.py`,
`template/template_inputs.py`, `template/base.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats.files import RecordFiles, pair_kinds
from safecot_dsl.dataset.formats.model import FormatRule, Images, WrittenFiles
from safecot_dsl.dataset.formats.tables import IMAGES, MESSAGES, TEXT
from safecot_dsl.dataset.formats.trl import messages
from safecot_dsl.dataset.store import Dataset

PLACEHOLDER = "<image>"
SFT: dict[str, dict[str, Any]] = {"id": TEXT, "messages": MESSAGES, "images": IMAGES}
PREFERENCE: dict[str, dict[str, Any]] = {
    "id": TEXT,
    "messages": MESSAGES,
    "rejected_response": TEXT,
    "images": IMAGES,
}

RULES: dict[FormatRule, str] = {
    FormatRule.READABLE: "files are JSON Lines, a JSON list or Parquet, in UTF-8",
    FormatRule.COLUMNS: "`messages` are there, each with `role` and `content`; other rows are deleted with a log line",
    FormatRule.ROLES: "user and assistant alternate, after at most one system turn",
    FormatRule.PLACEHOLDERS: f"there are as many `{PLACEHOLDER}` in the texts as images; missing ones are put before "
    "the first turn, and what is too much stays text",
    FormatRule.MARKERS: "no text holds a chat template's marker, or another family's placeholder",
    FormatRule.IMAGES: "every image is there and can be decoded",
    FormatRule.TAGS: "reasoning is opened once and closed once",
    FormatRule.LABELS: "the answer is not empty",
    FormatRule.LENGTH: "with a model named: request and answer fit into `max_length`, or the row is deleted",
    FormatRule.PAIRS: "`rejected_response` differs from the answer; a row where it does not is deleted",
    FormatRule.IDS: "no id stands twice",
    FormatRule.FIRST_BLOCK: "a row with images stands in the first 10 MB, from which the columns' types are inferred",
}


def write(dataset: Dataset, folder: Path, images: Images) -> WrittenFiles:
    """`<split>.jsonl` and `preference-<kind>.jsonl` (with `embed`: folders of Parquet files of these names)."""
    files = RecordFiles(dataset, folder, images)
    for split in dataset.splits:
        files.rows(split, _conversation, SFT)
    for kind in pair_kinds(dataset):
        files.pairs(kind, _pair, PREFERENCE)
    return files.written


def _turns(row: Mapping[str, Any], answer: str) -> list[dict[str, str]]:
    request = PLACEHOLDER * len(row["images"]) + row["prompt"]
    return [*messages(row.get("system"), request), {"role": "assistant", "content": answer}]


def _conversation(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row["id"], "messages": _turns(row, row["completion"])}


def _pair(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": pair["id"],
        "messages": _turns(pair, pair["chosen"]),
        "rejected_response": pair["rejected"],
    }
