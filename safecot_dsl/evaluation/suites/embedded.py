"""TSV files that hold their pictures in base64, a record of megabytes a row: the form of MMBench and its relatives."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.evaluation.suites.description import Embedded
from safecot_dsl.facts import FactsError, LazyImage, Skipped
from safecot_dsl.facts.tables.file import Location, locate
from safecot_dsl.facts.tables.limits import MAX_IMAGE
from safecot_dsl.facts.tables.record import Broken
from safecot_dsl.facts.tables.texts import text_problem
from safecot_dsl.facts.unfolding import Raw

#: Bytes of a record: an image of MAX_IMAGE in base64, and its texts.
_MAX_RECORD = MAX_IMAGE * 4 // 3 + (1 << 20)
#: A cell of at most so many characters is no picture, but the index of the row that holds it.
_REFERENCE = 64


@dataclass(frozen=True)
class _Place:
    """Where a record stands: its first byte and its length."""

    at: int
    length: int


@dataclass(frozen=True)
class _Cell:
    """The picture in a record, decoded when it is called; `OSError` where it is none."""

    path: str
    place: _Place
    column: int

    def __call__(self) -> bytes:
        with Path(self.path).open("rb") as file:
            file.seek(self.place.at)
            fields = split_record(file.read(self.place.length).decode("utf-8", "surrogateescape").rstrip("\r\n"))
        if fields is None or self.column >= len(fields):
            raise OSError("the file has changed since it was read")
        try:
            return base64.b64decode(fields[self.column].encode("ascii", "replace"), validate=True)
        except binascii.Error as error:
            raise OSError(f"the picture is not base64: {error}") from None


def read_embedded(described: Embedded, name: str, root: Path) -> Iterator[Raw | Skipped]:
    """The rows of the files, in their order, as requests. Raises :class:`FactsError` where there is no such file, or
    one without its columns."""
    for location in located(described, root):
        yield from _read_file(described, name, location, Path(location.path).relative_to(root).as_posix())


def located(described: Embedded, root: Path) -> list[Location]:
    """The files, by pattern and name. Raises :class:`FactsError` where there is none."""
    found = [entry for pattern in described.files for entry in locate(root, pattern)]
    files = [entry for entry in dict.fromkeys(found) if isinstance(entry, Location) and entry.member is None]
    if not files:
        looked = ", ".join(described.files)
        raise FactsError(f"there is no {looked} in {root}; set the suite's root to the folder of its files")
    return files


def _read_file(described: Embedded, name: str, location: Location, shown: str) -> Iterator[Raw | Skipped]:
    records = _records(location)
    first = next(records, None)
    header = split_record(first[1].lstrip("\ufeff")) if first is not None and isinstance(first[1], str) else None
    wanted = (described.index, described.prompt, described.image)
    missing = [one for one in wanted if header is None or one not in header]
    if header is None or missing:
        raise FactsError(f"{location.name} is no TSV with the column `{missing[0]}`")
    at = header.index(described.image)
    pictures: dict[str, _Place] = {}
    rows: list[tuple[int, dict[str, str] | Broken, _Place]] = []
    for number, (place, text) in enumerate(records, start=1):
        row = _row(text, header)
        if isinstance(row, dict) and len(row[described.image]) > _REFERENCE:
            pictures.setdefault(row[described.index], place)
            row[described.image] = ""
        rows.append((number, row, place))
    for number, row, place in rows:
        where, item_id = f"{name} {shown}:{number}", f"row-{number}"
        if isinstance(row, Broken):
            yield Skipped(item_id, name, row.reason, f"{where}: {row.detail}")
            continue
        reference = row.pop(described.image)
        held = pictures.get(reference) if reference else place
        item_id = row[described.index] or item_id
        if held is None:
            yield Skipped(item_id, name, "image_absent", f"{where}: no row {reference!r} holds the picture")
            continue
        problem = _problem(row)
        if problem is not None:
            yield Skipped(item_id, name, problem.reason, f"{where}: {problem.detail}")
            continue
        columns: dict[str, Any] = {
            "file": Path(shown).stem,
            "part": "row",
            "number": number,
            "request": "",
            "turned": _turned(row[described.index]),
            **row,
        }
        picture = LazyImage(f"{item_id}.image", _Cell(location.path, held, at))
        yield Raw(item_id, row[described.prompt], None, (picture,), (), columns, row.get("split") or "test", where)


def _turned(index: str) -> str:
    """What the copies of a question with its options turned have in common: their indices differ by whole millions."""
    return str(int(index) % 1_000_000) if index.isdecimal() and len(index) < 20 else index


def _problem(row: dict[str, str]) -> Broken | None:
    found = (text_problem(value, f"`{column}`") for column, value in row.items())
    return next((problem for problem in found if problem is not None), None)


def _row(text: str | Broken, header: list[str]) -> dict[str, str] | Broken:
    if isinstance(text, Broken):
        return text
    fields = split_record(text)
    if fields is None:
        return Broken("malformed", "a quoted field does not end at its quote")
    if len(fields) != len(header):
        return Broken("malformed", f"{len(fields)} fields, and the header has {len(header)}")
    if any("\udc80" <= character <= "\udcff" for field in fields for character in field if not field.isascii()):
        return Broken("malformed", "not UTF-8")
    return dict(zip(header, fields, strict=True))


def _records(location: Location) -> Iterator[tuple[_Place, str | Broken]]:
    """The records of a file; a line end within quotes is part of one. A quote that is never closed breaks its record,
    and what stands on the lines after it is read again."""
    with location.open() as file:
        while True:
            at = file.tell()
            data = file.readline(_MAX_RECORD + 1)
            if not data:
                return
            after = file.tell()
            while data.count(b'"') % 2 and len(data) <= _MAX_RECORD:
                more = file.readline(_MAX_RECORD + 1 - len(data))
                if not more:
                    break
                data += more
            if data.count(b'"') % 2 or len(data) > _MAX_RECORD:
                large = len(data) > _MAX_RECORD
                reason, detail = "record_too_large", f"a record of more than {_MAX_RECORD:,} bytes"
                if not large:
                    reason, detail = "malformed", "a quote is opened and never closed"
                file.seek(after)
                yield _Place(at, after - at), Broken(reason, detail)
                continue
            text = data.decode("utf-8", "surrogateescape").rstrip("\r\n")
            if text:
                yield _Place(at, len(data)), text


def split_record(text: str) -> list[str] | None:
    """The fields of a record of a TSV as pandas writes it: those with tabs, quotes or line ends stand in quotes, and
    quotes in these are doubled. None where what follows a closing quote is no tab."""
    fields: list[str] = []
    at = 0
    while True:
        if text.startswith('"', at):
            end = at + 1
            while True:
                end = text.find('"', end)
                if end < 0:
                    return None
                if not text.startswith('""', end):
                    break
                end += 2
            fields.append(text[at + 1 : end].replace('""', '"'))
            end += 1
            if end < len(text) and text[end] != "\t":
                return None
        else:
            end = text.find("\t", at)
            end = len(text) if end < 0 else end
            fields.append(text[at:end])
        if end >= len(text):
            return fields
        at = end + 1
