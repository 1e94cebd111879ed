"""A document as Markdown, as GitHub and its like show it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from safecot_dsl.diagnostics import Span
from safecot_dsl.export.document import (
    Badge,
    Block,
    Bullets,
    Card,
    CodeText,
    Document,
    DocumentTable,
    Inline,
    Line,
    Link,
    ListItem,
    Mark,
    Paragraph,
    SourceLine,
    Strong,
    clean,
)

# Signs of Markdown (and of the mathematics that GitHub reads in it), wherever they stand in a text of others.
_SIGNS = re.compile(r"[\\`*_{}\[\]<>#|&~!$^]")
# What GitHub makes a link of without any sign: an address, and what looks like one.
_ADDRESS = re.compile(r"(?i)(?<=\b(?:http|ttps|/ftp))(?=:)|:(?=//)|(?<=\bwww)\.|@")
_LIST = re.compile(r"^( *)(?:([-+=])|(\d+)([.)]))")


def write_markdown(document: Document, link: Callable[[Span], str | None]) -> str:
    """The document's text. `link` gives the address of a place, or None where there is none to lead to."""
    writer = _MarkdownWriter(link)
    lines = [f"# {escape(document.title)}", ""]
    if document.lede:
        lines += [writer.paragraph((document.lede,)), ""]
    lines += [f"- **{escape(name)}**: {writer.line(line)}" for name, line in document.facts]
    for section in document.sections:
        lines += ["", f"## {escape(section.title)}", ""]
        lines += list(writer.blocks(section.blocks, 3))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).rstrip("\n") + "\n"


def escape(text: str) -> str:
    """The text on one line as Markdown that shows just that."""
    text = _SIGNS.sub(r"\\\g<0>", clean(text))
    return _ADDRESS.sub(lambda match: f"&#{ord(match[0])};" if match[0] else "", text)


class _MarkdownWriter:
    def __init__(self, link: Callable[[Span], str | None]) -> None:
        self._link = link

    def blocks(self, blocks: tuple[Block, ...], depth: int) -> Iterator[str]:
        for block in blocks:
            match block:
                case Paragraph(line=line):
                    yield self.paragraph(line)
                case Bullets(items=items):
                    yield from self._bullets(items, "")
                case DocumentTable():
                    yield from self._table(block)
                case Card():
                    yield from self._card(block, depth)
            yield ""

    def paragraph(self, line: Line) -> str:
        return _LIST.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", self.line(line).strip())

    def _bullets(self, items: tuple[ListItem, ...], indent: str) -> Iterator[str]:
        for item in items:
            yield f"{indent}- {self.paragraph(item.line)}"
            yield from self._bullets(item.items, indent + "  ")

    def _table(self, table: DocumentTable) -> Iterator[str]:
        yield f"| {' | '.join(map(escape, table.head))} |"
        yield f"|{' --- |' * len(table.head)}"
        for row in table.rows:
            yield f"| {' | '.join(self.line(cell) for cell in row)} |"

    def _card(self, card: Card, depth: int) -> Iterator[str]:
        """What hangs on a card stands in a quotation below it: that is how Markdown indents what has tables in it."""
        yield f"{'#' * min(depth, 6)} {self.line(card.title)}"
        yield ""
        yield from self.blocks(card.blocks, depth + 1)
        for inner in card.inner:
            lines = "\n".join(self._card(inner, depth + 1)).rstrip("\n").split("\n")
            yield from (f"> {line}".rstrip() for line in lines)
            yield ""

    def line(self, line: Line) -> str:
        return "".join(map(self._inline, line))

    def _inline(self, inline: Inline) -> str:
        match inline:
            case str():
                return escape(inline)
            case Strong(text=text):
                return f"**{escape(text)}**"
            case CodeText(text=text):
                return _code(clean(text))
            case Badge(verdict=verdict):
                return f"**{verdict.value}** "
            case Mark(right=right, word=word):
                return f"{'?' if right is None else '✓' if right else '✗'} {escape(word)}"
            case Link(text=text):
                return f"*{escape(text)}*"
            case SourceLine():
                span = inline.span
                if span is None:
                    return ""
                shown = escape(f"{span.file}:{span.line}")
                address = self._link(span)
                return f"({shown})" if address is None else f"([{shown}](<{address}>))"


def _code(text: str) -> str:
    ticks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    padded = f" {text} " if text.startswith("`") or text.endswith("`") else text
    return ticks + padded.replace("|", "\\|") + ticks
