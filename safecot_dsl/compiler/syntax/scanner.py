"""Text to tokens. Never fails: what cannot be read is reported and left out, and the rest goes on."""

from __future__ import annotations

import re
import textwrap
import unicodedata

from lark import Token

from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.tokens import PUNCTUATION, Words, new_token, text_with_places
from safecot_dsl.compiler.syntax.tree import Comment
from safecot_dsl.compiler.syntax.unreadable import (
    is_empty_cell,
    refuse_hidden_characters,
    report_unreadable,
    separates_a_path,
    yes_or_no,
)
from safecot_dsl.diagnostics import Code

# Spaces after a token are part of its match, not of its group: nothing is then asked of them alone.
_TOKEN = re.compile(
    r"""
    (?:
      (?P<space>[ \t\n]+)
    | (?P<name>[a-z][a-z0-9_]*(?!\w|-\w))
    | (?P<punctuation>\.\.|<=|>=|\|(?!\|)|[{}(),.:=<>])
    | (?P<comment>\#[^\n]*)
    | (?P<word>[^\W\d]\w*(?:-\w+)*)
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?![0-9A-Za-z_]))
    | (?P<long>\"\"\"(?:[^\\"]|\\.|\\\n|"(?!""))*\"\"\")
    | (?P<string>(?!\"\"\")"(?:[^\\"\n]|\\[^\n])*")
    | (?P<regex>/(?!\*)(?:[^\\/\n]|\\[^\n])+/i?)
    | (?P<unreadable>(?s:.))
    )[ \t\n]*
    """,
    re.VERBOSE,
)


def tokenise(text: str, report: Reporter, comments: list[Comment] | None = None) -> list[Token]:
    """The tokens of a file, and its comments added to `comments`. Words carry the type WORD: the parser's state says
    whether one is a keyword."""
    refuse_hidden_characters(text, report)
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        for found in _TOKEN.finditer(text, position):
            kind, group = found.lastgroup, found.lastindex or 0
            value, (start, end) = found[group], found.span(group)
            if kind == "name":
                tokens.append(new_token("WORD", value, start, end))
            elif kind == "punctuation":
                tokens.append(new_token(PUNCTUATION[value], value, start, end))
            elif kind == "comment":
                if comments is not None:
                    comments.append(Comment(start, end, value))
            elif kind == "string" or kind == "long":
                tokens.append(_string(value, start, kind == "long", report))
            elif kind != "space":
                if kind == "unreadable" or _is_for_another_token(text, start, tokens):
                    break
                word = kind == "word"
                tokens.append(_word(value, start, report) if word else new_token(str(kind).upper(), value, start, end))
            position = found.end()
        if position < len(text):
            position = report_unreadable(text, position, report, tokens)
    return tokens


def _is_for_another_token(text: str, start: int, tokens: list[Token]) -> bool:
    """Whether what reads as a pattern, a number or a word was written for something else."""
    return (
        separates_a_path(text, start, tokens)
        or is_empty_cell(text, start, tokens)
        or yes_or_no(text, start, tokens) is not None
    )


def _word(value: str, start: int, report: Reporter) -> Token:
    """Of a word that is not a name: what it was probably meant to be."""
    end = start + len(value)
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", value)
    plain = unicodedata.normalize("NFKD", parts).lower().replace("-", "_")
    proper = re.sub(r"\W|^[\d_]+", "", plain, flags=re.ASCII)
    proper = {"true": "yes", "false": "no"}.get(proper, proper)  # `True` of Python: a flag is yes or no
    report.error(
        Code.MALFORMED_WORD,
        f"`{value}` is not a name: names are lower-case letters, digits and `_`, starting with a letter",
        start,
        end,
        help=f"write `{proper}`" if proper else None,
        replacement=proper or None,
    )
    return new_token("WORD", proper or "name", start, end)


_ESCAPES = {'"': '"', "\\": "\\", "n": "\n"}


def _string(raw: str, start: int, long: bool, report: Reporter) -> Words:
    """Decode a text: `\\"`, `\\\\`, `\\n`; a long one is dedented first, without its first and last line break."""
    quotes = 3 if long else 1
    inner = raw[quotes:-quotes]
    places = list(range(start + quotes, start + quotes + len(inner)))
    if long:
        inner, places = _dedented(inner, places)
    content: list[str] = []
    offsets: list[int] = []
    position = 0
    while position < len(inner):
        char = inner[position]
        offsets.append(places[position])
        if char != "\\":
            content.append(char)
            position += 1
            continue
        escaped = inner[position + 1]
        if escaped not in _ESCAPES:
            shown = "a line break" if escaped == "\n" else f"`\\{escaped}`"
            report.error(
                Code.UNCLOSED_TEXT,
                f'{shown} is no escape: a text knows `\\"`, `\\\\` and `\\n`',
                places[position],
                places[position] + 2,
                help="write `\\\\` for a backslash",
            )
        content.append(_ESCAPES.get(escaped, escaped))
        position += 2
    end = start + len(raw)
    offsets.append(end - quotes)
    return text_with_places(Words, "".join(content), start, end, offsets)


def _dedented(inner: str, places: list[int]) -> tuple[str, list[int]]:
    """`textwrap.dedent` that remembers where each character came from."""
    lines = inner.split("\n")
    dedented = textwrap.dedent(inner).split("\n")
    kept: list[str] = []
    kept_places: list[int] = []
    offset = 0
    for number, (line, short) in enumerate(zip(lines, dedented, strict=True)):
        cut = len(line) - len(short)
        kept.append(short)
        kept_places.extend(places[offset + cut : offset + len(line)])
        offset += len(line)
        if number < len(lines) - 1:
            kept_places.append(places[offset])
        offset += 1
    text = "\n".join(kept)
    if text.startswith("\n"):
        text, kept_places = text[1:], kept_places[1:]
    if text.endswith("\n"):
        text, kept_places = text[:-1], kept_places[:-1]
    return text, kept_places
