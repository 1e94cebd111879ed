"""A first look at a described source: what is there, so that a mapping can be written."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from safecot_dsl.facts.description import Description
from safecot_dsl.facts.item import Skipped
from safecot_dsl.facts.records import OWN_COLUMNS, Records
from safecot_dsl.facts.tables.record import StoredImage, columns_of
from safecot_dsl.facts.unfolding import Raw
from safecot_dsl.storage import Progress

#: A column with more different values than this is not a column of labels.
MANY = 200
_LONG = 80  # characters of a value that are shown


@dataclass
class ColumnLook:
    """How many requests have a value in a column, and how often each value stands there (None: more than MANY do)."""

    present: int = 0
    values: Counter[str] | None = field(default_factory=Counter[str])
    example: str = ""

    def add(self, value: Any) -> None:
        self.present += 1
        shown = _shown(value)
        self.example = self.example or shown
        if self.values is not None:
            self.values[shown] += 1
            if len(self.values) > MANY:
                self.values = None


@dataclass
class Look:
    """What a source holds: its files with their rows, its requests, what was skipped and why, and its columns."""

    files: dict[str, int]
    requests: int = 0
    with_answer: int = 0
    images: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])
    examples: dict[str, str] = field(default_factory=dict[str, str])
    columns: dict[str, ColumnLook] = field(default_factory=dict[str, ColumnLook])

    def to_json(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "requests": self.requests,
            "with_answer": self.with_answer,
            "images": self.images,
            "skipped": {
                reason: {"count": count, "example": self.examples[reason]}
                for reason, count in sorted(self.skipped.items())
            },
            "columns": {
                name: {"present": look.present, "values": None if look.values is None else dict(_ordered(look.values))}
                for name, look in self.columns.items()
            },
        }


def look_at(records: Records, progress: Progress | None = None) -> Look:
    """Read a source once, without a policy; images are found and not opened."""
    look = Look({file.name: file.table.rows for file in records.files})
    if progress is not None:
        progress.start(f"reading {records.description.name}", sum(look.files.values()), unit="rows")
    for block in records.blocks():
        for entry in records.read(block):
            _add(look, entry)
        if progress is not None:
            progress.advance(block.stop - block.start)
    return look


def _add(look: Look, entry: Raw | Skipped) -> None:
    if isinstance(entry, Skipped):
        look.skipped[entry.reason] += 1
        look.examples.setdefault(entry.reason, f"{entry.id}: {entry.detail}")
        return
    look.requests += 1
    look.with_answer += entry.answer is not None
    look.images += len(entry.images)
    for name, value in entry.columns.items():
        if value not in (None, ""):
            look.columns.setdefault(name, ColumnLook()).add(value)


def suggested_facts(look: Look, description: Description) -> list[str]:
    """The columns that look like labels, those that the description explains first: what a mapping would begin with."""
    names = set(columns_of(description.id)) if description.id is not None else set[str]()
    labels = [
        name
        for name, column in look.columns.items()
        if column.values is not None and 1 < len(column.values) <= 40 and name not in names | {"split", "number"}
    ]
    return sorted(labels, key=lambda name: (name not in description.columns, name in OWN_COLUMNS, name))


def _ordered(values: Counter[str]) -> list[tuple[str, int]]:
    return sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))


def most_common(look: ColumnLook, count: int) -> list[tuple[str, int]]:
    """The values of a column of labels that stand there most often, in a fixed order."""
    return _ordered(look.values or Counter[str]())[:count]


def _shown(value: Any) -> str:
    if isinstance(value, StoredImage):
        return "(image)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=lambda _: "(image)")
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"
