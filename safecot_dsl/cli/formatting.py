"""Formatting files in place, and what would change in them."""

from __future__ import annotations

import difflib
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.cli.output import Exit, complain, console, fail, read_text

if TYPE_CHECKING:
    from safecot_dsl.diagnostics import Diagnostic, SourceFile

STANDARD_INPUT = Path("-")


@dataclass(frozen=True)
class Outcome:
    """What a file holds and what it would hold; both None where it was left alone, with the exit code that says so."""

    before: str | None = None
    after: str | None = None
    code: Exit = Exit.FINE

    @property
    def changed(self) -> bool:
        return self.before != self.after


def policy_files(paths: list[Path]) -> Iterator[Path]:
    """The files named, each once, and of a folder all policy files below it."""
    seen: set[Path] = set()
    for path in paths:
        found = sorted(path.rglob("*.safecot")) if path.is_dir() else [path]
        if path.is_dir() and not found:
            fail(f"{path}: there is no policy file in this folder")
        for file in found:
            if file not in seen:
                seen.add(file)
                yield file


def format_file(path: Path) -> Outcome:
    """Format one file, or standard input for `-`; what keeps it from being formatted is said on standard error."""
    from safecot_dsl.compiler.formatting import FormatterError, format_text
    from safecot_dsl.diagnostics import Diagnostic, DiagnosticsError, Severity, SourceFile
    from safecot_dsl.workspace.load import MAX_BYTES, read_source

    if path == STANDARD_INPUT:
        name, before, fault = "<stdin>", read_text(path), None
        if len(before) > MAX_BYTES:
            fault = f"the text is larger than {MAX_BYTES:,} bytes"
    else:
        name, (before, _, fault) = str(path), read_source(path, {})
        if fault is None:  # with the line breaks that the file has
            before = path.read_bytes().decode("utf-8-sig")
    source = SourceFile(name, before.replace("\r\n", "\n"))
    if fault is not None:
        diagnostic = Diagnostic(code="SC0502", severity=Severity.ERROR, message=fault, span=source.span(0, 0))
        _report((diagnostic,), source)
        return Outcome(code=Exit.ERRORS)
    try:
        return Outcome(before, format_text(before, name))
    except DiagnosticsError as error:
        _report(error.diagnostics, source)
        return Outcome(code=Exit.ERRORS)
    except FormatterError as error:
        complain(str(error))
        return Outcome(code=Exit.FAILED)


def _report(diagnostics: tuple[Diagnostic, ...], source: SourceFile) -> None:
    from safecot_dsl.diagnostics import render_text

    console(error=True).print(render_text(diagnostics, {source.path: source}), end="")


def write_back(path: Path, text: str) -> None:
    """Put the text in place of the file's, or of what a link leads to, with the permissions that it has."""
    from safecot_dsl.storage import write_whole

    target = path.resolve()
    write_whole(target, text, mode=stat.S_IMODE(target.stat().st_mode))


def show_diff(name: str, outcome: Outcome) -> None:
    lines = difflib.unified_diff(
        (outcome.before or "").splitlines(keepends=True),
        (outcome.after or "").splitlines(keepends=True),
        fromfile=name,
        tofile=f"{name} (formatted)",
    )
    for line in lines:
        sys.stdout.write(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
