"""ms-swift: JSON Lines of messages (read in ms-swift 4.6.0: `dataset/loader.py`, `dataset/preprocessor/core.py`,
`template/template_inputs.py`, `template/base.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats.files import ROW_COLUMNS, RecordFiles, pair_kinds
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
GRPO: dict[str, dict[str, Any]] = {"id": TEXT, "messages": MESSAGES, "images": IMAGES, "facts": TEXT, "own": TEXT}

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

GRPO_RULES = {
    rule: text
    for rule, text in RULES.items()
    if rule not in (FormatRule.TAGS, FormatRule.LABELS, FormatRule.PAIRS, FormatRule.LENGTH)
} | {
    FormatRule.ROLES: "the messages end with the user's turn: the answer is the model's to write",
    FormatRule.POLICY: "`facts` is a case as JSON: what the rewards hold an answer against",
}


def write(dataset: Dataset, folder: Path, images: Images) -> WrittenFiles:
    """`<split>.jsonl` and `preference-<kind>.jsonl` (with `embed`: folders of Parquet files of these names)."""
    files = RecordFiles(dataset, folder, images)
    for split in dataset.splits:
        files.rows(split, _conversation, SFT)
    for kind in pair_kinds(dataset):
        files.pairs(kind, _pair, PREFERENCE)
    return files.written


def write_grpo(dataset: Dataset, folder: Path, images: Images) -> WrittenFiles:
    """`<split>.jsonl` (with `embed`: folders of Parquet files of these names), whose columns `facts` (the case as JSON)
    and `own` (the row's own text) the tool passes on to the rewards."""
    files = RecordFiles(dataset, folder, images)
    for split in dataset.splits:
        files.rows(split, _request, GRPO, (*ROW_COLUMNS, "facts"))
    return files.written


def _request(row: Mapping[str, Any]) -> dict[str, Any]:
    asked = _turns(row, None)
    return {"id": row["id"], "messages": asked, "facts": row["facts"], "own": row["completion"]}


def _turns(row: Mapping[str, Any], answer: str | None) -> list[dict[str, str]]:
    asked = messages(row.get("system"), PLACEHOLDER * len(row["images"]) + row["prompt"])
    return asked if answer is None else [*asked, {"role": "assistant", "content": answer}]


def _conversation(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row["id"], "messages": _turns(row, row["completion"])}


def _pair(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": pair["id"],
        "messages": _turns(pair, pair["chosen"]),
        "rejected_response": pair["rejected"],
    }
