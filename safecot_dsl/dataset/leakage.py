"""Leakage: requests that are evaluated on and stand, the same or nearly so, among those that are trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.selection.likeness import HashIndex, LikeMeaning, LikeWords
from safecot_dsl.dataset.selection.near_duplicates import NearDuplicates, image_hash
from safecot_dsl.dataset.store import Dataset, open_dataset
from safecot_dsl.facts import FactsError
from safecot_dsl.facts.tables.lines import read_jsonl
from safecot_dsl.models.images import ImageError
from safecot_dsl.storage import sha256_bytes

#: Of each kind so many are named.
EXAMPLES = 5

Overlap = Literal["same", "near", "image", "prompt"]


class LeakageError(ValueError):
    """A file that requests cannot be read from; the message says where and what is wanted."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What is compared of a request: its prompt, and of each picture the digest of its bytes and its perceptual hash,
    None where it cannot be opened."""

    key: str
    prompt: str
    digests: tuple[str, ...] = ()
    hashes: tuple[int | None, ...] = ()

    @classmethod
    def of(cls, key: str, prompt: str, images: Iterable[bytes]) -> Probe:
        images = tuple(images)
        return cls(key, prompt, tuple(map(sha256_bytes, images)), tuple(map(_hash, images)))


class Leak(Frozen):
    """A request that is evaluated on, and one that is trained on, which it overlaps with."""

    kind: Overlap
    test: str
    train: str


class Leakage(Frozen):
    """How many of `test` requests overlap with one of `train` others, each counted once, by the first kind that fits:

    - `same`: the same prompt and the same files;
    - `near`: a prompt that is like it (or none but letter case and spaces differ) beside pictures that are near;
    - `image`: a picture that is near, under another prompt;
    - `prompt`: a prompt that is like it, beside other pictures. That is no leak by itself: many sets ask the same of
      every picture.

    `unreadable` counts pictures that cannot be opened, which are compared by their bytes alone.
    """

    train: int
    test: int
    counts: dict[Overlap, int]
    examples: tuple[Leak, ...]
    unreadable: int

    @property
    def leaks(self) -> int:
        """How many requests leak: all kinds but `prompt`."""
        return sum(count for kind, count in self.counts.items() if kind != "prompt")


def find_leakage(train: Iterable[Probe], test: Iterable[Probe], settings: NearDuplicates | None = None) -> Leakage:
    """Which test requests the training requests give away; what is near is said by `settings`. Every test request is
    looked up in indexes of the training requests, so that the time grows as their numbers, not as their product."""
    index = _TrainIndex(settings or NearDuplicates())
    unreadable = 0
    train, test = list(train), list(test)
    index.texts.prime([probe.prompt for probe in train])
    for probe in train:
        index.add(probe)
        unreadable += probe.hashes.count(None)
    index.texts.prime([probe.prompt for probe in test])
    counts: Counter[Overlap] = Counter()
    examples: list[Leak] = []
    for probe in test:
        unreadable += probe.hashes.count(None)
        found = index.overlap(probe)
        if found is not None:
            counts[found.kind] += 1
            if counts[found.kind] <= EXAMPLES:
                examples.append(found)
    kinds: tuple[Overlap, ...] = ("same", "near", "image", "prompt")
    return Leakage(
        train=len(train),
        test=len(test),
        counts={kind: counts[kind] for kind in kinds},
        examples=tuple(sorted(examples, key=lambda found: kinds.index(found.kind))),
        unreadable=unreadable,
    )


class _TrainIndex:
    def __init__(self, settings: NearDuplicates) -> None:
        self.texts = (LikeWords if settings.text == "words" else LikeMeaning)(settings.similarity)
        self._radius = settings.images
        self._exact: dict[tuple[str, tuple[str, ...]], str] = {}
        self._near: dict[tuple[str, int], HashIndex] = {}
        self._images = HashIndex(settings.images)
        self._files: dict[str, str] = {}
        self._prompts: dict[str, str] = {}

    def add(self, probe: Probe) -> None:
        self._exact.setdefault((probe.prompt, tuple(sorted(probe.digests))), probe.key)
        like = self.texts.first(probe.prompt)
        self._prompts.setdefault(like, probe.key)
        hashes = _known(probe)
        if hashes is not None:
            self._near.setdefault((like, len(hashes)), HashIndex(self._radius)).add(hashes, probe.key)
        for digest, value in zip(probe.digests, probe.hashes, strict=True):
            if digest not in self._files and value is not None:
                self._images.add((value,), probe.key)
            self._files.setdefault(digest, probe.key)

    def overlap(self, probe: Probe) -> Leak | None:
        same = self._exact.get((probe.prompt, tuple(sorted(probe.digests))))
        if same is not None:
            return Leak(kind="same", test=probe.key, train=same)
        like = self.texts.first(probe.prompt)
        hashes = _known(probe)
        if hashes is not None and (index := self._near.get((like, len(hashes)))) is not None:
            near = index.find(hashes)
            if near is not None:
                return Leak(kind="near", test=probe.key, train=near[0])
        for digest, value in zip(probe.digests, probe.hashes, strict=True):
            shown = self._files.get(digest)
            if shown is None and value is not None and (near := self._images.find((value,))) is not None:
                shown = near[0]
            if shown is not None:
                return Leak(kind="image", test=probe.key, train=shown)
        asked = self._prompts.get(like)
        return None if asked is None else Leak(kind="prompt", test=probe.key, train=asked)


def read_probes(path: Path, *, split: str | None = None) -> Iterator[Probe]:
    """The requests of a data set (of one split, where it is named), of a Parquet file with `prompt` and `images`, such
    as evaluation items, or of a JSONL file with `prompt` and `images`, paths that are relative to its folder.

    Raises:
        LeakageError: a line or a picture that is not so.
        DatasetError: there is no such data set.
    """
    if path.suffix in (".jsonl", ".json"):
        yield from _of_jsonl(path)
        return
    dataset = open_dataset(path)
    names = [name for name in ("id", "prompt", "images") if name in dataset.columns]
    if "prompt" not in names:
        raise LeakageError(f"{path} has no column `prompt` (it has {', '.join(dataset.columns)})")
    for number, row in enumerate(dataset.rows(names, split=split)):
        yield Probe.of(str(row.get("id", number)), row["prompt"], _images(dataset, row.get("images") or ()))


def _images(dataset: Dataset, images: Sequence[Mapping[str, Any]]) -> list[bytes]:
    return [dataset.image(image) for image in images]


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        for number, row in read_jsonl(path):
            if isinstance(row, str):
                raise LeakageError(f"{path}, line {number}: {row}")
            yield number, row
    except FactsError as error:
        raise LeakageError(str(error)) from None


def _of_jsonl(path: Path) -> Iterator[Probe]:
    root = path.parent.resolve()
    for number, row in _objects(path):
        if "prompt" not in row:
            raise LeakageError(f'{path}, line {number}: there is no `prompt`; a line is {{"prompt": "…"}}')
        prompt, names = row["prompt"], row.get("images") or []
        if not isinstance(prompt, str) or not isinstance(names, list):
            raise LeakageError(f"{path}, line {number}: `prompt` must be a text and `images` a list of paths")
        images: list[bytes] = []
        for name in names:
            file = (root / str(name)).resolve()
            if not file.is_relative_to(root) or not file.is_file():
                raise LeakageError(f"{path}, line {number}: there is no image {name!r} below {path.parent}")
            images.append(file.read_bytes())
        yield Probe.of(str(row.get("id", f"line {number}")), prompt, images)


def _hash(data: bytes) -> int | None:
    try:
        return image_hash(data)
    except ImageError:
        return None


def _known(probe: Probe) -> tuple[int, ...] | None:
    """The hashes of all pictures; None where one cannot be opened."""
    hashes = tuple(value for value in probe.hashes if value is not None)
    return hashes if len(hashes) == len(probe.hashes) else None
