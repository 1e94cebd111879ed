"""One fault of the parser, and the means to say and mend it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lark import Token

from safecot_dsl.artifact import Verdict
from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.tokens import PUNCTUATION, Words, text_token
from safecot_dsl.diagnostics import Code

COMPARISONS = frozenset("LESS LESS_EQUAL MORE MORE_EQUAL".split())
VERDICT_NEXT = frozenset({"verdict", "unsure", "then", "default", "expect"})
SUBJECTS = ("image", "query", "context")
VERDICTS = frozenset(verdict.value for verdict in Verdict)

_MORE_OF_TEXT = re.compile(r'[^\n"{}|#]*')


def is_word(token: Token) -> bool:
    return token.type == "WORD"


def shown(token: Token) -> str:
    """A token as a message shows it."""
    text = str(token) if len(str(token)) <= 40 else str(token)[:37] + "..."
    return "a text" if token.type == "STRING" else f"`{text}`"


@dataclass(frozen=True)
class SyntaxFault:
    """Where the parser stopped: at `tokens[index]`, where it could take what is `accepted`. `opening` is the word that
    opens the declaration."""

    tokens: list[Token]
    index: int
    accepted: set[str]
    opening: str
    report: Reporter

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    @property
    def before(self) -> Token | None:
        return self.tokens[self.index - 1] if self.index else None

    def after(self, count: int = 1) -> Token | None:
        """The token so many places on, if there is one."""
        return self.tokens[self.index + count] if self.index + count < len(self.tokens) else None

    def same_line(self, first: Token, second: Token) -> bool:
        position = self.report.source.position
        return position(first.end_pos or 0)[0] == position(second.start_pos or 0)[0]

    def mend(
        self,
        message: str,
        *signs: str,
        back: int = 0,
        count: int = 1,
        code: Code = Code.UNEXPECTED_WORD,
        help: str | None = None,
        replacement: str | None = None,
    ) -> list[Token]:
        """Say it of `count` tokens, the first `back` places before this one, and put `signs` in their place."""
        first, stop = self.index - back, self.index - back + count
        start, end = self.tokens[first].start_pos or 0, self.tokens[stop - 1].end_pos or 0
        self.report.error(code, message, start, end, help=help, replacement=replacement)
        made = [Token(_kind(sign), sign, start_pos=start, end_pos=end) for sign in signs]
        return [*self.tokens[:first], *made, *self.tokens[stop:]]

    def quote(self, message: str, count: int, *, help: str | None = None) -> list[Token]:
        """Say that this token and those after it, `count` in all, are a text without its quotes, and make them one."""
        start, end = self.token.start_pos or 0, self.tokens[self.index + count - 1].end_pos or 0
        following = self.after(count)
        stop = len(self.report.source.text) if following is None else following.start_pos or 0
        # Signs such as `!` are no tokens, and of the text all the same.
        end += len((_MORE_OF_TEXT.match(self.report.source.text[end:stop]) or [""])[0].rstrip())
        for code in (Code.MALFORMED_WORD, Code.UNKNOWN_SIGN):  # in a text, words need not be names
            self.report.withdraw(code, start, end)
        content = self.report.source.text[start:end]
        written = content.replace("\\", "\\\\")
        self.report.error(Code.UNEXPECTED_WORD, message, start, end, help=help, replacement=f'"{written}"')
        made = text_token(Words, content, start, end)
        return [*self.tokens[: self.index], made, *self.tokens[self.index + count :]]

    def insert(self, message: str, sign: str) -> list[Token]:
        """Say that `sign` is missing before this token, and put it there, after what stands before it."""
        start, end = self.token.start_pos or 0, self.token.end_pos or 0
        place = (self.before.end_pos or 0) if self.before is not None else start
        written = apart(sign, place, self.report)
        self.report.error(Code.UNEXPECTED_WORD, message, start, end, replacement=written, replaced=(place, place))
        made = Token(_kind(sign), sign, start_pos=place, end_pos=place)
        return [*self.tokens[: self.index], made, *self.tokens[self.index :]]


def apart(sign: str, place: int, report: Reporter) -> str:
    """A sign as it is inserted at a place right behind another: a word needs blanks around it."""
    if sign == ",":
        return sign
    return f" {sign}" if report.source.text[place : place + 1].isspace() else f" {sign} "


def _kind(sign: str) -> str:
    return "NUMBER" if sign[0].isdigit() else PUNCTUATION.get(sign, "WORD")


def as_name(text: str) -> str:
    """A text as a name, as near to it as can be; empty where nothing of it can stand in one."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_0123456789")
