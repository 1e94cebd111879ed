"""Asking a model: every raw answer is kept, none is asked for twice, and what failed is kept as a failure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.evaluation.asking.folder import (
    ANSWERS,
    ASKED,
    CLEANED,
    ITEMS,
    Answered,
    AskedError,
    Failed,
    Provenance,
    counted,
    read_lines,
    read_provenance,
    written_line,
)
from safecot_dsl.evaluation.asking.respondents import LocalRespondent, ModelRespondent, Respondent
from safecot_dsl.evaluation.items import EvalItem, read_items
from safecot_dsl.models import LocalModel, VisionLanguageModel
from safecot_dsl.render import Tags
from safecot_dsl.storage import sha256_file, write_whole
from safecot_dsl.storage.locks import LOCK_SUFFIX, lock

if TYPE_CHECKING:
    from safecot_dsl.storage import Progress

#: What must be the same for a folder to be gone on with, in the words of its `asked.json`.
_SAME = ("kind", "model", "model_digest", "adapter_digest", "policy_prompt", "items_digest", "settings")


class AnswersError(ValueError):
    """The file of answers does not belong to these items, or is damaged."""


def ask_folder(
    items: Path,
    out: Path,
    respondent: Respondent,
    provenance: Provenance,
    *,
    system: str = "",
    progress: Progress | None = None,
) -> Provenance:
    """Put the items in a file to a respondent, and keep what comes back in the folder `out`.

    `provenance` says whom and how; dates and counts are filled in. Where its settings have `clean_requests`, requests
    are cleaned (:meth:`~safecot_dsl.evaluation.items.EvalItem.cleaned`). `system` stands before every item that has no
    system turn of its own. Answers are appended and flushed to disk as they come: after a kill the same call goes on.
    When all have been asked, `answers.jsonl` is written anew in the items' order, so that the same answers are the same
    bytes. A finished folder is asked for its failures again, and for nothing else.

    Raises:
        AskedError: `out` holds answers made otherwise (the message says what differs), is damaged, or another process
            is writing to it.
        ItemsError: the items cannot be read.
    """
    out.mkdir(parents=True, exist_ok=True)
    held = lock(out / LOCK_SUFFIX)
    if held is None:
        raise AskedError(f"another process is asking into `{out}`; wait for it, or end it")
    with held:
        return _ask_folder(items, out, respondent, provenance, system, progress)


def _ask_folder(
    source: Path, out: Path, respondent: Respondent, given: Provenance, system: str, progress: Progress | None
) -> Provenance:
    items = read_items(source)
    given = given.model_copy(update={"items_digest": sha256_file(source), "items": len(items)})
    provenance = _begun(out, given)
    path = out / ANSWERS
    lines = _lines(path, items)
    wanted = {number for number, item in enumerate(items) if not isinstance(lines.get(item.id), Answered)}
    if provenance.finished and not wanted:
        if progress is not None:
            progress.note(f"{out}: all {len(items)} items are answered")
        return provenance
    if not (out / ITEMS).is_file():
        write_whole(out / ITEMS, source.read_bytes())
    provenance = provenance.model_copy(update={"finished": ""})
    _write_provenance(out, provenance)
    notes = list(provenance.notes)
    if progress is not None:
        progress.start(f"asking {given.name}", len(items), completed=len(items) - len(wanted), unit="items")
    failed = 0

    with path.open("a", encoding="utf-8") as file:

        def tell(number: int, one: Answered | Failed) -> None:
            nonlocal failed
            lines[items[number].id] = one
            file.write(written_line(items[number].id, one))
            file.flush()
            os.fsync(file.fileno())
            failed += isinstance(one, Failed)
            if progress is not None:
                progress.advance(1, **({"failed": failed} if failed else {}))

        def note(text: str) -> None:
            notes.append(text)
            if progress is not None:
                progress.note(text)

        clean = given.settings.get(CLEANED, False)
        requests = [(item.cleaned(Tags()) if clean else item).request for item in items]
        if system:
            requests = [each if each.system else replace(each, system=system) for each in requests]
        respondent.answer(requests, [item.id for item in items], wanted, tell, note)
    missing = [item.id for item in items if item.id not in lines]
    if missing:
        raise AskedError(f"{given.model} gave neither an answer nor a reason for `{missing[0]}`")
    write_whole(path, "".join(written_line(item.id, lines[item.id]) for item in items))
    provenance = provenance.model_copy(
        update={"finished": _now(), "notes": tuple(notes), "usage": respondent.usage(), **counted(lines)}
    )
    _write_provenance(out, provenance)
    return provenance


def _begun(out: Path, given: Provenance) -> Provenance:
    """The provenance of a folder that is gone on with, or `given` with today's date."""
    if not (out / ASKED).is_file():
        if (out / ANSWERS).exists():
            raise AskedError(f"{out} holds an {ANSWERS} that nobody can tell the origin of: ask into another folder")
        return given.model_copy(update={"started": _now()})
    there = read_provenance(out)
    for name in _SAME:
        was, now = getattr(there, name), getattr(given, name)
        if was != now:
            raise AskedError(
                f"{out} holds answers made otherwise (`{name}` was {was}, now {now}): ask into another folder"
            )
    return there


