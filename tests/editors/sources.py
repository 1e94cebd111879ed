"""Texts in the language, from all over the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator

from safecot_dsl.datafiles import data_root

TOP = data_root()
_FENCED = re.compile(r"^```safecot(?:-fragment)?[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def policies() -> Iterator[tuple[str, str]]:
    """Every policy and library of the repository, with its path: the shipped ones, and those full of faults."""
    for folder in ("policies", "recipes", "studies", "tests"):
        for path in sorted((TOP / folder).glob("**/*.safecot")):
            try:
                yield path.relative_to(TOP).as_posix(), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a file that is no text is one of the faults


def shipped() -> list[tuple[str, str]]:
    """Those of them that are no mistakes."""
    return [entry for entry in policies() if not entry[0].startswith("tests/")]


def pieces() -> Iterator[tuple[str, str]]:
    """Every policy and every piece of one in the documentation, with its page and its number there."""
    for page in [TOP / "README.md", *sorted((TOP / "docs").glob("**/*.md"))]:
        for number, block in enumerate(_FENCED.findall(page.read_text(encoding="utf-8"))):
            yield f"{page.relative_to(TOP).as_posix()}#{number}", block
