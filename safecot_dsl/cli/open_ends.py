"""What a policy's examples leave open, line by line, each followed by the example that would settle it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from rich.text import Text

from safecot_dsl.cli.output import console
from safecot_dsl.diagnostics.show import visible


def by_example(open_ends: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Of (example, line) pairs the lines that share an example, and after them this; the one with most lines first."""
    groups: dict[str, list[str]] = {}
    for example, line in open_ends:
        groups.setdefault(example, []).append(line)
    for example, lines in sorted(groups.items(), key=lambda group: -len(group[1])):
        yield from lines
        yield ""
        yield from (f"  {line}" for line in example.split("\n"))
        yield ""


def percentage(percent: float) -> str:
    """With one decimal, rounded down: a goal that was missed must not look as if it was met."""
    return f"{math.floor(percent * 10) / 10:g} %"


def print_lines(lines: Iterable[str]) -> None:
    """On standard output, with what could steer a terminal made visible."""
    out = console()
    for line in lines:
        out.print(Text(visible(line)))
