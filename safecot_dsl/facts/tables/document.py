"""A JSON document: a list of objects, an object of objects, or either of them under a key."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from safecot_dsl.facts.blocks import BLOCK_ROWS
from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.tables.file import Location, Row
from safecot_dsl.facts.tables.limits import MAX_DOCUMENT, MAX_RECORD
from safecot_dsl.facts.tables.lines import DECODER, guarded, json_object, too_large
from safecot_dsl.facts.tables.record import Broken

_SPACE = re.compile(r"[ \t\n\r]*")
# A string (one that is never closed reaches to the end, and so costs one look, not one for each quote in it) or a
# bracket. The possessive quantifiers keep no way back, which long strings would pay for in memory.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[][{}]', re.DOTALL)


@dataclass(frozen=True)
class JsonDocument:
    """The elements of a JSON list, or of an object, whose keys are then the column `key`.

    `spans` are the bytes at which each element begins and ends, by blocks of BLOCK_ROWS; `keys` their keys, if any.
    """

    location: Location
    rows: int
    spans: tuple[tuple[tuple[int, int], ...], ...]
    keys: tuple[str, ...] | None
    unfinished: str | None = None
    names: tuple[str, ...] | None = None
    unit: str = "element"

    @classmethod
    def of(cls, location: Location, under: str | None = None) -> JsonDocument:
        """Find the elements. Raises :class:`FactsError` where the file is no such document at all; one that breaks off
        gives the elements before, and a last one that is broken."""
        text = _text(location)
        spans, keys, problem = _elements(text, _start(text, under, location))
        rows = len(spans) + (problem is not None)
        blocks = tuple(tuple(spans[at : at + BLOCK_ROWS]) for at in range(0, len(spans), BLOCK_ROWS))
        return cls(location, rows, blocks, keys, problem)

    def read(self, start: int, stop: int, columns: Collection[str] | None = None) -> Iterator[Row]:
        del columns
        with self.location.open() as file:
            for row in range(start, min(stop, self.rows)):
                block, at = divmod(row, BLOCK_ROWS)
                if block >= len(self.spans) or at >= len(self.spans[block]):
                    yield row + 1, Broken("malformed", self.unfinished or "")
                    continue
                begin, end = self.spans[block][at]
                if end - begin > MAX_RECORD:
                    yield row + 1, too_large()
                    continue
                file.seek(begin)
                value = json_object(file.read(end - begin))
                if self.keys is not None and isinstance(value, dict):
                    value = {"key": self.keys[row], **value}
                yield row + 1, value


def _text(location: Location) -> str:
    with location.open() as file:
        data = file.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise FactsError(f"{location.name} is larger than {MAX_DOCUMENT:,} bytes; write it as JSONL, one object a line")
    # Bytes that are no UTF-8 stay in their element, which alone is then malformed.
    return data.decode("utf-8", "surrogateescape")


def _start(text: str, under: str | None, location: Location) -> int:
    """Where the list or the object begins whose elements are the rows."""
    at = _skip(text, 1 if text.startswith("\ufeff") else 0)
    if under is not None:
        at = _value_of(text, at, under, location)
    if text[at : at + 1] not in ("[", "{"):
        raise FactsError(f"{location.name} is neither a JSON list nor a JSON object of records")
    return at


def _value_of(text: str, at: int, key: str, location: Location) -> int:
    if text[at : at + 1] != "{":
        raise FactsError(f"{location.name} is not a JSON object with the key `{key}`")
    found: list[str] = []
    at = _skip(text, at + 1)
    while text[at : at + 1] == '"':
        parsed = guarded(lambda at=at: DECODER.raw_decode(text, at))
        if isinstance(parsed, Broken):
            break
        name, at = parsed
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            break
        at = _skip(text, at + 1)
        if name == key:
            return at
        found.append(name)
        end = _end(text, at)
        if end is None:
            break
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at : at + 1] == "," else at
    raise FactsError(f"{location.name} has no key `{key}` (it has {', '.join(found) or 'none'})")


def _elements(text: str, at: int) -> tuple[list[tuple[int, int]], tuple[str, ...] | None, str | None]:
    """The bytes of each element, their keys where they have any, and what was wrong where the text breaks off."""
    keyed = text[at] == "{"
    closing = "}" if keyed else "]"
    spans: list[tuple[int, int]] = []
    keys: list[str] = []
    byte, counted = len(text[:at].encode("utf-8", "surrogateescape")), at
    at = _skip(text, at + 1)
    problem: str | None = None
    while text[at : at + 1] != closing:
        if keyed:
            parsed = guarded(lambda at=at: DECODER.raw_decode(text, at))
            if isinstance(parsed, Broken) or not isinstance(parsed[0], str):
                problem = f"the document breaks off after {len(spans):,} elements: a key is missing"
                break
            key, at = parsed
            at = _skip(text, at)
            if text[at : at + 1] != ":":
                problem = f"the document breaks off after {len(spans):,} elements: `:` is missing"
                break
            keys.append(key)
            at = _skip(text, at + 1)
        end = _end(text, at)
        if end is None:
            problem = f"the document breaks off within its element {len(spans) + 1:,}"
            break
        byte += len(text[counted:at].encode("utf-8", "surrogateescape"))
        size = len(text[at:end].encode("utf-8", "surrogateescape"))
        spans.append((byte, byte + size))
        byte, counted = byte + size, end
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != closing:
            problem = f"the document breaks off after {len(spans):,} elements: `,` or `{closing}` is missing"
            break
    return spans, tuple(keys[: len(spans)]) if keyed else None, problem


def _end(text: str, at: int) -> int | None:
    """Where the value that begins at `at` ends, None where it does not. A list or an object is only matched by its
    brackets: what is wrong inside of it is wrong with that element alone."""
    if text[at : at + 1] not in ("[", "{"):
        parsed = guarded(lambda: DECODER.raw_decode(text, at))
        return None if isinstance(parsed, Broken) else parsed[1]
    depth = 0
    for token in _TOKEN.finditer(text, at):
        mark = token[0]
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
            if depth == 0:
                return token.end()
    return None


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found is not None else at
