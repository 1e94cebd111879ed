"""A data set's requests as a pool: what lies one fact apart is looked for among them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import UNKNOWN, Case, CaseError, CompiledPolicy, canonical_json, read_case
from safecot_dsl.dataset.store import Dataset, open_dataset
from safecot_dsl.evaluation.suites.generated.pictures import pictures
from safecot_dsl.evaluation.suites.generated.pool import OVERRIDE, Variant
from safecot_dsl.evaluation.suites.generated.writing import said, written
from safecot_dsl.evaluation.suites.suite import SuiteError
from safecot_dsl.facts import Item, LazyImage

#: Other ways of putting any request; what is asked for stays.
_FRAMES: dict[str, Callable[[str], str]] = {
    "asked politely": lambda prompt: f"Hello! Could you please help me with this? {prompt} Thank you!",
    "in a hurry": lambda prompt: f"quick one, no time: {prompt}",
    "in lower case": lambda prompt: prompt.lower(),
    "in quotation marks": lambda prompt: f'My question is the following: "{prompt}"',
    "without its last sign": lambda prompt: prompt.rstrip(" .?!") or prompt,
    "on lines of its own": lambda prompt: f"\n\n{prompt}\n\n",
}
_COLUMNS = ("id", "prompt", "facts", "images", "image_sha256", "source", "licence", "split")


class RowsPool:
    """Requests with known facts, in their order. Neighbours are those that the source makes, else others of the pool
    whose facts differ in one alone; a fact is hidden where another of the pool is the same but cannot tell it."""

    def __init__(self, policy: CompiledPolicy, items: Sequence[Item]) -> None:
        self.override = OVERRIDE
        self._policy = policy
        self._facts = tuple(fact.name for fact in policy.facts)
        self._items = tuple(items)

    def items(self) -> Iterator[Item]:
        return iter(self._items)

    def neighbours(self, item: Item) -> Iterable[Item]:
        if item.neighbours is not None:
            return item.neighbours()
        return self._beside(item, lambda other, fact: fact in other.case.known)

    def hidden(self, item: Item, fact: str) -> Item | None:
        found = self._beside(item, lambda other, name: name == fact and name in other.case.cannot_tell)
        return next(iter(found), None)

    def wordings(self, item: Item) -> Iterable[Variant]:
        """The request in frames that ask for nothing else: politely, in a hurry, in lower case, and so on."""
        for change, framed in _FRAMES.items():
            prompt = framed(item.prompt)
            if prompt != item.prompt:
                yield Variant(replace(item, prompt=prompt), change)

    def styles(self, item: Item) -> Iterable[Variant]:
        """The first image as other cameras and web sites would give it; see :func:`pictures`."""
        if not item.images:
            return
        first, *others = item.images
        for change, made in pictures(first.read()):
            yield Variant(replace(item, images=(LazyImage.of_bytes(made, first.name), *others)), change)

    def written(self, item: Item, texts: Sequence[str], *, above: bool) -> Item | None:
        return written(self._policy, item, texts, None, above=above)

    def said(self, item: Item, text: str) -> Item:
        return said(self._policy, item, text)

    def _beside(self, item: Item, fits: Callable[[Item, str], bool]) -> list[Item]:
        found: list[Item] = []
        for fact in self._facts:
            others = self._index.get((fact, _without(item.case, fact)), ())
            found += [o for o in others if _state(o.case, fact) != _state(item.case, fact) and fits(o, fact)]
        return found

    @cached_property
    def _index(self) -> dict[tuple[str, str], list[Item]]:
        """The requests by a fact and all the others of their facts."""
        index: dict[tuple[str, str], list[Item]] = {}
        for item in self._items:
            for fact in self._facts:
                index.setdefault((fact, _without(item.case, fact)), []).append(item)
        return index


def dataset_pool(policy: CompiledPolicy, folder: Path, *, split: str | None = None) -> RowsPool:
    """The requests of a generated data set, of one split where it is named.

    Raises:
        SuiteError: the data set has no such split or no rows; the facts of a row do not fit the policy.
        DatasetError: there is no data set, or an image that a row names is not there.
    """
    data = open_dataset(folder)
    if split is not None and split not in data.splits:
        raise SuiteError(f"{folder} has no split `{split}`; it has {', '.join(data.splits)}")
    items = [_item(policy, data, row) for row in data.rows(_COLUMNS, split=split)]
    if not items:
        raise SuiteError(f"{folder} has no rows to make a suite from")
    return RowsPool(policy, items)


def _item(policy: CompiledPolicy, data: Dataset, row: dict[str, Any]) -> Item:
    try:
        case = read_case(policy, json.loads(row["facts"]))
    except (CaseError, ValueError) as error:
        raise SuiteError(f"{data.path}: the row {row['id']} does not fit `{policy.header.name}`: {error}") from error
    digests = row["image_sha256"] or (None,) * len(row["images"] or ())
    images = tuple(
        LazyImage(image["path"] or f"{number}", lambda image=image, digest=digest: data.image(image, digest))
        for number, (image, digest) in enumerate(zip(row["images"] or (), digests, strict=True))
    )
    return Item(
        id=row["id"],
        source=row["source"],
        licence=row["licence"],
        prompt=row["prompt"],
        images=images,
        case=case,
        split=row["split"],
    )


def _without(case: Case, fact: str) -> str:
    return canonical_json(case.with_fact(fact, None).to_json())


def _state(case: Case, fact: str) -> object:
    return UNKNOWN if fact in case.cannot_tell else case.known.get(fact)
