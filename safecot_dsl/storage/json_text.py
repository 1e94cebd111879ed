"""JSON as a person hands it in: a key that stands twice is an error, and what cannot be read has its place."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any


def parse_json(text: str) -> Any:
    """The value of a JSON text; `ValueError` with the reason where it is none, or has a key twice in an object."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_int=_integer)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}" if "\n" in text else f"column {error.colno}"
        raise ValueError(f"{error.msg} ({at})") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _integer(digits: str) -> int | float:
    # Python refuses to read an integer of thousands of digits; no double is as large as one of 400.
    return int(digits) if len(digits) < 400 else float(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        shown = twice if len(twice) <= 80 else f"{twice[:77]}..."
        raise ValueError(f"the key {json.dumps(shown)} stands twice")
    return value
