"""Writes tokens line by line, each with its comments beside it."""

from __future__ import annotations

from enum import Enum

from safecot_dsl.compiler.formatting.tree import Token, gap


class Blanks(Enum):
    """Which blank lines of the source are kept before the next token."""

    NONE = "none"
    BETWEEN = "between"  # between its comments and it, not before the first of these
    ALL = "all"
    ONE = "one"  # all, and there is one before the first even where the source has none


class SourceWriter:
    """The text so far.

    `hang` is the column at which a line goes on that a comment has ended; `lines` says on which line of the text each
    token begins.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line = ""
        self._indent = 0
        self._blanks = Blanks.NONE
        self._last: Token | None = None
        self.hang = 0
        self.lines: dict[Token, int] = {}
        self._remarks: dict[int, str] = {}  # comments at the end of lines, by the line

    @property
    def column(self) -> int:
        """Where the next character would stand."""
        return len(self._line.rpartition("\n")[2]) if self._line else self._indent

    @property
    def fresh(self) -> bool:
        """Is the line empty so far?"""
        return not self._line

    def newline(self, indent: int, blanks: Blanks = Blanks.NONE) -> None:
        """The next token stands on a line of its own, at this column."""
        self._end_line()
        self._indent = self.hang = indent
        self._blanks = blanks

    def token(self, token: Token, at: int | None = None, *, comma: bool = False) -> None:
        """Write a token: at a column (or one blank further, where the line is already longer), else after the usual
        gap. Its comments come along."""
        if self.fresh and at is not None:
            self._indent = at
        if token.above:
            self._comments(token, self._indent if self.fresh else self.hang)
            self._indent = self._indent if at is None else at
        elif self._blanks is Blanks.ONE or (self._blanks is Blanks.ALL and token.blank):
            self._blank_line()
        if self.fresh:
            self._line = " " * self._indent
        elif at is None:
            self._line += gap(self._last, token) if self._last else " "
        else:
            self._line += " " * max(1, at - self.column)
        self._line += token.text + ("," if comma or token.comma else "")
        self._blanks = Blanks.NONE
        self._last = token
        self.lines[token] = len(self._lines)
        if token.after:
            self._remarks[len(self._lines)] = token.after
            self._end_line()
            self._indent = self.hang

    def close(self, token: Token, indent: int) -> None:
        """Write a closing brace on a line of its own; comments above it stand inside."""
        self.newline(indent + 2, Blanks.ALL)
        if token.above:
            self._comments(token, indent + 2, before_brace=True)
        self._indent = self.hang = indent
        self._blanks = Blanks.NONE
        above, blank = token.above, token.blank
        token.above, token.blank = [], False
        self.token(token)
        token.above, token.blank = above, blank

    def _comments(self, token: Token, indent: int, *, before_brace: bool = False) -> None:
        if not self.fresh:
            self._end_line()
        forced = self._blanks is Blanks.ONE and not token.opens_paragraph
        for number, comment in enumerate(token.above):
            kept = self._blanks is not Blanks.NONE and (number > 0 or self._blanks is not Blanks.BETWEEN)
            if (comment.blank and kept) or (forced and number == 0):
                self._blank_line()
            self._lines.append(" " * indent + comment.text)
        if token.blank and self._blanks is not Blanks.NONE and not before_brace:
            self._blank_line()
        self._blanks = Blanks.NONE
        self._indent = indent

    def _blank_line(self) -> None:
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def _end_line(self) -> None:
        if self._line:
            self._lines.append(self._line)
            self._line = ""

    def finish(self, end: Token) -> str:
        """The whole text, with the comments at the end of the file."""
        self.newline(0, Blanks.ALL)
        if end.above:
            self._comments(end, 0, before_brace=True)
        return "\n".join(self._with_remarks()) + "\n"

    def _with_remarks(self) -> list[str]:
        """The lines with the comments at their ends: of lines of one indentation that follow one another, aligned."""
        lines = list(self._lines)
        run: list[int] = []
        for number in sorted(self._remarks):
            if run and (run[-1] + 1 != number or _indentation(lines[run[-1]]) != _indentation(lines[number])):
                self._align(lines, run)
                run = []
            run.append(number)
        self._align(lines, run)
        return lines

    def _align(self, lines: list[str], run: list[int]) -> None:
        ends = {number: len(lines[number].rpartition("\n")[2]) for number in run}
        column = max(ends.values(), default=0)
        for number, end in ends.items():
            blanks = column - end if column - min(ends.values()) <= _FAR else 0
            lines[number] += " " * (blanks + 2) + self._remarks[number]


_FAR = 24  # columns; comments on lines whose lengths differ by more are not aligned


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
