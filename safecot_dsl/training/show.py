"""What a batch looks like to the model, and which of its tokens carry loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from safecot_dsl.models.chat import Chat
from safecot_dsl.models.local import load_chat
from safecot_dsl.models.tensors import IGNORED, collate
from safecot_dsl.training.rows import Row, encode_row, read_rows
from safecot_dsl.training.weighting import LOSS_WEIGHTS, Weighting


@dataclass(frozen=True)
class Piece:
    """Text of neighbouring tokens that weigh the same in the loss; 0: they carry none."""

    text: str
    weight: float


@dataclass(frozen=True)
class ShownRow:
    """A row as the model is given it, padding included; `learnt` of its `tokens` carry loss."""

    row: str
    tokens: int
    learnt: int
    pieces: tuple[Piece, ...]

    @property
    def title(self) -> str:
        return f"row {self.row}: {self.tokens} tokens, {self.learnt} with loss"

    @property
    def marked(self) -> str:
        """The text with `⟦…⟧` around what carries loss."""
        parts = groupby(self.pieces, key=lambda piece: piece.weight > 0)
        texts = ((carries, "".join(piece.text for piece in part)) for carries, part in parts)
        return "".join(f"⟦{text}⟧" if carries else text for carries, text in texts)


def look_at_batch(
    rows: Path | Sequence[Row], model: str, *, count: int = 2, weighting: Weighting | None = None
) -> list[ShownRow]:
    """The first `count` rows, of a data set or of these, as the model is given them.

    Runs of one special token (image tokens, padding) are shown as `<image>×16`. The weights are read off the very
    tensors that the model would be given (rows with as many images share a batch).
    """
    chat = load_chat(model)
    weighting = weighting or Weighting()
    shown: list[ShownRow] = []
    chosen = (read_rows(rows) if isinstance(rows, Path) else rows)[:count]
    for _, group in groupby(chosen, key=lambda row: len(row.request.images)):
        batch = list(group)
        tensors = collate([encode_row(chat, row, weighting) for row in batch], pad_id=chat.pad_id, side="right")
        carries = (tensors["labels"] != IGNORED).float()
        weights = (tensors.get(LOSS_WEIGHTS, carries) * carries).tolist()
        columns = (tensors["input_ids"].tolist(), weights, tensors["attention_mask"].sum(1).tolist())
        for row, ids, weighed, attended in zip(batch, *columns, strict=True):
            learnt = sum(weight > 0 for weight in weighed)
            shown.append(ShownRow(row.id, attended, learnt, tuple(_pieces(chat, ids, weighed))))
    return shown


def show_batch(rows: Path, model: str, *, count: int = 2, weighting: Weighting | None = None) -> str:
    """`look_at_batch` as text, `⟦…⟧` around what carries loss."""
    looked = look_at_batch(rows, model, count=count, weighting=weighting)
    return "\n".join(f"{shown.title}\n{shown.marked}\n" for shown in looked)


def _pieces(chat: Chat, ids: list[int], weights: list[float]) -> list[Piece]:
    runs = groupby(zip(ids, weights, strict=True), key=lambda pair: pair[1])
    return [Piece(_readable(chat, [token for token, _ in run]), weight) for weight, run in runs]


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
