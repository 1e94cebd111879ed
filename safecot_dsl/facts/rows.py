"""What the readers of tables share: lines of JSON, paths that stay inside a folder, which rows the recipe wants."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from safecot_dsl.facts.item import FactsError, Skipped
from safecot_dsl.facts.sources import Where


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Line number (from 1) and the object on it, or what is wrong with the line; empty lines are passed over.

    Raises :class:`FactsError` where the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, _object(line)
    except OSError as error:
        raise FactsError(f"cannot read {path}: {error.strerror}") from None


def _object(line: bytes) -> dict[str, Any] | str:
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return "not UTF-8"
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at column {error.colno}"
    except ValueError as error:  # an integer of thousands of digits
        return f"not JSON that can be read: {error}"
    except RecursionError:
        return "not JSON that can be read: nested too deeply"
    return value if isinstance(value, dict) else "not a JSON object"


def inside(root: Path, name: str) -> Path | None:
    """The path `name` under `root`, or None where it leaves it, by `..`, as an absolute path or by a link."""
    if "\0" in name:
        return None
    path = (root / name).resolve()
    return path if path.is_relative_to(root.resolve()) else None


def check_where(where: Where, columns: Collection[str], source: str) -> None:
    """Raise :class:`FactsError` for a column that the source does not have: it would select nothing, in silence."""
    for column in where:
        if column not in columns:
            raise FactsError(
                f"{source}: `where` names the column `{column}`, which the source does not have "
                f"(it has {', '.join(sorted(columns))})"
            )


def selected(where: Where, row: Mapping[str, Any], item_id: str, source: str) -> Skipped | None:
    """None for a row that the recipe wants, else the record that it does not."""
    for column, wanted in where.items():
        if not any(_same(row.get(column), value) for value in wanted):
            return Skipped(item_id, source, "not_wanted", f"`{column}` is {row.get(column)!r}")
    return None


def _same(value: object, wanted: object) -> bool:
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
