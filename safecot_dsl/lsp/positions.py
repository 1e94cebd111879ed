"""Places in a text as the protocol counts them: lines from 0, columns in the code units that both sides agreed on."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lsprotocol import types

from safecot_dsl.diagnostics import Span

_LINE_END = re.compile(r"\r\n|\n|\r")


def common(first: Sequence[str], second: Sequence[str]) -> int:
    """How many characters, or lines, are the same at the beginning of two."""
    shorter = min(len(first), len(second))
    return next((i for i in range(shorter) if first[i] != second[i]), shorter)


@dataclass(frozen=True)
class PositionedText:
    """A text (line breaks as `\\n`) with the way from offsets to the protocol's positions and back.

    `encoding` is utf-8, utf-16 or utf-32. A line ends where the protocol says so: at a lone carriage return too.
    """

    content: str
    encoding: str = "utf-16"

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in _LINE_END.finditer(self.content))]

    @cached_property
    def _source_starts(self) -> list[int]:
        return [0, *(offset + 1 for offset, char in enumerate(self.content) if char == "\n")]

    def line(self, number: int) -> str:
        """The line, without what ends it."""
        start, end = self._bounds(number)
        return self.content[start:end]

    def _bounds(self, number: int) -> tuple[int, int]:
        start = self._starts[number]
        end = self._starts[number + 1] - 1 if number + 1 < len(self._starts) else len(self.content)
        return start, end

    def units(self, text: str) -> int:
        """The length of a text in code units."""
        if text.isascii() or self.encoding == "utf-32":
            return len(text)
        if self.encoding == "utf-8":
            return len(text.encode("utf-8"))
        return len(text.encode("utf-16-le")) // 2

    def position(self, offset: int) -> types.Position:
        """The position of a character; an offset out of the text is taken for its nearest end."""
        offset = min(max(offset, 0), len(self.content))
        line = bisect_right(self._starts, offset) - 1
        return types.Position(line, self.units(self.content[self._starts[line] : offset]))

    def range(self, start: int, end: int) -> types.Range:
        return types.Range(self.position(start), self.position(end))

    def offset(self, position: types.Position) -> int:
        """The offset of a position; one out of the text is taken for the nearest in it, one in the middle of a
        character for the place before it."""
        if position.line >= len(self._starts):
            return len(self.content)
        start, end = self._bounds(position.line)
        line = self.content[start:end]
        if line.isascii():
            return start + min(position.character, len(line))
        units = 0
        for index, char in enumerate(line):
            units += self.units(char)
            if units > position.character:
                return start + index
        return end

    def offsets(self, span: Span) -> tuple[int, int]:
        """The offsets of a compiler's span, whose lines end at `\\n` only and whose columns are code points."""
        return self._source_offset(span.line, span.column), self._source_offset(span.end_line, span.end_column)

    def _source_offset(self, line: int, column: int) -> int:
        if line > len(self._source_starts):
            return len(self.content)
        return min(self._source_starts[line - 1] + column - 1, len(self.content))

    def span(self, span: Span) -> types.Range:
        return self.range(*self.offsets(span))
