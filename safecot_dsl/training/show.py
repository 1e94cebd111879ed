"""What a batch looks like to the model, and which of its tokens carry loss."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from safecot_dsl.models.chat import Chat
from safecot_dsl.models.local import load_chat
from safecot_dsl.models.tensors import IGNORED, collate
from safecot_dsl.training.rows import encode_row, read_rows
from safecot_dsl.training.weighting import Weighting


def show_batch(rows: Path, model: str, *, count: int = 2, weighting: Weighting | None = None) -> str:
    """The first `count` rows as the model is given them: their text, padding included, `⟦…⟧` around what carries loss.

    Runs of one special token (image tokens, padding) are shown as `<image>×16`. The marks are read off the labels of
    the very tensors that the model would be given (rows with as many images share a batch); a part
    that weighs nothing carries none.
    """
    chat = load_chat(model)
    weighting = weighting or Weighting()
    shown: list[str] = []
    for _, group in groupby(read_rows(rows)[:count], key=lambda row: len(row.request.images)):
        batch = list(group)
        tensors = collate([encode_row(chat, row, weighting) for row in batch], pad_id=chat.pad_id, side="right")
        columns = (tensors["input_ids"].tolist(), tensors["labels"].tolist(), tensors["attention_mask"].sum(1).tolist())
        for row, ids, labels, attended in zip(batch, *columns, strict=True):
            learnt = sum(label != IGNORED for label in labels)
            shown.append(f"row {row.id}: {attended} tokens, {learnt} with loss\n{_marked(chat, ids, labels)}\n")
    return "\n".join(shown)


def _marked(chat: Chat, ids: list[int], labels: list[int]) -> str:
    text = ""
    for carries_loss, part in groupby(zip(ids, labels, strict=True), key=lambda pair: pair[1] != IGNORED):
        piece = _readable(chat, [token for token, _ in part])
        text += f"⟦{piece}⟧" if carries_loss else piece
    return text


def _readable(chat: Chat, ids: list[int]) -> str:
    text = ""
    for control, part in groupby(ids, key=lambda token: token if token in chat.control_ids else None):
        tokens = list(part)
        text += (
            chat.tokenizer.decode(tokens)
            if control is None or len(tokens) == 1
            else (f"{chat.tokenizer.decode(control)}×{len(tokens)}")
        )
    return text
