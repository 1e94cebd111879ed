"""Diagnostics as workflow commands of GitHub Actions, which shows them beside the lines of a pull request.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from safecot_dsl.diagnostics.codes import Severity
from safecot_dsl.diagnostics.model import Diagnostic
from safecot_dsl.diagnostics.show import visible
from safecot_dsl.diagnostics.show_path import path_from

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render_github(diagnostics: Iterable[Diagnostic], root: Path) -> str:
    """One line for each diagnostic, with paths relative to `root`; each line ends in a line break.

    A place of several lines has no `col`: GitHub takes columns only within one line.
    """
    return "".join(_command(diagnostic, root) for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic, root: Path) -> str:
    span = diagnostic.span
    properties = {"file": path_from(root, span.file), "line": span.line, "endLine": span.end_line}
    if span.line == span.end_line:
        properties["col"] = span.column
    properties["title"] = f"safecotc {diagnostic.code}"
    shown = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    lines = [diagnostic.message, *(f"note: {note}" for note in diagnostic.notes)]
    lines += [
        f"{path_from(root, label.span.file)}:{label.span.line}:{label.span.column}: {label.message}"
        for label in diagnostic.labels
    ]
    if diagnostic.help:
        lines.append(f"help: {diagnostic.help}")
    message = "\n".join(visible(line) for line in lines)
    return f"::{_COMMANDS[diagnostic.severity]} {shown}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    # A path's line break must come back as one; what has no UTF-8 form cannot be written at all.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return _data(text).replace(":", "%3A").replace(",", "%2C")
