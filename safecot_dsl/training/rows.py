"""Training rows as the model will see them, and the labels that say which of their tokens carry loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.models import ImageError, Request
from safecot_dsl.models.chat import Chat
from safecot_dsl.models.tensors import IGNORED, append_tokens
from safecot_dsl.storage import Progress
from safecot_dsl.training.errors import TrainingError

if TYPE_CHECKING:
    from torch import Tensor

COLUMNS = ("id", "images", "prompt", "completion")
# Encoded rows are kept in memory up to this size, so that later epochs cost no image processing.
IN_MEMORY = 2 << 30  # bytes


@dataclass(frozen=True)
class Row:
    """One training row: what is asked, and the whole text that is to be learnt."""

    id: str
    request: Request
    completion: str


def read_rows(path: Path) -> list[Row]:
    """The rows of a Parquet file with the columns `id`, `images`, `prompt` and `completion`; others are not read.

    Raises:
        TrainingError: another kind of file, a missing column, no rows, or two rows with one id.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        missing = [name for name in COLUMNS if name not in pq.read_schema(path).names]
        if missing:
            raise TrainingError(f"`{path}` has no column {', '.join(f'`{name}`' for name in missing)}")
        table = pq.read_table(path, columns=list(COLUMNS))
    except pa.ArrowInvalid as error:
        raise TrainingError(f"`{path}` is not a Parquet file: {error}") from error
    rows: list[Row] = []
    for record in table.to_pylist():
        images = tuple(image["bytes"] for image in record["images"] or [])
        if None in images:
            raise TrainingError(f"row `{record['id']}` of `{path}` has an image without bytes")
        rows.append(Row(record["id"], Request(record["prompt"], images), record["completion"]))
    if not rows:
        raise TrainingError(f"`{path}` holds no rows")
    if len({row.id for row in rows}) < len(rows):
        raise TrainingError(f"`{path}` has several rows with one id")
    return rows


def encode_row(chat: Chat, row: Row) -> dict[str, Tensor]:
    """The model's tensors for a row, and `labels` (1, tokens): the completion's tokens, `IGNORED` before them.

    The prompt is encoded exactly as it is when the model is asked, and the completion apart, after it. Nothing is ever
    cut off. The end of the turn is labelled, so that the model learns to stop.

    Raises:
        TrainingError: the row has nothing to learn, a completion with words that the tokenizer does not know or with
            tokens that steer the conversation, or an image that is refused.
    """
    import torch

    try:
        prompt = chat.encode(row.request)
    except ImageError as error:
        raise TrainingError(f"row `{row.id}`: {error}") from error
    text = chat.remaining(row.request, row.completion)
    learnt = chat.token_ids(text)
    _check_completion(chat, row, text, learnt)
    learnt = learnt + chat.closing_ids
    length = prompt["input_ids"].shape[1]
    return append_tokens(prompt, learnt) | {"labels": torch.tensor([[IGNORED] * length + learnt])}


def _check_completion(chat: Chat, row: Row, text: str, ids: Sequence[int]) -> None:
    if not text.strip() or not ids:
        raise TrainingError(f"row `{row.id}` has no labelled tokens: its completion is empty")
    unknown = chat.tokenizer.unk_token_id
    if unknown is not None and unknown in ids:
        words = dict.fromkeys(chat.pieces_of(text, unknown))
        raise TrainingError(
            f"row `{row.id}`: the tokenizer has no tokens for {', '.join(f'`{word}`' for word in words)} "
            f"in the completion (they become `{chat.tokenizer.unk_token}`): use other words, or another base model"
        )
    steering = chat.control_ids.intersection(ids)
    if steering:
        names = ", ".join(f"`{name}`" for name in chat.tokenizer.convert_ids_to_tokens(sorted(steering)))
        raise TrainingError(f"row `{row.id}`: the completion holds {names}, which steers the conversation")


class EncodedRows:
    """The rows as tensors, each checked once; encoded again at every access where they are too large to keep."""

    def __init__(
        self, chat: Chat, rows: Sequence[Row], *, max_tokens: int | None, progress: Progress, in_memory: int = IN_MEMORY
    ) -> None:
        """Encode and check all rows.

        Raises:
            TrainingError: a row cannot be trained on (see `encode_row`), or has more than `max_tokens` tokens.
        """
        self._chat = chat
        self._rows = rows
        self._kept: list[dict[str, Tensor]] | None = []
        self.images = [len(row.request.images) for row in rows]
        self.lengths: list[int] = []
        self.labelled: list[int] = []
        self.unknown_in_prompts = 0
        size = 0
        progress.start("encoding rows", len(rows), unit="rows")
        for row in rows:
            encoded = encode_row(chat, row)
            self._count(row, encoded, max_tokens)
            size += sum(value.nbytes for value in encoded.values())
            if size > in_memory:
                self._kept = None
            if self._kept is not None:
                self._kept.append(encoded)
            progress.advance()

    @property
    def in_memory(self) -> bool:
        return self._kept is not None

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return self._kept[index] if self._kept is not None else encode_row(self._chat, self._rows[index])

    def _count(self, row: Row, encoded: dict[str, Tensor], max_tokens: int | None) -> None:
        length = encoded["input_ids"].shape[1]
        labelled = int((encoded["labels"] != IGNORED).sum())
        if max_tokens is not None and length > max_tokens:
            raise TrainingError(
                f"row `{row.id}` has {length} tokens, the model has {max_tokens} positions; rows are never cut off: "
                "leave it out, or shorten it"
            )
        self.lengths.append(length)
        self.labelled.append(labelled)
        unknown = self._chat.tokenizer.unk_token_id
        if unknown is not None:
            self.unknown_in_prompts += int((encoded["input_ids"][0, :-labelled] == unknown).sum())
