"""LLaMA-Factory: ShareGPT conversations, and the `dataset_info.json` that declares them (read in LLaMA-Factory 0.9.5:
`data/parser.py`, `data/loader.py`, `data/converter.py`, `data/mm_plugin.py`, `data/processor/`)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats.files import RecordFiles, pair_kinds
from safecot_dsl.dataset.formats.model import FormatRule, Images, WrittenFiles
from safecot_dsl.dataset.formats.tables import IMAGES, TEXT
from safecot_dsl.dataset.store import Dataset
from safecot_dsl.storage import write_whole

INFO = "dataset_info.json"
PLACEHOLDER = "<image>"

_TURN = {"from": TEXT, "value": TEXT}
_TURNS = {"feature": _TURN, "_type": "List"}
SFT: dict[str, dict[str, Any]] = {"id": TEXT, "system": TEXT, "conversations": _TURNS, "images": IMAGES}
PREFERENCE: dict[str, dict[str, Any]] = {
    "id": TEXT,
    "system": TEXT,
    "conversations": _TURNS,
    "chosen": _TURN,
    "rejected": _TURN,
    "images": IMAGES,
}

#: What the tool does with data that break these rules is said in each fault.
RULES: dict[FormatRule, str] = {
    FormatRule.READABLE: "files are JSON Lines, a JSON list or Parquet, in UTF-8",
    FormatRule.DECLARED: f"`{INFO}` names each file, its format and its columns",
    FormatRule.COLUMNS: "rows have the columns that are declared, with turns in them",
    FormatRule.ROLES: "turns alternate, beginning with `human`; a row that does not is dropped with a warning",
    FormatRule.PLACEHOLDERS: f"there are as many `{PLACEHOLDER}` in the texts as images; otherwise the tool stops",
    FormatRule.MARKERS: "no text holds a chat template's marker, or another family's placeholder",
    FormatRule.IMAGES: "every image is there and can be decoded",
    FormatRule.TAGS: "reasoning is opened once and closed once",
    FormatRule.LABELS: "the answer is not empty",
    FormatRule.LENGTH: "with a model named: request and answer fit into `cutoff_len`, or parts are cut off unseen",
    FormatRule.PAIRS: "the chosen and the rejected answer differ",
    FormatRule.IDS: "no id stands twice",
    FormatRule.FIRST_BLOCK: "a row with images stands in the first 10 MB, from which the columns' types are inferred",
}


def write(dataset: Dataset, folder: Path, images: Images) -> WrittenFiles:
    """`<split>.jsonl` (with `embed`: a folder of Parquet files), the same for each kind of preference pairs, and
    `dataset_info.json` with an entry for each: `<name>_<split>` and `<name>_<kind>`."""
    files = RecordFiles(dataset, folder, images)
    base = entry_name(dataset)
    info = {f"{base}_{split}": _entry(files.rows(split, _conversation, SFT), ranking=False) for split in dataset.splits}
    for kind in pair_kinds(dataset):
        info[pair_entry(base, kind)] = _entry(files.pairs(kind, _pair, PREFERENCE), ranking=True)
    write_whole(folder / INFO, json.dumps(info, indent=2) + "\n")
    return files.written


def entry_name(dataset: Dataset) -> str:
    """How the entries of a data set begin: its recipe's name, else its folder's. The tool splits names at commas."""
    return _word(str(dataset.recipe.get("name") or dataset.path.absolute().name))


def pair_entry(base: str, kind: str) -> str:
    """The entry of a kind of preference pairs, in a data set whose entries begin with `base`."""
    return f"{base}_{_word(kind)}"


def _word(text: str) -> str:
    return re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "data"


def _entry(file: str, *, ranking: bool) -> dict[str, Any]:
    columns = {"messages": "conversations", "system": "system", "images": "images"}
    if ranking:
        columns |= {"chosen": "chosen", "rejected": "rejected"}
    return {"file_name": file, "formatting": "sharegpt", **({"ranking": True} if ranking else {}), "columns": columns}


def _request(row: Mapping[str, Any]) -> dict[str, Any]:
    # An empty system turn is none; where some rows have one, a column of nulls could not take it.
    return {
        "id": row["id"],
        "system": row.get("system") or "",
        "conversations": [{"from": "human", "value": PLACEHOLDER * len(row["images"]) + row["prompt"]}],
    }


def _conversation(row: Mapping[str, Any]) -> dict[str, Any]:
    request = _request(row)
    request["conversations"].append({"from": "gpt", "value": row["completion"]})
    return request


def _pair(pair: Mapping[str, Any]) -> dict[str, Any]:
    answers = {name: {"from": "gpt", "value": pair[name]} for name in ("chosen", "rejected")}
    return {**_request(pair), **answers}
