"""A document as one HTML file: no scripts, nothing loaded, and the sources at its end for every place to lead to."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources

from safecot_dsl.evaluation.report.markup import Markup, join, tag
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
    Section,
    SourceLine,
    Strong,
    clean,
)


def write_html(document: Document, sources: Mapping[str, str]) -> str:
    """The document's page. `sources` are the texts of the files that it cites, by the path that places give; a place in
    any other file is named without a link.

    The page's content security policy allows its own style sheet, by its hash, and nothing else.
    """
    writer = _HtmlWriter(sources)
    css = resources.files("safecot_dsl.export").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    security = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=security),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", clean(document.title)),
        tag("style", Markup(css)),
    )
    sections = [(section.anchor, section.title) for section in document.sections]
    if sources:
        sections.append(("source", "Source"))
    header = tag(
        "header",
        tag("p", clean(document.eyebrow), cls="eyebrow"),
        tag("h1", clean(document.title)),
        tag("p", clean(document.lede), cls="lede") if document.lede else None,
        tag(
            "dl",
            (tag("div", tag("dt", clean(name)), tag("dd", writer.line(line))) for name, line in document.facts),
            cls="facts",
        ),
        tag("nav", (tag("a", title, href=f"#{anchor}") for anchor, title in sections), aria_label="Sections"),
    )
    body = [*map(writer.section, document.sections), writer.appendix() if sources else None]
    return "<!doctype html>\n" + tag("html", head, tag("body", header, tag("main", body)), lang="en") + "\n"


class _HtmlWriter:
    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._numbers = {path: number for number, path in enumerate(sources, start=1)}

    def section(self, section: Section) -> Markup:
        return tag("section", tag("h2", section.title), map(self._block, section.blocks), id=section.anchor)

    def _block(self, block: Block, depth: int = 3) -> Markup:
        match block:
            case Paragraph(line=line, quiet=quiet):
                return tag("p", self.line(line), cls="quiet" if quiet else None)
            case Bullets(items=items):
                return self._bullets(items)
            case DocumentTable():
                return self._table(block)
            case Card():
                return self._card(block, depth)

    def _bullets(self, items: tuple[ListItem, ...]) -> Markup:
        return tag(
            "ul",
            (tag("li", self.line(item.line), self._bullets(item.items) if item.items else None) for item in items),
        )

    def _table(self, table: DocumentTable) -> Markup:
        head = tag("thead", tag("tr", (tag("th", clean(cell), scope="col") for cell in table.head)))
        rows = (
            tag("tr", tag("th", self.line(row[0]), scope="row"), (tag("td", self.line(cell)) for cell in row[1:]))
            for row in table.rows
        )
        return tag("div", tag("table", head, tag("tbody", rows)), cls="scroll")

    def _card(self, card: Card, depth: int) -> Markup:
        inner = tag("div", (self._card(other, min(depth + 1, 6)) for other in card.inner), cls="inner")
        return tag(
            "article",
            tag(f"h{depth}", self.line(card.title)),
            (self._block(block, min(depth + 1, 6)) for block in card.blocks),
            inner if card.inner else None,
            id=card.anchor,
        )

    def line(self, line: Line) -> Markup:
        return join(map(self._inline, line))

    def _inline(self, inline: Inline) -> Markup | str:
        match inline:
            case str():
                return clean(inline)
            case Strong(text=text):
                return tag("strong", clean(text))
            case CodeText(text=text):
                return tag("code", clean(text))
            case Badge(verdict=verdict):
                return join([tag("span", verdict.value, cls=f"verdict v-{verdict.value}"), " "])
            case Mark(right=right, word=word):
                kind = "open" if right is None else "right" if right else "wrong"
                return tag("span", {"open": "? ", "right": "✓ ", "wrong": "✗ "}[kind], clean(word), cls=f"mark {kind}")
            case Link(text=text, anchor=anchor):
                return tag("a", clean(text), href=f"#{anchor}")
            case SourceLine():
                span = inline.span
                if span is None:
                    return ""
                shown = f"{clean(span.file)}:{span.line}"
                if span.file not in self._sources:
                    return tag("span", shown, cls="place")
                return tag("a", shown, href=f"#{self._anchor(span.file, span.line)}", cls="place")

    def _anchor(self, file: str, line: int) -> str:
        return f"source-{self._numbers[file]}-{line}"

    def appendix(self) -> Markup:
        """Every source with its lines numbered and each with an anchor."""
        files = (
            tag(
                "article",
                tag("h3", tag("code", clean(path))),
                tag(
                    "pre",
                    (
                        tag("span", line or " ", cls="line", id=self._anchor(path, number))
                        for number, line in enumerate(text.rstrip("\n").split("\n"), start=1)
                    ),
                    tabindex=0,
                    aria_label=f"Source of {clean(path)}",
                ),
            )
            for path, text in self._sources.items()
        )
        return tag("section", tag("h2", "Source"), files, id="source")
