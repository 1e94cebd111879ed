"""Asking a model: every raw answer is kept, and none is asked for twice."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.models import VisionLanguageModel

if TYPE_CHECKING:
    from safecot_dsl.storage import Progress


class AnswersError(ValueError):
    """The file of answers does not belong to these items, or is damaged."""


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

    Lines are appended a batch at a time and flushed to disk; after a kill the next call asks only for what is missing.
    Batches are cut from the whole list, shortest prompts first, so that an item meets the same neighbours (and the
    same padding) whether or not the run was interrupted. Raises :class:`AnswersError` where `out` holds answers to
    other items or a damaged line; a torn last line is dropped.
    """
    answers = _continue(out, items)
    if progress is not None:
        progress.start(description, len(items), completed=len(answers), unit="items")
    order = sorted(items, key=lambda item: (len(item.images), len(item.prompt.split()), item.id))
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a", encoding="utf-8") as file:
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            missing = [item for item in batch if item.id not in answers]
            if not missing:
                continue
            texts = model.generate(
                [item.request for item in batch],
                max_new_tokens=max_new_tokens,
                batch_size=batch_size,
            )
            found = {item.id: text for item, text in zip(batch, texts, strict=True)}
            answers.update({item.id: found[item.id] for item in missing})
            file.writelines(json.dumps({"id": item.id, "answer": found[item.id]}) + "\n" for item in missing)
            file.flush()
            os.fsync(file.fileno())
            if progress is not None:
                progress.advance(len(missing))
    return answers


def read_answers(path: Path) -> dict[str, str]:
    """The answers in a file, by id. Raises :class:`AnswersError` for a damaged line or a second answer to an id."""
    answers: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line:
            continue
        try:
            row = json.loads(line)
            key, answer = row["id"], row["answer"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise AnswersError(f'{path}:{number}: not a line of the form {{"id", "answer"}}: {error}') from error
        if not isinstance(key, str) or not isinstance(answer, str):
            raise AnswersError(f"{path}:{number}: `id` and `answer` must be strings")
        if key in answers:
            raise AnswersError(f"{path}:{number}: a second answer to `{key}`")
        answers[key] = answer
    return answers


def _continue(out: Path, items: Sequence[EvalItem]) -> dict[str, str]:
    """What an earlier run left in `out`, which is cut back to its last whole line."""
    if not out.exists():
        return {}
    data = out.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with out.open("r+b") as file:
            file.truncate(whole)
    answers = read_answers(out)
    strangers = sorted(answers.keys() - {item.id for item in items})
    if strangers:
        raise AnswersError(
            f"{out} holds answers to other items (`{strangers[0]}` and {len(strangers) - 1} more): "
            "remove the file, or ask into another one"
        )
    return answers
