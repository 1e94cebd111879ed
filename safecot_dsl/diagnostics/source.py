"""A source file: its text and the way from an offset to a line and a column."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from safecot_dsl.diagnostics.model import Span

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class SourceFile:
    """`path` is how the file is named to people; `text` its content with line breaks as `\\n`."""

    path: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(len(line) + 1 for line in self.lines[:-1])]

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of a character offset; the end of the text is a position too."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def span(self, start: int, end: int, file: str | None = None) -> Span:
        """The span of the characters from `start` up to `end`, in the file under its own path or another name."""
        line, column = self.position(start)
        end_line, end_column = self.position(end)
        return Span(
            file=self.path if file is None else file, line=line, column=column, end_line=end_line, end_column=end_column
        )


def sanitised(text: str) -> str:
    """An editor's text as the compiler reads files: line breaks as `\\n`, no mark of the byte order, and no half of a
    surrogate pair, which has no UTF-8 form."""
    return _LONE_SURROGATE.sub("\ufffd", text.removeprefix("\ufeff").replace("\r\n", "\n"))
