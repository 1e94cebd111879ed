"""Training rows as the model will see them, and the labels that say which of their tokens carry loss."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.dataset.store import DatasetError, open_dataset, split_of
from safecot_dsl.models import ImageError, Request
from safecot_dsl.models.chat import Chat
from safecot_dsl.models.tensors import IGNORED
from safecot_dsl.storage import Progress, sha256_bytes
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.tensor_cache import TensorCache
from safecot_dsl.training.weighting import LOSS_WEIGHTS, Weighting
from safecot_dsl.training.workers import default_workers, in_workers

if TYPE_CHECKING:
    from torch import Tensor

_EVEN = Weighting()
COLUMNS = ("id", "images", "prompt", "completion")
# Encoded rows are kept in memory up to this size, so that later epochs cost no image processing.
IN_MEMORY = 2 << 30  # bytes


@dataclass(frozen=True)
class Row:
    """One training row: what is asked, and the whole text that is to be learnt."""

    id: str
    request: Request
    completion: str


def row_files(path: Path) -> tuple[Path, ...]:
    """The Parquet files that rows are read from: those of the split `train` of a data set, or the file `path` itself.

    Raises:
        TrainingError: there is no such file or data set, or it has no split `train`.
    """
    try:
        dataset = open_dataset(path)
    except DatasetError as error:
        raise TrainingError(f"there is no file of training rows: {error}") from error
    if path.is_file():
        return dataset.files
    files = tuple(file for file in dataset.files if split_of(file) == "train")
    if not files:
        raise TrainingError(f"`{path}` has no split `train` (it has {', '.join(dataset.splits)})")
    return files


def read_rows(path: Path) -> list[Row]:
    """The rows of the split `train` of a data set, or of a Parquet file with the columns `id`, `images`, `prompt` and
    `completion`, and `system` where something stands in the system turn; other columns are not read.

    Raises:
        TrainingError: no such rows, another kind of file, a missing column, two rows with one id, or an image that is
            not to be had.
    """
    rows: list[Row] = []
    for file in row_files(path):
        rows += _rows_of(file)
    if not rows:
        raise TrainingError(f"`{path}` holds no rows")
    if len({row.id for row in rows}) < len(rows):
        raise TrainingError(f"`{path}` has several rows with one id")
    return rows


def _rows_of(file: Path) -> Iterator[Row]:
    dataset = open_dataset(file)
    try:
        digests = ("image_sha256",) if "image_sha256" in dataset.columns else ()
        system = ("system",) if "system" in dataset.columns else ()
        for record in dataset.rows((*COLUMNS, *digests, *system)):
            request = Request(record["prompt"], dataset.images(record), system=record.get("system") or "")
            yield Row(record["id"], request, record["completion"])
    except DatasetError as error:
        raise TrainingError(str(error)) from error


def encode_row(chat: Chat, row: Row, weighting: Weighting = _EVEN) -> dict[str, Tensor]:
    """The model's tensors for a row, and `labels` (1, tokens): the completion's tokens, `IGNORED` before them and
    where the weight is 0. Where the weights differ, they are there as `loss_weights` (1, tokens).

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
    weights = weighting.of(chat.tokenizer, text, learnt, row.id)
    if not any(weights):
        raise TrainingError(f"row `{row.id}` has no labelled tokens: all of its completion has the weight 0")
    learnt, weights = learnt + chat.closing_ids, weights + [weighting.answer] * len(chat.closing_ids)
    length = prompt["input_ids"].shape[1]
    labels = [token if weight else IGNORED for token, weight in zip(learnt, weights, strict=True)]
    encoded = chat.continued(prompt, learnt) | {"labels": torch.tensor([[IGNORED] * length + labels])}
    if not weighting.is_even:
        encoded[LOSS_WEIGHTS] = torch.tensor([[0.0] * length + weights])
    return encoded


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
        self,
        chat: Chat,
        rows: Sequence[Row],
        *,
        max_tokens: int | None,
        progress: Progress,
        weighting: Weighting = _EVEN,
        in_memory: int = IN_MEMORY,
        cache: Path | None = None,
        workers: int | None = None,
    ) -> None:
        """Encode and check all rows.

        They are kept in memory up to so many bytes, and in the folder `cache`, if one is given; what is there already
        is not encoded again. `workers` are the processes that encode; by default some where there are many rows and
        processors.

        Raises:
            TrainingError: a row cannot be trained on (see `encode_row`), or has more than `max_tokens` tokens.
        """
        self._chat = chat
        self._rows = rows
        self._weighting = weighting
        self._kept = TensorCache(cache, in_memory)
        self.names = [row.id for row in rows]
        self.images = [len(row.request.images) for row in rows]
        self.lengths: list[int] = []
        self.labelled: list[int] = []
        self.unknown_in_prompts = 0
        maker = _maker(chat) if cache is not None else ""
        # Without a folder a row's number names it, and nothing needs to be digested.
        self._keys = [str(i) if cache is None else _key(row, weighting, maker) for i, row in enumerate(rows)]
        progress.start("encoding rows", len(rows), unit="rows")
        missing = [i for i, key in enumerate(self._keys) if key not in self._kept]
        made = self._encoded(missing, default_workers(len(missing)) if workers is None else workers)
        new = frozenset(missing)
        for i, row in enumerate(rows):
            encoded = next(made) if i in new else self[i]
            if i in new:
                self._kept.put(self._keys[i], encoded)
            self._count(row, encoded, max_tokens)
            progress.advance()

    @property
    def is_even(self) -> bool:
        """Whether every labelled token weighs the same."""
        return self._weighting.is_even

    @property
    def in_memory(self) -> bool:
        """Whether an access costs nothing."""
        return all(self._kept.holds(key) for key in self._keys)

    def release(self) -> None:
        """Free the memory; rows are read or encoded again where they are asked for all the same."""
        self._kept.release()

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        found = self._kept.get(self._keys[index])
        return found if found is not None else encode_row(self._chat, self._rows[index], self._weighting)

    def _encoded(self, numbers: Sequence[int], workers: int) -> Iterator[dict[str, Tensor]]:
        """These rows' tensors, in this order."""
        if not workers:
            yield from (encode_row(self._chat, self._rows[i], self._weighting) for i in numbers)
            return
        _ = self._chat.control_ids, self._chat.closing_ids  # worked out once, and not by every worker
        for made in in_workers(self._encoded_or_why, numbers, workers):
            if isinstance(made, str):
                raise TrainingError(made)
            yield made

    def _encoded_or_why(self, number: int) -> dict[str, Tensor] | str:
        """A row's tensors, or why there are none: an error of its own would not come through whole."""
        try:
            return encode_row(self._chat, self._rows[number], self._weighting)
        except TrainingError as error:
            return str(error)

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


def _maker(chat: Chat) -> str:
    """Names what turns rows into tensors."""
    processor = chat.processor
    vocabulary = json.dumps(sorted(chat.tokenizer.get_vocab().items()))
    return sha256_bytes(f"{processor.to_json_string()}\0{processor.chat_template}\0{vocabulary}".encode())


def _key(row: Row, weighting: Weighting, maker: str) -> str:
    """Names a row's tensors by what they are made from."""
    request = row.request
    digests = [hashlib.sha256(image).hexdigest() for image in request.images]
    texts = [request.system, request.prompt, request.begun, row.completion]
    made_from = json.dumps([maker, repr(weighting), texts, digests])
    return hashlib.sha256(made_from.encode()).hexdigest()
