"""ms-swift's own rules on files of messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats.llamafactory import INFO
from safecot_dsl.dataset.formats.model import CheckOptions, FormatFault
from safecot_dsl.dataset.formats.records_check import Conversation, NotAConversationError, check_records
from safecot_dsl.dataset.formats.reporting import Ids, nothing_there
from safecot_dsl.dataset.formats.swift import PLACEHOLDER
from safecot_dsl.dataset.formats.turns import Turn

#: Names that the tool takes for the same (`MessagesPreprocessor`).
_MESSAGES = ("messages", "conversation", "conversations")
_ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant"}
_SUFFIXES = (".jsonl", ".json", ".parquet")


def check(path: Path, options: CheckOptions) -> Iterator[FormatFault]:
    """What keeps ms-swift from training on the rows as they are meant. `path` is a file, or a folder of files, whose
    image paths then start there (the tool's `ROOT_IMAGE_DIR`)."""
    root = path if path.is_dir() else path.parent
    files = sorted(_files(path))
    if not files:
        yield nothing_there(path, "JSON Lines, JSON or Parquet files")
    ids = Ids()
    for file in files:
        name = file.relative_to(root).as_posix()
        yield from check_records(file, name, _conversation, options, root=root, ids=ids, placeholder=PLACEHOLDER)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        found = (file for pattern in ("*", "*/*.parquet") for file in path.glob(pattern))
        yield from (file for file in found if file.suffix in _SUFFIXES and file.name != INFO)


def _conversation(row: Mapping[str, Any]) -> Conversation:
    name = next((name for name in _MESSAGES if name in row), None)
    messages = row[name] if name is not None else None
    if not isinstance(messages, list) or not messages:
        raise NotAConversationError(
            "there are no `messages`: the tool deletes the row",
            "write a list of messages, each with `role` and `content`",
        )
    turns = tuple(map(_turn, messages))
    if "image" in row and "images" in row:
        raise NotAConversationError("there are both `image` and `images`", "write `images` alone")
    images = row.get("images", row.get("image"))
    if "rejected_response" not in row:
        return Conversation(turns, images)
    rejected = row["rejected_response"]
    if not isinstance(rejected, str):
        raise NotAConversationError("`rejected_response` is no text: the tool deletes the row", "write the text")
    return Conversation(turns[:-1], images, (turns[-1].text, rejected))


def _turn(message: Any) -> Turn:
    if isinstance(message, dict):
        role = message.get("role", message.get("from"))
        text = message.get("content", message.get("value"))
        if isinstance(role, str) and isinstance(text, str):
            return Turn(_ROLES.get(role, role), text)
    raise NotAConversationError(
        "a message has no text for `content`, or no `role`: the tool deletes the row", "write both as text"
    )
