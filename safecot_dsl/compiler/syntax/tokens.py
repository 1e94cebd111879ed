"""The tokens of the language, and its words and signs."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import TypeVar, cast

from lark import Token

_Stack = TypeVar("_Stack")

# Words that are never names (language charter, surface syntax).
RESERVED = frozenset("not and or at assume ask severity within empty unknown".split())
# Words that open a part of a fact, and therefore never name one.
NEVER_A_FACT = frozenset({"says", "none"})
# Keywords by the word that spells them; all but `number` have the word in capitals as their terminal.
KEYWORDS = {
    word: word.upper()
    for word in (
        "policy library import as param facts image query context group let taxonomy phrases criteria rule exception "
        "to default unsure example property given expect by or not and at least of assume ask flag one set score text "
        "unknown severity proposition yes no detect any all none matches for class otherwise title hazard when unless "
        "verdict require think answer say offer observe intent risk contrast decide is within empty in has between "
        "contains table columns row then law change becomes gains rises falls never laxer stricter extend override "
        "says below else"
    ).split()
} | {"number": "NUMBER_TYPE"}
PUNCTUATION = {
    "{": "LBRACE",
    "}": "RBRACE",
    "(": "LPAR",
    ")": "RPAR",
    ",": "COMMA",
    "..": "RANGE",
    ".": "DOT",
    ":": "COLON",
    "=": "EQUAL",
    "|": "BAR",
    "<=": "LESS_EQUAL",
    "<": "LESS",
    ">=": "MORE_EQUAL",
    ">": "MORE",
}
MAX_NESTING = 64  # brackets, braces and `not` in one another; all that comes after the parser is recursive


def new_token(kind: str, value: str, start: int, end: int) -> Token:
    """A token without lines and columns. Lark's own constructor looks for arguments of earlier versions first, which
    takes longer than all the rest."""
    token = str.__new__(Token, value)
    token.type = kind
    token.value = value
    token.start_pos = start
    token.end_pos = end
    token.line = token.column = token.end_line = token.end_column = None
    return token


def is_keyword(
    word: str, keyword: str, accepted: Container[str], takes: Callable[[_Stack, str], bool], stack: _Stack
) -> bool:
    """Is a word that spells a keyword one, where the parser's state accepts these terminals?

    The table's row alone does not say so: LALR gives a name the lookaheads of every place in which one may stand, so
    the fact after `topic : one of subjects` could not be called `title`. `takes` says whether the keyword can follow.
    """
    return word in RESERVED or "NAME" not in accepted or (keyword in accepted and takes(stack, keyword))


class Words(Token):
    """A STRING token with its decoded `content`, and for each of its characters the offset it came from."""

    content: str
    offsets: list[int]


class Guess(Words):
    """Stands for a text or a pattern that is not closed: nobody knows where it ends, so what misses after it is no
    fault of its own."""


@dataclass(frozen=True)
class PatternToken:
    """A REGEX token's parts."""

    pattern: str
    ignore_case: bool


def text_token(kind: type[Words], content: str, start: int, end: int) -> Words:
    """A STRING token of a content, for a text that stands at `start` to `end` without its quotes, or without one."""
    return text_with_places(kind, content, start, end, [min(start + 1 + i, end) for i in range(len(content) + 1)])


def text_with_places(kind: type[Words], content: str, start: int, end: int, offsets: list[int]) -> Words:
    token = cast(Words, kind("STRING", content, start_pos=start, end_pos=end))
    token.content = content
    token.offsets = offsets
    return token


def too_deep(tokens: list[Token]) -> Token | None:
    """The first token that stands deeper than `MAX_NESTING` brackets, braces and `not`; None where all is well."""
    depth = nots = 0
    opened: list[int] = []  # what each open bracket added, with the `not`s before it
    for token in tokens:
        kind = token.type
        if kind in ("LPAR", "LBRACE"):
            opened.append(nots + 1)
            depth += nots + 1
            nots = 0
        elif kind in ("RPAR", "RBRACE"):
            depth -= opened.pop() if opened else 0
            nots = 0
        else:
            nots = nots + 1 if kind == "WORD" and token.value == "not" else 0
        if depth + nots > MAX_NESTING:
            return token
    return None


def pattern_of(token: Token) -> PatternToken:
    """The parts of a REGEX token: `\\/` stands for a slash."""
    body, _, flag = str(token)[1:].rpartition("/")
    return PatternToken(re.sub(r"\\(.)", lambda m: "/" if m[1] == "/" else m[0], body), flag == "i")
