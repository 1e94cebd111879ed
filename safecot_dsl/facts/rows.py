"""What the readers of tables share: lines of JSON, and which rows the recipe wants."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from safecot_dsl.facts.item import FactsError, Skipped
from safecot_dsl.facts.mapping import label
from safecot_dsl.facts.sources import Where
from safecot_dsl.facts.tables.file import Location
from safecot_dsl.facts.tables.lines import Lines
from safecot_dsl.facts.tables.record import Broken, column


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Line number (from 1) and the object on it, or what is wrong with the line; empty lines are passed over.

    Raises :class:`FactsError` where the file cannot be read.
    """
    lines = Lines.of(Location(str(path)))
    for number, record in lines.read(0, lines.rows):
        if record is not None:
            yield number, record.detail if isinstance(record, Broken) else record


def check_where(where: Where, columns: Collection[str], source: str) -> None:
    """Raise :class:`FactsError` for a column that the source does not have: it would select nothing, in silence."""
    for name in where:
        if name not in columns:
            raise FactsError(
                f"{source}: `where` names the column `{name}`, which the source does not have "
                f"(it has {', '.join(sorted(columns))})"
            )


def selected(where: Where, row: Mapping[str, Any], item_id: str, source: str) -> Skipped | None:
    """None for a row that the recipe wants, else the record that it does not."""
    for name, wanted in where.items():
        value = column(row, name)
        if not any(_same(value, one) for one in wanted):
            return Skipped(item_id, source, "not_wanted", f"`{name}` is {str(value)[:200]!r}")
    return None


def _same(value: object, wanted: object) -> bool:
    """Whether a value is the one that a recipe names: by its label, as in a mapping, since a CSV holds texts alone."""
    if value is None or wanted is None or isinstance(value, list | dict):
        return value is wanted
    return label(value) == label(wanted)
