"""What a source yields: items whose facts are known, and the rows that it could not use, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safecot_dsl.artifact import Case
from safecot_dsl.errors import SafecotError


class FactsError(SafecotError, ValueError):
    """A source, its recipe and the policy do not fit together; the message names the row and what is allowed."""


class RowError(FactsError):
    """A row whose cells are no values of their facts: all that is wrong with it, each by itself."""

    def __init__(self, where: str, faults: tuple[str, ...]) -> None:
        super().__init__(f"{where}: {'; '.join(faults)}")
        self.faults = faults


@dataclass(frozen=True)
class LazyImage:
    """An image that is read, or drawn, only when it is needed. `name` is what a row calls it; `read` gives its file's
    bytes, the same each time, and raises `OSError` where it cannot be read. `path` is that file, None for an image
    that is none of its own: drawn, or inside another file. `margin` is where nothing is shown (left, top, right and
    bottom, in pixels), None where no such place is known."""

    name: str
    read: Callable[[], bytes]
    path: Path | None = None
    margin: tuple[int, int, int, int] | None = None

    @classmethod
    def of_file(cls, path: Path, name: str | None = None) -> LazyImage:
        return cls(name or path.name, path.read_bytes, path)

    @classmethod
    def of_bytes(cls, data: bytes, name: str) -> LazyImage:
        return cls(name, lambda: data)


@dataclass(frozen=True)
class FactOrigin:
    """Where the value of a fact came from, where no label of the source gave it.

    `by` names the annotator (`ocr`, `model:NAME`), `confidence` is from 0 to 1 (None where it states none), and
    `detail` what a person needs to see of it, such as the raw answer.
    """

    by: str
    confidence: float | None = None
    detail: str = ""


@dataclass(frozen=True, eq=False)
class Item:
    """One request of a data source, with its facts.

    `id` names it within `source`. `answer` is the source's own answer, None where it has none; whether it fits the
    verdict is not the reader's to say. `absent_images` are the names of images that the source speaks of and that are
    not at hand. `neighbours`, where a source can make them, gives the items that differ from this one in one fact.
    `split` is "train" unless the source has splits of its own. `commercial` says whether the licence allows commercial
    use. `annotated` holds the origins of the facts that an annotator filled in, by the fact's name. `unseen` says that
    facts of the images are known by labels, and the images are not at hand: it can be decided, and teaches nothing.
    `dropped` names the facts of an image that the row gave and that are not in the case, since there is no image.
    """

    id: str
    source: str
    licence: str
    prompt: str
    images: tuple[LazyImage, ...]
    case: Case
    answer: str | None = None
    absent_images: tuple[str, ...] = ()
    split: str = "train"
    meta: Mapping[str, str] = field(default_factory=dict[str, str])
    neighbours: Callable[[], Iterable[Item]] | None = None
    commercial: bool = True
    annotated: Mapping[str, FactOrigin] = field(default_factory=dict[str, FactOrigin])
    unseen: bool = False
    dropped: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`source/id`: what a message calls the item."""
        return f"{self.source}/{self.id}"


@dataclass(frozen=True)
class Skipped:
    """A row that a reader could not turn into an item. `reason` is what it is counted under, `detail` what happened."""

    id: str
    source: str
    reason: str
    detail: str
