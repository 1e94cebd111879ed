"""What would steer a terminal, or turn a line around, is shown as an escape: on terminals, in Markdown and in HTML."""

from __future__ import annotations

import pytest
from rich.table import Table

from safecot_dsl.cli.output import console
from safecot_dsl.dataset.card import _cell  # pyright: ignore[reportPrivateUsage]
from safecot_dsl.diagnostics.show import visible, visible_lines
from safecot_dsl.evaluation.report.markup import tag
from safecot_dsl.evaluation.report.plain import plain
from safecot_dsl.export.document import Document, Paragraph, Section, Strong
from safecot_dsl.export.html import write_html
from safecot_dsl.export.markdown import write_markdown

#: An escape sequence, an override of the direction, an isolate, a tag character, NUL, DEL, C1 and a bell.
NASTY = "a\x1b[2Jb\u202ec\u2066d\U000e0041e\x00f\x7fg\x9bh\x07i"
HARMLESS = "naïve 日本 🙂 שלום"


def _is_safe(text: str) -> bool:
    return not set(text) & (set(NASTY) - set("abcdefghi[2J"))


def test_texts() -> None:
    assert visible(NASTY).startswith("a<U+001B>[2Jb<U+202E>c<U+2066>d<U+E0041>e<U+0000>f<U+007F>g<U+009B>h<U+0007>i")
    assert visible(HARMLESS) == HARMLESS
    assert visible_lines(f"{HARMLESS}\n{NASTY}") == f"{HARMLESS}\n{visible(NASTY)}"


def test_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Also in a table of texts of anyone's, which nobody made visible before."""
    table = Table(NASTY)
    table.add_row(NASTY, HARMLESS)
    out = console()
    out.print(NASTY)
    out.print(table)
    shown = capsys.readouterr().out
    assert _is_safe(shown)
    assert shown.count("<U+202E>") == 3
    assert HARMLESS in shown


def test_markdown_and_html_of_evaluations_and_cards() -> None:
    for written in (plain(NASTY), str(tag("p", NASTY, title=NASTY)), _cell(NASTY)):
        assert _is_safe(written)
        assert "U+202E" in written
    assert str(tag("pre", "a\nb")) == "<pre>a\nb</pre>"


def test_pages_of_policies() -> None:
    section = Section("s", NASTY, (Paragraph((NASTY, Strong(NASTY))),))
    document = Document(NASTY, NASTY, NASTY, ((NASTY, (NASTY,)),), (section,))
    for written in (write_html(document, {"p.safecot": NASTY}), write_markdown(document, lambda _: None)):
        assert _is_safe(written)
        assert "U+202E" in written
