"""Values of facts in the language's own syntax."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def show_value(value: Any, *, text: bool = False) -> str:
    """A fact's value as it is written in an example; `text` says that a string is a text, not a name."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        # The language has no exponents: the shortest digits that give the same double, written out.
        shown = format(Decimal(repr(float(value))), "f")
        return shown.rstrip("0").rstrip(".") if "." in shown else shown
    if isinstance(value, str):
        if not text:
            return value
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    members = sorted(value)
    return "{ " + ", ".join(members) + " }" if members else "{}"
