"""A document as data, between what it says and how it is written: the writers of HTML and Markdown draw the same one.

Every text in it is plain text of anybody's; escaping is the writers' task.
"""

from __future__ import annotations

from dataclasses import dataclass

from safecot_dsl.artifact import Verdict
from safecot_dsl.diagnostics import Span
from safecot_dsl.diagnostics.show import visible


@dataclass(frozen=True)
class Strong:
    text: str


@dataclass(frozen=True)
class CodeText:
    text: str


@dataclass(frozen=True)
class Badge:
    """A verdict."""

    verdict: Verdict


@dataclass(frozen=True)
class Mark:
    """Whether something is as it should be (None: that is open), with the word for it."""

    right: bool | None
    word: str


@dataclass(frozen=True)
class SourceLine:
    """Where in the sources a statement comes from; None where that is not known."""

    span: Span | None


@dataclass(frozen=True)
class Link:
    """A link to a block of the same document by its anchor."""

    text: str
    anchor: str


Inline = str | Strong | CodeText | Badge | Mark | SourceLine | Link
Line = tuple[Inline, ...]


@dataclass(frozen=True)
class Paragraph:
    line: Line
    quiet: bool = False


@dataclass(frozen=True)
class ListItem:
    line: Line
    items: tuple[ListItem, ...] = ()


@dataclass(frozen=True)
class Bullets:
    items: tuple[ListItem, ...]


@dataclass(frozen=True)
class DocumentTable:
    """`rows` are as long as `head`; the first cell of a row is its header."""

    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]


@dataclass(frozen=True)
class Card:
    """A titled block with its own anchor; `inner` are cards that hang on it, indented."""

    anchor: str
    title: Line
    blocks: tuple[Block, ...]
    inner: tuple[Card, ...] = ()


Block = Paragraph | Bullets | DocumentTable | Card


@dataclass(frozen=True)
class Section:
    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """`facts` are the name and value pairs below the title."""

    title: str
    eyebrow: str
    lede: str | None
    facts: tuple[tuple[str, Line], ...]
    sections: tuple[Section, ...]


def clean(text: str) -> str:
    """The text on one line; a space at either end stays, and what would turn the line around is shown as an escape."""
    folded = visible(" ".join(text.split()))
    if not folded:
        return " " if text else ""
    return f"{' ' * text[:1].isspace()}{folded}{' ' * text[-1:].isspace()}"
