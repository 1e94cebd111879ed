"""What the readers of tables share: which rows the recipe wants."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from safecot_dsl.facts.item import FactsError, Skipped
from safecot_dsl.facts.mapping import label
from safecot_dsl.facts.sources import Where
from safecot_dsl.facts.tables.record import column


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
