"""What goes to standard output and what to standard error."""

from __future__ import annotations

import json
import re
import sys
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from rich.console import Console
    from rich.text import Text

    from safecot_dsl.artifact import CompiledPolicy
    from safecot_dsl.diagnostics import Diagnostic, SourceFile


class Exit(IntEnum):
    """The exit codes of every command."""

    FINE = 0
    ERRORS = 1
    USAGE = 2
    FAILED = 3
    INTERRUPTED = 130


class OutputFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class CheckFormat(StrEnum):
    """How `check` writes what it found."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


_MAX_TEXT = 16 << 20  # bytes
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

TEXT_OUT = typer.Option(None, "--out", "-o", help="The file to write; `-` or nothing for standard output.")
FORMAT = typer.Option(OutputFormat.TEXT, "--format", "-f", help="How to write the result.")
CHECK_FORMAT = typer.Option(
    CheckFormat.TEXT, "--format", "-f", help="How to write the result: for people, programs, GitHub or code scanning."
)


def console(*, error: bool = False) -> Console:
    """Standard output, or standard error. No text that is printed there can steer the terminal, or turn a line around:
    what stands in a table of anyone's is shown as an escape."""
    from rich.console import Console as Plain

    from safecot_dsl.diagnostics.show import visible_lines

    class Console(Plain):
        def render_str(self, text: str, **settings: Any) -> Text:
            return super().render_str(visible_lines(text), **settings)

    stream = sys.stderr if error else sys.stdout
    # Where nobody's window is narrow, nothing is cut.
    width = None if stream.isatty() else 400
    return Console(stderr=error, highlight=False, markup=False, emoji=False, soft_wrap=True, width=width)


def complain(message: str, kind: str = "error") -> None:
    """One line on standard error, with what could steer a terminal made visible."""
    from safecot_dsl.diagnostics.show import visible

    sys.stderr.write(f"{kind}: {visible(message)}\n")


def fail(message: str, code: Exit = Exit.USAGE) -> NoReturn:
    """End the command with what is wrong, an error for each line of `message`."""
    for line in message.split("\n"):
        complain(line)
    raise typer.Exit(code)


def write_json(value: Any) -> None:
    """One line of JSON."""
    sys.stdout.write(as_json(value))


def as_json(value: Any) -> str:
    """The value as one line of JSON, with its line break."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not text.isascii() and _LONE_SURROGATE.search(text):  # it has no UTF-8 form, an escape has
        text = json.dumps(value, allow_nan=False)
    return text + "\n"


def write_diagnostics(
    diagnostics: Collection[Diagnostic], sources: Mapping[str, SourceFile], format: CheckFormat, summary: str
) -> None:
    """The diagnostics in a format; `summary` is a line after them where people read it."""
    from safecot_dsl.diagnostics import render_json, render_text

    match format:
        case CheckFormat.JSON:
            write_json({"diagnostics": render_json(diagnostics)})
        case CheckFormat.SARIF:
            from safecot_dsl.diagnostics.sarif import render_sarif

            write_json(render_sarif(diagnostics, sources, Path.cwd()))
        case CheckFormat.GITHUB:
            from safecot_dsl.diagnostics.github import render_github

            sys.stdout.write(f"{render_github(diagnostics, Path.cwd())}{summary}\n")
        case CheckFormat.TEXT if not diagnostics:
            sys.stdout.write(f"{summary}\n")  # nothing to colour: Rich need not be loaded
        case CheckFormat.TEXT:
            out = console()
            out.print(render_text(diagnostics, sources), end="")
            out.print(summary)


def settings(pairs: list[str]) -> dict[str, float]:
    """`NAME=NUMBER` pairs as a mapping; wrong usage ends the command."""
    params: dict[str, float] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        try:
            params[name.strip()] = float(text)
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            fail(f"`--set {pair}`: write NAME=NUMBER, such as `--set harm_threshold=0.7`")
    return params


def json_lines(path: Path, *, blank: bool = False) -> Iterator[tuple[int, Any, str | None]]:
    """Number, value, and what is wrong, of each line of JSON (see :mod:`safecot_dsl.facts.cases.lines`); a file that
    cannot be read ends the command."""
    from safecot_dsl.facts import FactsError
    from safecot_dsl.facts.cases.lines import json_lines as lines_of

    try:
        yield from lines_of(path, blank=blank)
    except FactsError as error:
        fail(str(error))


def response_rows(
    policy: CompiledPolicy, path: Path, sheet: str | None = None
) -> Iterator[tuple[int, Any, str | None]]:
    """Place, value and what is wrong of each response of a file: a line of JSON, or a row of a table with the columns
    `response`, `request`, `due` and `id`, and one for each fact of its case. A file that cannot be read ends the
    command."""
    from safecot_dsl.facts import FactsError
    from safecot_dsl.facts.cases.file import is_table, open_cases

    if not is_table(path) or path.suffix.lower() == ".json":
        if sheet is not None:
            fail(f"{path} has no sheets: only an .xlsx file has")
        yield from json_lines(path)
        return
    try:
        opened = open_cases(policy, path, sheet=sheet)
        if opened.columns is None or "response" not in opened.columns.others:
            fail(f"{path} has no column `response`")
        unit = opened.table.unit
        for place, record in opened.records():
            row = opened.row(place, record)
            if row.case is None or not isinstance(record, dict):
                yield place, None, f"{unit} {place}: {'; '.join(row.faults)}"
                continue
            given = {name: record.get(name) for name in ("response", "request", "due", "id")}
            case = row.case.to_json() if row.case.known or row.case.cannot_tell else None
            yield place, {**given, "response": given["response"] or "", "case": case}, None
    except FactsError as error:
        fail(str(error))


def read_text(path: Path) -> str:
    """The text of a file, or of standard input for `-`; what cannot be read, or is larger than a case, a policy or a
    text can be, ends the command."""
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(_MAX_TEXT + 1)
        else:
            with path.open("rb") as file:
                data = file.read(_MAX_TEXT + 1)
        if len(data) > _MAX_TEXT:
            fail(f"{path}: larger than the limit of {_MAX_TEXT:,} bytes")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        fail(f"{path}: the file is not UTF-8")
    except OSError as error:
        from safecot_dsl.diagnostics import unreadable

        fail(f"{path}: {unreadable(error)}")


def write_text(out: Path | None, text: str, *inputs: Path) -> None:
    """The text into a file that is none of `inputs`, whole or not at all; to standard output for `-` or nothing."""
    if out is None or str(out) == "-":
        typer.echo(text, nl=False)
        return
    from safecot_dsl.storage import write_whole

    check_target(out, *inputs)
    write_whole(out, text)


def check_target(out: Path, *inputs: Path, option: str = "--out") -> None:
    """End the command where the file that it writes, under `option`, is a folder, would take the place of a file that
    it reads, or has a name that only the source of a policy has."""
    if out.is_dir():
        fail(f"{out} is a folder: name a file in it")
    if out.suffix == ".safecot":
        fail(f"{out}: only the source of a policy ends in .safecot; name another file with {option}")
    if any(out.resolve() == given.resolve() for given in inputs):
        fail(f"{out} is a file that this command reads; name another with {option}")
