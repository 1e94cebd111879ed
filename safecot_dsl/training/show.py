"""What a batch looks like to the model, and which of its tokens carry loss."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from safecot_dsl.models.chat import Chat
from safecot_dsl.models.local import load_chat
from safecot_dsl.models.tensors import IGNORED, collate
from safecot_dsl.training.rows import encode_row, read_rows


def show_batch(rows: Path, model: str, *, count: int = 2) -> str:
    """The first `count` rows as the model is given them: their text, padding included, `⟦…⟧` around what carries loss.

    Runs of one special token (image tokens, padding) are shown as `<image>×16`. The marks are read off the labels of
    the very tensors that the model would be given (rows with as many images share a batch).
    """
    chat = load_chat(model)
    shown: list[str] = []
    for _, group in groupby(read_rows(rows)[:count], key=lambda row: len(row.request.images)):
        batch = list(group)
        tensors = collate([encode_row(chat, row) for row in batch], pad_id=chat.pad_id, side="right")
        for row, ids, labels in zip(batch, tensors["input_ids"].tolist(), tensors["labels"].tolist(), strict=True):
            learnt = sum(label != IGNORED for label in labels)
            shown.append(f"row {row.id}: {len(ids)} tokens, {learnt} with loss\n{_marked(chat, ids, labels)}\n")
    return "\n".join(shown)


def _marked(chat: Chat, ids: list[int], labels: list[int]) -> str:
    text = ""
    pairs = zip(ids, labels, strict=True)
    for carries_loss, part in groupby(pairs, key=lambda pair: pair[1] != IGNORED):
        piece = "".join(_run(chat, token, len(list(run))) for token, run in groupby(i for i, _ in part))
        text += f"⟦{piece}⟧" if carries_loss else piece
    return text


def _run(chat: Chat, token: int, count: int) -> str:
    name = chat.tokenizer.convert_ids_to_tokens(token)
    if token not in chat.control_ids:
        return "".join([name] * count)
    return name if count == 1 else f"{name}×{count}"
