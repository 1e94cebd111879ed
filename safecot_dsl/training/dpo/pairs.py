"""Preference pairs: how they are read from a data set, and how the model will see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.dataset.store import Dataset, DatasetError, open_dataset, split_of
from safecot_dsl.models import Request
from safecot_dsl.models.chat import Chat
from safecot_dsl.models.tensors import collate
from safecot_dsl.storage import Progress
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.rows import EncodedRows, Row

if TYPE_CHECKING:
    from torch import Tensor

COLUMNS = ("id", "images", "prompt", "chosen", "rejected")
#: Where a pair's reference log-probabilities stand in a batch, (pairs, 2): of the chosen text and of the rejected one.
REFERENCE = "reference"


@dataclass(frozen=True)
class PreferencePair:
    """A request, the text that is right, and one that is wrong in a known way (`kind`, which may be empty)."""

    id: str
    kind: str
    request: Request
    chosen: str
    rejected: str


@dataclass(frozen=True)
class Pairs:
    """The pairs that are trained on, and how many of the data set are not: of other kinds, or of other splits."""

    pairs: tuple[PreferencePair, ...]
    other_kinds: int = 0
    other_splits: int = 0

    @property
    def kinds(self) -> dict[str, int]:
        """How many there are of each kind, by name."""
        return dict(sorted(Counter(pair.kind for pair in self.pairs).items()))


def pair_files(path: Path) -> tuple[Path, ...]:
    """The Parquet files of the preference pairs of a data set, or the file `path` itself.

    Raises:
        TrainingError: there is no such file or data set, or it has no pairs.
    """
    try:
        dataset = open_dataset(path)
    except DatasetError as error:
        raise TrainingError(f"there are no preference pairs: {error}") from error
    files = dataset.files if path.is_file() else dataset.preference_files
    if not files:
        raise TrainingError(
            f"`{path}` has no preference pairs, which `objective: dpo` learns from: ask for some in "
            "`data.preferences` (over_refusal, unsafe, unreasoned) or `data.flips`"
        )
    return files


def read_pairs(path: Path, kinds: Sequence[str] | None = None) -> Pairs:
    """The pairs of a data set that came from its rows of the split `train`, of `kinds` (all where None); or those of a
    Parquet file with the columns `id`, `images`, `prompt`, `chosen`, `rejected`, and `system` where there is one.

    Raises:
        TrainingError: no such pairs, another kind of file, a missing column, two pairs with one id, or an image that is
            not to be had.
    """
    files = pair_files(path)
    try:
        dataset = open_dataset(path)
        digests = None if path.is_file() else _trained_rows(dataset)
        read = _read(dataset, files, digests, kinds)
    except DatasetError as error:
        raise TrainingError(str(error)) from error
    if not read.pairs:
        there = sorted({split_of(file) for file in files})
        raise TrainingError(
            f"`{path}` has no preference pairs of the kinds {', '.join(kinds or there)} whose rows are in the split "
            f"`train`; it has {', '.join(there)}"
        )
    if len({pair.id for pair in read.pairs}) < len(read.pairs):
        raise TrainingError(f"`{path}` has several preference pairs with one id")
    return read


def _trained_rows(dataset: Dataset) -> dict[str, Sequence[str] | None]:
    """The ids of the rows of the split `train`, each with its images' digests."""
    columns = ("id", "image_sha256") if "image_sha256" in dataset.columns else ("id",)
    return {row["id"]: row.get("image_sha256") for row in dataset.rows(columns, split="train")}


def _read(
    dataset: Dataset,
    files: Sequence[Path],
    trained: Mapping[str, Sequence[str] | None] | None,
    kinds: Sequence[str] | None,
) -> Pairs:
    pairs: list[PreferencePair] = []
    other_kinds = other_splits = 0
    images: dict[str, tuple[bytes, ...]] = {}  # by row: its pairs share them
    for file, record in _records(files):
        kind = record.get("kind") or ("" if trained is None else split_of(file))
        row = record.get("row") or record["id"]
        if kinds is not None and kind not in kinds:
            other_kinds += 1
            continue
        if trained is not None and row not in trained:
            other_splits += 1
            continue
        if row not in images:
            digests = trained[row] if trained is not None else None
            images[row] = dataset.images(record if digests is None else {**record, "image_sha256": digests})
        request = Request(record["prompt"], images[row], system=record.get("system") or "")
        pairs.append(PreferencePair(record["id"], kind, request, record["chosen"], record["rejected"]))
    return Pairs(tuple(pairs), other_kinds, other_splits)


def _records(files: Sequence[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for file in files:
        opened = open_dataset(file)
        missing = [name for name in COLUMNS if name not in opened.columns]
        if missing:
            raise DatasetError(f"{file} has no column `{missing[0]}` (it has {', '.join(opened.columns)})")
        wanted = [name for name in (*COLUMNS, "system", "kind", "row") if name in opened.columns]
        for record in opened.rows(wanted):
            yield file, record


def texts_of(pairs: Sequence[PreferencePair]) -> list[Row]:
    """The texts of pairs as rows: of each pair the chosen one, and after it the rejected one."""
    return [Row(f"{pair.id} ({name})", pair.request, getattr(pair, name)) for pair in pairs for name in _TEXTS]


class EncodedPairs:
    """The pairs as tensors, each checked once, as :class:`EncodedRows` checks rows; an item is a pair's two texts.

    `names`, `images` (of the request) and `lengths` (tokens of both texts) have one entry a pair.
    """

    #: What a batch divides its loss by is not a number of labelled tokens.
    is_even = False

    def __init__(
        self, chat: Chat, pairs: Sequence[PreferencePair], *, max_tokens: int | None, progress: Progress
    ) -> None:
        """Encode and check all pairs.

        Raises:
            TrainingError: a text of a pair cannot be trained on, or has more than `max_tokens` tokens.
        """
        self._texts = EncodedRows(chat, texts_of(pairs), max_tokens=max_tokens, progress=progress)
        self._pad_id = chat.pad_id
        self.names = [pair.id for pair in pairs]
        self.images = [len(pair.request.images) for pair in pairs]
        self.lengths = _sums(self._texts.lengths)
        self.labelled = _sums(self._texts.labelled)
        self.unknown_in_prompts = self._texts.unknown_in_prompts // 2  # the two texts of a pair share a prompt
        self.reference: Tensor | None = None

    @property
    def in_memory(self) -> bool:
        return self._texts.in_memory

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor | None]:
        """The tensors of the chosen and of the rejected text, and their log-probabilities under the reference, (2,)."""
        reference = None if self.reference is None else self.reference[index]
        return self._texts[2 * index], self._texts[2 * index + 1], reference

    def collate(self, pairs: Sequence[tuple[dict[str, Tensor], dict[str, Tensor], Tensor | None]]) -> dict[str, Tensor]:
        """One batch (2 pairs, longest): the chosen texts, and after them the rejected ones, in the same order; with
        `REFERENCE` (pairs, 2) where the pairs have it."""
        import torch

        texts = [pair[0] for pair in pairs] + [pair[1] for pair in pairs]
        batch = collate(texts, pad_id=self._pad_id, side="right")
        reference = [pair[2] for pair in pairs if pair[2] is not None]
        return batch | {REFERENCE: torch.stack(reference)} if reference else batch


_TEXTS = ("chosen", "rejected")


def _sums(values: Sequence[int]) -> list[int]:
    return [chosen + rejected for chosen, rejected in zip(values[::2], values[1::2], strict=True)]
