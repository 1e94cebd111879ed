"""The records of a described source: its files, its blocks, and ids that come but once."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from safecot_dsl.facts.blocks import Block, cut
from safecot_dsl.facts.description import Description, SourcePart
from safecot_dsl.facts.item import FactsError, Skipped
from safecot_dsl.facts.rows import Where
from safecot_dsl.facts.tables.file import Location, TableFile, place_of
from safecot_dsl.facts.tables.ids import Repeated, repeated_ids
from safecot_dsl.facts.tables.opening import open_images, open_part
from safecot_dsl.facts.tables.places import FileStore
from safecot_dsl.facts.tables.record import Broken, Record, columns_of, filled
from safecot_dsl.facts.tables.texts import text_problem
from safecot_dsl.facts.unfolding import Raw, Unfolder

#: Columns that every described source has, beside those of its files.
OWN_COLUMNS = {
    "part": "the part of the source",
    "split": "the part's split",
    "file": "the file's name without its ending",
    "folder": "the name of the folder that the file is in",
    "number": "the row's number in its file, from 1",
    "request": "which of the record's requests it is",
    "prompt": "the request itself",
}

_MAX_ID = 300


@dataclass(frozen=True)
class File:
    """A file of a part, with what its rows have in common."""

    part: SourcePart
    location: Location | None
    table: TableFile
    places: tuple[FileStore, ...]
    first: int  # the number of its first row among all rows of the source
    before: int  # rows of its part that stand in files before it
    name: str  # what messages call it
    columns: Record  # those of OWN_COLUMNS that are the same for all its rows


@dataclass
class Records:
    """The records of a described source below `root`. Links may lead anywhere in `boundary` (else `root`).

    Record ids that come again get `#2`, `#3`, ... in the order of the rows; `repeated` holds these by row.
    """

    description: Description
    root: Path
    boundary: Path | None
    parts: tuple[SourcePart, ...]
    images: Literal["required", "optional", "assumed"]
    where: Where
    files: tuple[File, ...] = ()
    repeated: Repeated = field(default_factory=Repeated)

    @classmethod
    def open(
        cls,
        description: Description,
        root: Path,
        *,
        boundary: Path | None = None,
        parts: tuple[SourcePart, ...],
        images: Literal["required", "optional", "assumed"] = "required",
        where: Where | None = None,
    ) -> Records:
        """Find and count the files of the parts. Raises :class:`FactsError` where one cannot be read."""
        files: list[File] = []
        first = 0
        for part in parts:
            places = open_images(part, root, boundary)
            before = 0
            for location, table in open_part(part, root, boundary):
                name, columns = _named(part, location, root)
                files.append(File(part, location, table, places, first, before, name, columns))
                first += table.rows
                before += table.rows
        opened = cls(description, root, boundary, parts, images, where or {}, tuple(files))
        if any(description.id_of(part) is not None for part in parts):
            opened.repeated = repeated_ids(opened._ids)
        return opened

    def names(self) -> set[str] | None:
        """The columns for `facts` and `where`, None where they cannot be known before all is read."""
        if self.description.columns:
            return {*self.description.columns, *OWN_COLUMNS}
        names = [file.table.names for file in self.files]
        unfold = any(request.each for part in self.parts for request in self.description.requests_of(part))
        if unfold or any(own is None for own in names):
            return None
        return {name for own in names for name in own or ()} | OWN_COLUMNS.keys()

    def blocks(self) -> Iterator[Block]:
        last: Block | None = None
        for file in self.files:
            for block in cut(file.table.rows, first=last):
                last = block
                yield block

    def file_of(self, block: Block) -> File:
        """The file that a block lies in."""
        return self.files[bisect.bisect_right([file.first for file in self.files], block.start) - 1]

    def read(self, block: Block) -> Iterator[Raw | Skipped]:
        file = self.file_of(block)
        unfolder = Unfolder(self.description, self.root, self.where, self.images != "required")
        rows = file.table.read(block.start - file.first, block.stop - file.first)
        for row, (place, record) in enumerate(rows, start=block.start):
            if record is not None:
                where = f"{self.description.name} {file.name}{place_of(file.table, place)}"
                yield from self._requests(file, unfolder, row, record, where, place)

    def _requests(
        self, file: File, unfolder: Unfolder, row: int, record: Record | Broken, where: str, place: int
    ) -> Iterator[Raw | Skipped]:
        number = row - file.first + 1
        named = f"{file.part.name}-{file.before + number}"
        if isinstance(record, Broken):
            yield self._skipped(named, record, where)
            return
        columns = {**file.columns, "number": number, **record}
        record_id = self._id(file.part, columns, named)
        if isinstance(record_id, Broken):
            yield self._skipped(named, record_id, where)
            return
        record_id += self.repeated.get(row, "")
        yield from unfolder.requests(file.part, file.places, columns, record_id, row, where, place)

    def _id(self, part: SourcePart, columns: Record, named: str) -> str | Broken:
        template = self.description.id_of(part)
        if template is None:
            return named
        found = filled(template, columns)
        if not found:
            return Broken("malformed", f"`{template}` gives no id")
        if len(found) > _MAX_ID:
            return Broken("malformed", f"the id has {len(found):,} characters, above the limit of {_MAX_ID}")
        return text_problem(found, "the id") or found

    def _ids(self) -> Iterator[tuple[int, str]]:
        """The rows that have an id, and what it is."""
        for file in self.files:
            template = self.description.id_of(file.part)
            names = columns_of(template) if template is not None else ()
            needed = {*names, *(name.split(".")[0] for name in names)}
            for number, (_, record) in enumerate(file.table.read(0, file.table.rows, needed), start=1):
                if isinstance(record, dict):
                    columns = {**file.columns, "number": number, **record}
                    found = self._id(file.part, columns, f"{file.part.name}-{file.before + number}")
                    if isinstance(found, str):
                        yield file.first + number - 1, found

    def _skipped(self, item_id: str, problem: Broken, where: str) -> Skipped:
        return Skipped(item_id, self.description.name, problem.reason, f"{where}: {problem.detail}")


def chosen_parts(description: Description, names: tuple[str, ...]) -> tuple[SourcePart, ...]:
    """The parts of these names, or the default ones. Raises :class:`FactsError` for a name that none has."""
    if not names:
        return description.default_parts()
    parts = {part.name: part for part in description.all_parts()}
    for name in names:
        if name not in parts:
            raise FactsError(f"{description.name} has no part `{name}` (it has {', '.join(parts)})")
    return tuple(parts[name] for name in names)


def _named(part: SourcePart, location: Location | None, root: Path) -> tuple[str, Record]:
    """What a file is called, and the columns that its rows have of it."""
    if location is None:
        return "picture", {"part": part.name, "split": part.split, "file": "", "folder": ""}
    path = Path(location.path)
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    own = Path(location.member) if location.member is not None else path
    columns = {"part": part.name, "split": part.split, "file": own.stem, "folder": own.parent.name}
    return name if location.member is None else f"{name}/{location.member}", columns
