"""Faults with their places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats.model import FormatFault, FormatRule
from safecot_dsl.dataset.formats.turns import Violation


class Ids:
    """The ids that were seen, with their places (file and row); some 250 bytes of memory each."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, int]] = {}

    def faults(self, id: Any, file: str, row: int) -> Iterator[Violation]:
        """A fault where `id` was seen before. A row without one is no fault: no tool asks for it."""
        if not isinstance(id, str):
            return
        first, number = self._seen.setdefault(id, (file, row))
        if (first, number) != (file, row):
            place = f"row {number}" if first == file else f"{first}, row {number}"
            yield Violation(FormatRule.IDS, f"the id stands in {place} too", "leave one of the two rows out")

    def __contains__(self, id: object) -> bool:
        return id in self._seen

    def __len__(self) -> int:
        return len(self._seen)

    def items(self) -> Iterator[tuple[str, tuple[str, int]]]:
        """Each id with the place that it was first seen at, in that order."""
        yield from self._seen.items()


def faults_of(file: str, row: int, id: Any, found: Iterable[Violation]) -> Iterator[FormatFault]:
    """What was found in a row, with its place."""
    for entry in found:
        yield FormatFault(file, row, id if isinstance(id, str) else None, entry.rule, entry.fault, entry.mend)


def file_fault(file: str, found: Violation) -> FormatFault:
    """What was found in a file as a whole."""
    return FormatFault(file, None, None, found.rule, found.fault, found.mend)


def nothing_there(path: Path, wanted: str) -> FormatFault:
    """There is nothing to look at."""
    there = "there is no such file or folder" if not path.exists() else f"it holds no {wanted}"
    return FormatFault(path.name, None, None, FormatRule.READABLE, there, "name the folder of an export")
