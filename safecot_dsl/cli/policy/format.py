"""Formatting files in place, and what would change in them."""

from __future__ import annotations

import difflib
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.opening import policy_files
from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, complain, console, fail, read_text, write_json

if TYPE_CHECKING:
    from safecot_dsl.diagnostics import Diagnostic, SourceFile

STANDARD_INPUT = Path("-")


def format(
    files: list[Path] = typer.Argument(
        ..., metavar="FILES...", help="Policies, libraries or folders of them; `-` for standard input."
    ),
    check: bool = typer.Option(False, "--check", help="Write nothing; name the files that would change, exit code 1."),
    diff: bool = typer.Option(False, "--diff", help="Write nothing; show what would change."),
    output: OutputFormat = FORMAT,
) -> None:
    """Lay policies out in the one layout.

    Comments and texts stay as they are. Files with syntax errors are left alone.
    """
    from safecot_dsl.diagnostics.show import visible

    if STANDARD_INPUT in files and len(files) > 1:
        fail("`-` stands alone: standard output then holds its text")
    if output is OutputFormat.JSON and (diff or STANDARD_INPUT in files):
        fail("`--format json` says what became of each file: give it without `--diff` and `-`")
    code, said = Exit.FINE, dict[Path, str]()
    for file in policy_files(files):
        outcome = format_file(file)
        said[file] = "failed" if outcome.after is None else "unchanged"
        code = max(code, outcome.code)
        if outcome.after is None:
            continue
        if diff:
            show_diff("<stdin>" if file == STANDARD_INPUT else str(file), outcome)
        if file == STANDARD_INPUT and not (check or diff):
            sys.stdout.write(outcome.after)
        if not outcome.changed:
            continue
        said[file] = "to be formatted" if check or diff else "formatted"
        if check:
            complain(f"{file}: not formatted")
            code = max(code, Exit.ERRORS)
        elif not diff and file != STANDARD_INPUT:
            write_back(file, outcome.after)
            if output is OutputFormat.TEXT:
                typer.echo(f"{visible(str(file))}: formatted")
    changed = sum(word.endswith("formatted") for word in said.values())
    if output is OutputFormat.JSON:
        write_json({"files": [{"path": str(file), "status": word} for file, word in said.items()], "changed": changed})
    elif files != [STANDARD_INPUT] and not diff:
        word = "would change" if check else "changed"
        typer.echo(f"{len(said)} file{'s' * (len(said) != 1)}: {changed or 'none'} {word}")
    if code:
        raise typer.Exit(code)


@dataclass(frozen=True)
class FormatOutcome:
    """What a file holds and what it would hold; both None where it was left alone, with the exit code that says so."""

    before: str | None = None
    after: str | None = None
    code: Exit = Exit.FINE

    @property
    def changed(self) -> bool:
        return self.before != self.after


def format_file(path: Path) -> FormatOutcome:
    """Format one file, or standard input for `-`; what keeps it from being formatted is said on standard error."""
    from safecot_dsl.compiler.formatting import FormatterError, format_text
    from safecot_dsl.diagnostics import Code, Diagnostic, DiagnosticsError, SourceFile
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
        diagnostic = Diagnostic(code=Code.UNREADABLE_FILE, message=fault, span=source.span(0, 0))
        _report((diagnostic,), source)
        return FormatOutcome(code=Exit.ERRORS)
    try:
        return FormatOutcome(before, format_text(before, name))
    except DiagnosticsError as error:
        _report(error.diagnostics, source)
        return FormatOutcome(code=Exit.ERRORS)
    except FormatterError as error:
        complain(str(error))
        return FormatOutcome(code=Exit.FAILED)


def _report(diagnostics: tuple[Diagnostic, ...], source: SourceFile) -> None:
    from safecot_dsl.diagnostics import render_text

    console(error=True).print(render_text(diagnostics, {source.path: source}), end="")


def write_back(path: Path, text: str) -> None:
    """Put the text in place of the file's, or of what a link leads to, with the permissions that it has."""
    from safecot_dsl.storage import write_whole

    target = path.resolve()
    write_whole(target, text, mode=stat.S_IMODE(target.stat().st_mode))


def show_diff(name: str, outcome: FormatOutcome) -> None:
    lines = difflib.unified_diff(
        (outcome.before or "").splitlines(keepends=True),
        (outcome.after or "").splitlines(keepends=True),
        fromfile=name,
        tofile=f"{name} (formatted)",
    )
    for line in lines:
        sys.stdout.write(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
