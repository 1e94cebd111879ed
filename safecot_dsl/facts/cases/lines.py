"""Cases in their JSON form, one a line: from a file or from standard input, a line at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.diagnostics import unreadable
from safecot_dsl.facts.cases.file import CaseRow, json_row
from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.tables.limits import MAX_RECORD
from safecot_dsl.facts.tables.lines import bounded_line
from safecot_dsl.storage.json_text import parse_json


def case_lines(policy: CompiledPolicy, path: Path) -> Iterator[CaseRow]:
    """A row for each line; see :func:`json_lines` for what ends it."""
    for number, data, fault in json_lines(path):
        yield CaseRow(number, None, None, (fault,)) if fault is not None else json_row(policy, data, number)


def json_lines(path: Path, *, blank: bool = False) -> Iterator[tuple[int, Any, str | None]]:
    """Number, value, and what is wrong, of each line of a file, or of standard input for `-`. Only one line is held at
    a time. A blank line is wrong where another line comes after it, unless `blank` ones may stand anywhere.

    Raises :class:`FactsError` where the file cannot be read, or is not UTF-8.
    """
    first_blank: int | None = None
    with _opened(path) as file:
        number = 0
        while line := _line(file):
            number += 1
            text = None if line is _TOO_LONG else _decoded(line, number, path)
            if text is not None and not text.strip():
                first_blank = first_blank or number
                continue
            if first_blank is not None and not blank:
                yield from ((n, None, f"line {n} is blank") for n in range(first_blank, number))
            first_blank = None
            if text is None:
                yield number, None, f"line {number} has more than {MAX_RECORD:,} bytes"
                continue
            try:
                yield number, parse_json(text), None
            except ValueError as error:
                yield number, None, f"line {number} is not JSON: {error}"


_TOO_LONG = b"\0"


def _line(file: BinaryIO) -> bytes:
    """The next line, nothing at the end; a line too long to be held is passed over."""
    try:
        line = bounded_line(file)
    except OSError as error:
        raise FactsError(error.strerror or str(error)) from None
    return _TOO_LONG if line is None else line


def _decoded(line: bytes, number: int, path: Path) -> str:
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise FactsError(f"{path}: the file is not UTF-8") from None


class _Standard:
    """Standard input, which is not closed with what reads it."""

    def __enter__(self) -> BinaryIO:
        return sys.stdin.buffer

    def __exit__(self, *_: object) -> None:
        pass


def _opened(path: Path) -> Any:
    if str(path) == "-":
        return _Standard()
    try:
        return path.open("rb")
    except OSError as error:
        raise FactsError(f"{path}: {unreadable(error, path)}") from None
