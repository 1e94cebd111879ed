"""Formatting files in place, and what would change in them."""

from __future__ import annotations

import difflib
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import Exit, complain, console, fail, read_text

if TYPE_CHECKING:
    from safecot_dsl.diagnostics import Diagnostic, SourceFile

STANDARD_INPUT = Path("-")


def format(
    files: list[Path] = typer.Argument(
        ..., metavar="FILES...", help="Policies, libraries or folders of them; `-` for standard input."
    ),
    check: bool = typer.Option(False, "--check", help="Write nothing; name the files that would change, exit code 1."),
    diff: bool = typer.Option(False, "--diff", help="Write nothing; show what would change."),
) -> None:
    """Lay policies out in the one layout.

    Comments and texts stay as they are. Files with syntax errors are left alone.
    """
    from safecot_dsl.cli.policy.format import STANDARD_INPUT, format_file, policy_files, show_diff, write_back
    from safecot_dsl.diagnostics.show import visible

    if STANDARD_INPUT in files and len(files) > 1:
        fail("`-` stands alone: standard output then holds its text")
    code, changed, seen = Exit.FINE, 0, 0
    for file in policy_files(files):
        outcome = format_file(file)
        seen += 1
        code = max(code, outcome.code)
        if outcome.after is None:
            continue
        if diff:
            show_diff("<stdin>" if file == STANDARD_INPUT else str(file), outcome)
        if file == STANDARD_INPUT and not (check or diff):
            sys.stdout.write(outcome.after)
        if not outcome.changed:
            continue
        changed += 1
        if check:
            complain(f"{file}: not formatted")
            code = max(code, Exit.ERRORS)
        elif not diff and file != STANDARD_INPUT:
            write_back(file, outcome.after)
            typer.echo(f"{visible(str(file))}: formatted")
    if files != [STANDARD_INPUT] and not diff:
        word = "would change" if check else "changed"
        typer.echo(f"{seen} file{'s' * (seen != 1)}: {changed or 'none'} {word}")
    if code:
        raise typer.Exit(code)


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
