"""LLaMA-Factory's own rules on a folder with a `dataset_info.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats.llamafactory import INFO, PLACEHOLDER
from safecot_dsl.dataset.formats.model import CheckOptions, FormatFault, FormatRule
from safecot_dsl.dataset.formats.records_check import Conversation, NotAConversationError, check_records
from safecot_dsl.dataset.formats.reporting import Ids, file_fault
from safecot_dsl.dataset.formats.turns import ASSISTANT, SYSTEM, USER, Turn, Violation

#: What an entry that says nothing else means (`DatasetAttr`). Columns that an entry names replace all of these.
_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}
#: What each tag stands for; the answer of a tool is put like a request, and the call of one like an answer.
_ROLES = {"system": SYSTEM, "user": USER, "observation": USER, "assistant": ASSISTANT, "function": ASSISTANT}
_SUFFIXES = (".jsonl", ".json", ".parquet")
_INFO_LIMIT = 16 << 20  # bytes


def check(path: Path, options: CheckOptions) -> Iterator[FormatFault]:
    """What keeps LLaMA-Factory from training on the rows as they are meant. `path` is the folder (the tool's
    `dataset_dir`), or its `dataset_info.json`."""
    folder = path.parent if path.name == INFO else path
    declared = _declared(folder)
    if isinstance(declared, Violation):
        yield file_fault(INFO, declared)
        return
    ids = Ids()
    for name, entry in declared.items():
        wrong = list(_entry_faults(folder, name, entry))
        yield from (file_fault(INFO, found) for found in wrong)
        if wrong:
            continue
        read = partial(_conversation, entry, _TAGS | entry.get("tags", {}))
        for file in _files(folder / entry["file_name"]):
            yield from check_records(
                file,
                file.relative_to(folder).as_posix(),
                read,
                options,
                root=folder,
                ids=ids,
                placeholder=PLACEHOLDER,
            )


def _declared(folder: Path) -> dict[str, Any] | Violation:
    file = folder / INFO
    mend = "write one entry for each file: its `file_name`, `formatting: sharegpt` and `columns`"
    if not file.is_file():
        return Violation(FormatRule.DECLARED, "there is no such file", mend)
    if file.stat().st_size > _INFO_LIMIT:
        return Violation(FormatRule.DECLARED, f"more than {_INFO_LIMIT >> 20} MiB", mend)
    try:
        value = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        return Violation(FormatRule.DECLARED, f"not JSON ({error})", mend)
    if not isinstance(value, dict) or not value or not all(isinstance(entry, dict) for entry in value.values()):
        return Violation(FormatRule.DECLARED, "it holds no entries", mend)
    return value


def _files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


def _entry_faults(folder: Path, name: str, entry: Mapping[str, Any]) -> Iterator[Violation]:
    columns, tags = entry.get("columns", {}), entry.get("tags", {})
    if not isinstance(columns, dict) or not isinstance(tags, dict):
        yield Violation(FormatRule.DECLARED, f"`{name}`: `columns` and `tags` are no objects", "write names to names")
        return
    if "," in name:
        yield Violation(FormatRule.DECLARED, f"`{name}`: the tool splits names at commas", "take the comma out")
    if entry.get("formatting", "alpaca") not in ("sharegpt", "openai"):
        yield Violation(
            FormatRule.DECLARED,
            f"`{name}`: `formatting` is {entry.get('formatting', 'left out, which means alpaca')}",
            "write `sharegpt`, and the turns as a list",
        )
    if columns and "messages" not in columns:
        yield Violation(
            FormatRule.DECLARED,
            f"`{name}`: `columns` does not name the turns: where it names any, there is no default",
            'add `"messages": "conversations"`',
        )
    if entry.get("ranking") and not {"chosen", "rejected"} <= columns.keys():
        yield Violation(
            FormatRule.DECLARED,
            f"`{name}`: `ranking` is set, and `columns` does not name both answers",
            'add `"chosen": "chosen"` and `"rejected": "rejected"`',
        )
    yield from _file_name_faults(folder, name, entry.get("file_name"))


def _file_name_faults(folder: Path, name: str, file_name: Any) -> Iterator[Violation]:
    if not isinstance(file_name, str) or "\0" in file_name:
        yield Violation(
            FormatRule.DECLARED, f"`{name}` names no file of the folder", "write `file_name`; nothing is fetched here"
        )
        return
    path = (folder / file_name).resolve()
    if not path.is_relative_to(folder.resolve()):
        yield Violation(FormatRule.DECLARED, f"`{name}`: `{file_name}` leaves the folder", "put the file inside")
    elif not path.exists():
        yield Violation(
            FormatRule.DECLARED, f"`{name}`: there is no `{file_name}`", "bring it back, or take the entry out"
        )
    elif len({file.suffix for file in _files(path)} | {""}) != 2 or _files(path)[0].suffix not in _SUFFIXES:
        yield Violation(
            FormatRule.DECLARED,
            f"`{name}`: `{file_name}` is not of one kind that is read ({', '.join(_SUFFIXES)})",
            "write one kind of file, and nothing else into its folder",
        )


def _conversation(entry: Mapping[str, Any], tags: Mapping[str, str], row: Mapping[str, Any]) -> Conversation:
    columns = entry.get("columns") or {"messages": "conversations"}
    roles = {tags[f"{name}_tag"]: role for name, role in _ROLES.items()}
    messages = row.get(columns["messages"])
    if not isinstance(messages, list):
        raise NotAConversationError(f"`{columns['messages']}` is no list of turns", "write the turns as a list")
    turns = [_turn(message, tags, roles) for message in messages]
    system = row.get(columns["system"]) if "system" in columns else None
    if system and turns[:1] and turns[0].role != SYSTEM:
        turns.insert(0, Turn(SYSTEM, str(system)))
    images = row.get(columns["images"]) if "images" in columns else None
    if "images" not in columns and row.get("images"):
        raise NotAConversationError(
            "the row has images, and the entry does not declare them: the tool drops them",
            'add `"images": "images"` to the entry\'s `columns`',
        )
    answers: tuple[str, ...] = ()
    if entry.get("ranking"):
        answers = tuple(_turn(row.get(columns[name]), tags, roles, f"`{name}`").text for name in ("chosen", "rejected"))
    return Conversation(tuple(turns), images, answers)


def _turn(message: Any, tags: Mapping[str, str], roles: Mapping[str, str], name: str = "a turn") -> Turn:
    said: dict[str, Any] = message if isinstance(message, dict) else {}
    role, text = said.get(tags["role_tag"]), said.get(tags["content_tag"])
    if not isinstance(role, str) or not isinstance(text, str):
        raise NotAConversationError(
            f"{name} has no text under `{tags['content_tag']}`, or no role under `{tags['role_tag']}`",
            "write both as text",
        )
    if role not in roles or (name != "a turn" and roles[role] != ASSISTANT):
        raise NotAConversationError(
            f"{name} is said by `{role}`: the tool drops the row",
            f"write `{tags['user_tag']}` or `{tags['assistant_tag']}`, or name the roles in the entry's `tags`",
            FormatRule.ROLES,
        )
    return Turn(roles[role], text)
