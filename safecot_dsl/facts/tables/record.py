"""What a row of a table is before it is a request: columns, or why there are none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: A row's columns, by name.
Record = dict[str, Any]

_SLOT = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Broken:
    """A row that could not be read; `reason` is what it is counted under."""

    reason: str
    detail: str


@dataclass(frozen=True)
class StoredImage:
    """An image that stands in a table's own column, not read yet: `row` of the file, `item` of a list (else None)."""

    path: str
    member: str | None
    parquet: bool
    column: str
    row: int
    item: int | None
    name: str | None


def column(record: Mapping[str, Any], name: str) -> Any:
    """The value of a column, None where there is none.

    `a.0.b` reaches into lists and objects, unless a column has that very name.
    """
    if name in record:
        return record[name]
    value: Any = record
    for step in name.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and len(step) < 10 and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def columns_of(template: str) -> tuple[str, ...]:
    """The columns that a template takes its text from: `{a}/{b}.jpg`, or the name of one column."""
    return tuple(_SLOT.findall(template)) or (template,)


def is_template(text: str) -> bool:
    return _SLOT.search(text) is not None


def filled(template: str, record: Mapping[str, Any]) -> str | None:
    """The template with its columns put in; None where one of them is no text and no whole number."""
    values: list[str] = []
    for name in columns_of(template):
        value = column(record, name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            return None
        values.append(str(value))
    if not is_template(template):
        return values[0]
    rest = iter(values)
    return _SLOT.sub(lambda _: next(rest), template)
