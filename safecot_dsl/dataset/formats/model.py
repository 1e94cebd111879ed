"""What a format is: how a data set is written for a tool, and the rules of that tool that a file must keep."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from safecot_dsl.dataset.store import Dataset
from safecot_dsl.render import Tags

if TYPE_CHECKING:
    from safecot_dsl.dataset.formats.lengths import Lengths

#: Where the images of an export are: in its rows, in files beside it, or where the data set has them.
Images = Literal["embed", "copy", "reference"]


class ExportError(ValueError):
    """A data set that cannot be written in a format; the message says what and how to mend it."""


class FormatRule(StrEnum):
    """What a validator looks at. The value is the rule's name in reports."""

    READABLE = "readable"
    DECLARED = "declared"
    COLUMNS = "columns"
    ROLES = "roles"
    PLACEHOLDERS = "placeholders"
    IMAGES = "images"
    TAGS = "tags"
    MARKERS = "markers"
    LABELS = "labels"
    LENGTH = "length"
    PAIRS = "pairs"
    IDS = "ids"
    FIRST_BLOCK = "first-block"
    CONTENT = "content"
    POLICY = "policy"
    PROVENANCE = "provenance"
    CARD = "card"


@dataclass(frozen=True)
class FormatFault:
    """What is wrong at one place, and what mends it.

    `file` is relative to what was validated, `row` counts from 0 in that file (None: the file as a whole), `id` is the
    row's own where it has one.
    """

    file: str
    row: int | None
    id: str | None
    rule: FormatRule
    fault: str
    mend: str

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}, row {self.row}"
        named = f" ({self.id})" if self.id else ""
        return f"{place}{named}: {self.fault}: {self.mend}"


@dataclass(frozen=True)
class CheckOptions:
    """How an export is looked at.

    `tags` open and close the reasoning. `image_root` is the folder that relative image paths start from (None: the
    export's own). With `decode` every image is decoded; without it, it only has to be there. `lengths` measures rows in
    tokens. `seen` is called for each row that is looked at.
    """

    tags: Tags = field(default_factory=Tags)
    image_root: Path | None = None
    decode: bool = True
    lengths: Lengths | None = None
    seen: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class WrittenFiles:
    """What a writer wrote: rows by file (relative), and the image files beside them."""

    files: Mapping[str, int]
    image_files: int = 0
    image_bytes: int = 0


@dataclass(frozen=True)
class ExportReport:
    """What an export holds, and the line or two that make its tool read it."""

    format: str
    path: Path
    images: Images
    files: Mapping[str, int]
    image_files: int
    image_bytes: int
    usage: str

    @property
    def rows(self) -> int:
        return sum(self.files.values())


class Write(Protocol):
    """Writes a data set into an empty folder; raises :class:`ExportError` where it has nothing for the format."""

    def __call__(self, dataset: Dataset, folder: Path, images: Images) -> WrittenFiles: ...


class FormatCheck(Protocol):
    """Yields what is wrong with an export, file by file and row by row; nothing for a sound one."""

    def __call__(self, path: Path, options: CheckOptions) -> Iterator[FormatFault]: ...


@dataclass(frozen=True)
class ToolFormat:
    """A tool's format: what it is called, what of a data set it takes, where its images may be (the first is the
    default), its rules in the tool's own terms, its writer and its validator. `usage` tells how the tool reads an
    export in the folder `{path}`, with images in `{images}`, whose first file is `{file}`; `quoted` writes these paths
    so that they stay one word of its language, whatever is in them. `files` are the patterns of all files that the
    writer may write: an older export may hold others of these than the new one."""

    name: str
    tool: str
    takes: tuple[Literal["rows", "pairs"], ...]
    images: tuple[Images, ...]
    rules: Mapping[FormatRule, str]
    usage: str
    write: Write
    check: FormatCheck
    files: tuple[str, ...]
    quoted: Callable[[str], str] = shlex.quote
