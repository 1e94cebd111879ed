"""Tables in Markdown, of texts that mark nothing up."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from safecot_dsl.diagnostics.show import visible

_LONGEST = 400  # characters of a request or an answer


def as_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells in a single pair of backticks stay code."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(as_cell(cell) for cell in line) + " |" for line in lines)


def as_cell(text: str) -> str:
    code = re.fullmatch(r"`[\w.]+`|---", text)
    return text if code else plain(text)


def plain(text: str) -> str:
    """A text of anyone's on one line, with nothing in it that Markdown or HTML would take for its own, or that turns
    what is shown around."""
    line = visible(" ".join(text.split()))
    line = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
    return re.sub(r"([\\`*_\[\]|~#!])", r"\\\1", html.escape(line, quote=False))