def _lines(path: Path, items: Sequence[EvalItem]) -> dict[str, Answered | Failed]:
    """What an earlier run left in the file, which is cut back to its last whole line."""
    if not path.exists():
        return {}
    _cut_back(path)
    lines = read_lines(path)
    strangers = sorted(lines.keys() - {item.id for item in items})
    if strangers:
        raise AskedError(
            f"{path} holds answers to other items (`{strangers[0]}` and {len(strangers) - 1} more): "
            "remove the file, or ask into another one"
        )
    return lines


def _cut_back(path: Path) -> None:
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with path.open("r+b") as file:
            file.truncate(whole)


def _write_provenance(out: Path, provenance: Provenance) -> None:
    write_whole(out / ASKED, provenance.model_dump_json(indent=1) + "\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def ask(
    model: VisionLanguageModel,
    items: Sequence[EvalItem],
    out: Path,
    *,
    batch_size: int,
    max_new_tokens: int,
    progress: Progress | None = None,
    description: str = "asking",
) -> dict[str, str]:
    """The model's answer to every item, by id, kept in `out` as JSON lines `{"id", "answer"}`.

    Lines are appended as answers come, which a model in this process gives batch by batch, and flushed to disk; after a
    kill the next call asks only for what is missing, with the same neighbours
    (:class:`~safecot_dsl.evaluation.asking.respondents.LocalRespondent`). Raises :class:`AnswersError` where `out`
    holds answers to other items or a damaged line; a torn last line is dropped.
    """
    try:
        lines = _lines(out, items)
    except AskedError as error:
        raise AnswersError(str(error)) from error
    if progress is not None:
        progress.start(description, len(items), completed=len(lines), unit="items")
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a", encoding="utf-8") as file:

        def tell(number: int, one: Answered | Failed) -> None:
            lines[items[number].id] = one
            file.write(written_line(items[number].id, one))
            file.flush()
            os.fsync(file.fileno())
            if progress is not None:
                progress.advance()

        wanted = {number for number, item in enumerate(items) if item.id not in lines}
        note = progress.note if progress is not None else lambda _: None
        _respondent(model, max_new_tokens, batch_size).answer(
            [item.request for item in items], [item.id for item in items], wanted, tell, note
        )
    return read_answers(out)


def _respondent(model: VisionLanguageModel, max_new_tokens: int, batch_size: int) -> Respondent:
    if isinstance(model, LocalModel):
        return LocalRespondent(model, max_new_tokens=max_new_tokens, batch_size=batch_size)
    return ModelRespondent(model, max_new_tokens=max_new_tokens, batch_size=batch_size)


def read_answers(path: Path) -> dict[str, str]:
    """The answers in a file, by id. Raises :class:`AnswersError` for a damaged line, a second answer to an id, or an
    item that has none but a failure."""
    try:
        lines = read_lines(path)
    except AskedError as error:
        raise AnswersError(str(error)) from error
    answers: dict[str, str] = {}
    for key, line in lines.items():
        if isinstance(line, Failed):
            raise AnswersError(f"{path}: `{key}` has no answer: {line.reason} ({line.detail})")
        answers[key] = line.text
    return answers
