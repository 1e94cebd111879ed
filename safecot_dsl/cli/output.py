"""What goes to standard output and what to standard error."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rich.console import Console

    from safecot_dsl.diagnostics import Diagnostic, SourceFile


class Exit(IntEnum):
    """The exit codes of every command."""

    FINE = 0
    ERRORS = 1
    USAGE = 2
    FAILED = 3
    INTERRUPTED = 130


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


class CheckFormat(StrEnum):
    """How `check` writes what it found."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

FORMAT = typer.Option(Format.TEXT, "--format", "-f", help="How to write the result.")
CHECK_FORMAT = typer.Option(
    CheckFormat.TEXT, "--format", "-f", help="How to write the result: for people, programs, GitHub or code scanning."
)


def console(*, error: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    # Where nobody's window is narrow, nothing is cut.
    width = None if stream.isatty() else 400
    return Console(stderr=error, highlight=False, markup=False, emoji=False, soft_wrap=True, width=width)


def complain(message: str, kind: str = "error") -> None:
    """One line on standard error, with what could steer a terminal made visible."""
    from safecot_dsl.diagnostics.show import visible

    sys.stderr.write(f"{kind}: {visible(message)}\n")


def fail(message: str, code: Exit = Exit.USAGE) -> NoReturn:
    complain(message)
    raise typer.Exit(code)


def write_json(value: Any) -> None:
    """One line of JSON."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not text.isascii() and _LONE_SURROGATE.search(text):  # it has no UTF-8 form, an escape has
        text = json.dumps(value, allow_nan=False)
    sys.stdout.write(text + "\n")


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


def parse_json(text: str) -> Any:
    """The value of a JSON text; `ValueError` with the reason where it is none, or has a key twice in an object."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_int=_integer)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}" if "\n" in text else f"column {error.colno}"
        raise ValueError(f"{error.msg} ({at})") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _integer(digits: str) -> int | float:
    # Python refuses to read an integer of thousands of digits; no double is as large as one of 400.
    return int(digits) if len(digits) < 400 else float(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        shown = twice if len(twice) <= 80 else f"{twice[:77]}..."
        raise ValueError(f"the key {json.dumps(shown)} stands twice")
    return value


def read_text(path: Path) -> str:
    """The text of a file, or of standard input for `-`; what cannot be read ends the command."""
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        fail(f"{path}: the file is not UTF-8")
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")
