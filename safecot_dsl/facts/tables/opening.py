"""From a source's folder and its parts to open tables."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from safecot_dsl.diagnostics import Suggestion, nearby
from safecot_dsl.facts.description import SourcePart
from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.tables.columnar import Columnar
from safecot_dsl.facts.tables.delimited import Delimited, delimiter_of
from safecot_dsl.facts.tables.document import JsonDocument
from safecot_dsl.facts.tables.file import Location, Row, TableFile, locate
from safecot_dsl.facts.tables.lines import Lines
from safecot_dsl.facts.tables.places import FileStore, open_place
from safecot_dsl.facts.tables.record import Broken, Record
from safecot_dsl.facts.tables.workbook import Workbook

_FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}


def open_part(part: SourcePart, root: Path, boundary: Path | None = None) -> list[tuple[Location | None, TableFile]]:
    """The files of a part with their tables, in the order of its patterns and of their names; one table of all pictures
    where pictures are its rows. Links may lead anywhere in `boundary` (else `root`).

    Raises :class:`FactsError` where no pattern finds a file, and for a file that cannot be read, or that lies outside.
    """
    found: dict[Location | Broken, None] = {}
    for pattern in part.files:
        found.update(dict.fromkeys(locate(root, pattern, boundary)))
    if not found:
        looked = ", ".join(part.files)
        meant = nearby(root / part.files[0]) if len(part.files) == 1 else Suggestion()
        mend = meant.help or "set the source's `root` to its folder"
        raise FactsError(f"there is no {looked} in {root} (part `{part.name}`); {mend}")
    if part.format == "pictures":
        return [(None, Pictures(tuple(_pictures(list(found), root))))]
    refused = [entry for entry in found if isinstance(entry, Broken)]
    files = [entry for entry in found if isinstance(entry, Location)]
    in_archives = all(entry.member is not None for entry in files)
    if refused and not (files and in_archives):
        raise FactsError(f"{root}: {refused[0].detail}")
    return [(file, open_table(file, part.format, part.under)) for file in files]


def open_table(location: Location, format: str | None, under: str | None) -> TableFile:
    """The table that a file is, by its ending where `format` is None. `under` is the key of a JSON document under which
    the records stand, or the sheet of a workbook.

    Raises:
        FactsError: what the file is cannot be told, or it is not what it is said to be.
    """
    name = location.member or location.path
    kind = format or _FORMATS.get(Path(name).suffix.lower())
    match kind:
        case "jsonl":
            return Lines.of(location)
        case "json":
            return JsonDocument.of(location, under)
        case "csv" | "tsv":
            return Delimited.of(location, "\t" if kind == "tsv" else delimiter_of(location))
        case "xlsx":
            return Workbook.of(location, under)
        case "parquet" | "arrow":
            return Columnar.of(location, parquet=kind == "parquet")
        case _:
            known = ", ".join(sorted(_FORMATS))
            raise FactsError(f"{location.name}: what is in it? known endings are {known}; else say `format`")


def _pictures(found: list[Location | Broken], root: Path) -> list[str | Broken]:
    names: list[str | Broken] = []
    for entry in found:
        if isinstance(entry, Broken):
            names.append(entry)
        elif (entry.member or entry.path).lower().endswith(PICTURES):
            path = Path(entry.path).relative_to(root).as_posix()
            names.append(path if entry.member is None else f"{path}/{entry.member}")
    return names


def open_images(part: SourcePart, root: Path, boundary: Path | None) -> tuple[FileStore, ...]:
    """Those of a part's places for images that are there."""
    places = [open_place(root, name, boundary) for name in part.images]
    return tuple(place for place in places if place is not None)


#: What pictures' names end in; what they are is told by their content when they are opened.
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")


@dataclass(frozen=True)
class Pictures:
    """Columns `path` (below the source's folder, as a row's image column), `folder` (the last folder's name) and `stem`
    (the file's name without its ending)."""

    entries: tuple[str | Broken, ...]
    names: tuple[str, ...] = ("path", "folder", "stem")
    unit: str = "picture"

    @property
    def rows(self) -> int:
        return len(self.entries)

    def read(self, start: int, stop: int, columns: Collection[str] | None = None) -> Iterator[Row]:
        del columns
        for number, entry in enumerate(self.entries[start:stop], start=start + 1):
            yield number, entry if isinstance(entry, Broken) else _row(entry)


def _row(path: str) -> Record:
    folder, name = posixpath.split(path)
    return {"path": path, "folder": posixpath.basename(folder), "stem": posixpath.splitext(name)[0]}
