"""What goes to standard output and what to standard error."""

from __future__ import annotations

import json
import sys
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console


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


FORMAT = typer.Option(Format.TEXT, "--format", "-f", help="How to write the result.")
SET = typer.Option([], "--set", metavar="NAME=NUMBER", help="Set a param of the policy; may be given several times.")


def console(*, error: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    # Where nobody's window is narrow, nothing is cut.
    width = None if stream.isatty() else 400
    return Console(stderr=error, highlight=False, markup=False, emoji=False, soft_wrap=True, width=width)


def complain(message: str) -> None:
    """One line on standard error, with what could steer a terminal made visible."""
    from safecot_dsl.diagnostics.show import visible

    sys.stderr.write(f"error: {visible(message)}\n")


def fail(message: str, code: Exit = Exit.USAGE) -> NoReturn:
    complain(message)
    raise typer.Exit(code)


def write_json(value: Any) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")


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


def read_text(path: Path) -> str:
    """The text of a file, or of standard input for `-`; what cannot be read ends the command."""
    try:
        if str(path) == "-":
            return sys.stdin.read()
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        fail(f"{path}: the file is not UTF-8")
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")
