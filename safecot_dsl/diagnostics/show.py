"""Diagnostics for people and for programs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from safecot_dsl.diagnostics.codes import Severity
from safecot_dsl.diagnostics.model import Diagnostic, Span
from safecot_dsl.diagnostics.source import SourceFile

if TYPE_CHECKING:
    from rich.text import Text

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
_MAX_WIDTH = 160  # of a source line that is shown; a longer one is cut around the fault


def render_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Each diagnostic as an object with `code`, `severity`, `message`, `file`, `line`, `column`, `end_line`,
    `end_column`, `notes`, `help`, `labels`, `fix` and `witness`; lines and columns from 1, the end exclusive."""
    return [
        {
            "code": d.code,
            "severity": d.severity.value,
            "message": d.message,
            **d.span.model_dump(),
            "notes": list(d.notes),
            "help": d.help,
            "labels": [{"message": label.message, **label.span.model_dump()} for label in d.labels],
            "fix": d.fix.model_dump() if d.fix else None,
            "witness": d.witness,
        }
        for d in diagnostics
    ]


def render_text(diagnostics: Iterable[Diagnostic], sources: Mapping[str, SourceFile]) -> Text:
    """Each diagnostic with its place, the line it stands on, carets under it, and its help."""
    from rich.text import Text

    output = Text()
    for diagnostic in diagnostics:
        _render(diagnostic, sources, output)
    return output


def _render(diagnostic: Diagnostic, sources: Mapping[str, SourceFile], output: Text) -> None:
    colour = _COLOURS[diagnostic.severity]
    output.append(f"{diagnostic.severity.value}[{diagnostic.code}]", style=colour)
    output.append(f": {visible(diagnostic.message)}\n", style="bold")
    width = len(str(max([diagnostic.span.line, *(label.span.line for label in diagnostic.labels)])))
    output.append(f"{' ' * width}--> ", style="blue")
    output.append(f"{visible(str(diagnostic.span))}\n")
    _excerpt(diagnostic.span, "", colour, sources, width, output)
    for label in diagnostic.labels:
        if label.span.file != diagnostic.span.file:
            output.append(f"{' ' * width}::: ", style="blue")
            output.append(f"{visible(str(label.span))}\n")
        _excerpt(label.span, label.message, "blue", sources, width, output)
    for note in diagnostic.notes:
        output.append(f"{' ' * width} = ", style="blue")
        output.append("note", style="bold")
        output.append(f": {visible(note)}\n")
    if diagnostic.help:
        output.append(f"{' ' * width} = ", style="blue")
        output.append("help", style="bold")
        output.append(f": {visible(diagnostic.help)}\n")
    output.append("\n")


def _excerpt(
    span: Span, message: str, colour: str, sources: Mapping[str, SourceFile], width: int, output: Text
) -> None:
    source = sources.get(span.file)
    if source is None or not source.text or span.line > len(source.lines):
        return
    line = source.lines[span.line - 1]
    end = span.end_column if span.end_line == span.line else len(line) + 1
    first = 0
    if len(line) > _MAX_WIDTH:
        first = max(0, span.column - 1 - _MAX_WIDTH // 2)
        line = line[: first + _MAX_WIDTH]
    shown = visible(line[first:])
    before = visible(line[first : span.column - 1])
    marked = visible(line[span.column - 1 : end - 1])
    output.append(f"{span.line:>{width}} | ", style="blue")
    output.append(shown + "\n")
    output.append(f"{' ' * width} | ", style="blue")
    output.append(" " * _cells(before) + "^" * max(1, _cells(marked)), style=colour)
    output.append(f" {visible(message)}\n" if message else "\n", style=colour)


def visible(text: str) -> str:
    """Text that cannot move the cursor or turn the line around: such characters are shown as their code point."""
    if text.isprintable():
        return text
    return "".join(
        "    "
        if char == "\t"
        else f"<U+{ord(char):04X}>"
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else char
        for char in text
    )


def visible_lines(text: str) -> str:
    """The same of a text of several lines, whose ends stay."""
    if text.isprintable():
        return text
    return "\n".join(visible(line) for line in text.replace("\r\n", "\n").split("\n"))


def _cells(text: str) -> int:
    """Columns of a terminal that a text takes: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
