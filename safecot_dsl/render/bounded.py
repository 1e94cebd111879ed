"""What is worked out for one case is kept for the next, within bounds."""

from __future__ import annotations

from typing import Any, Final, TypeVar

#: So many entries are kept of each kind: with the longest texts in them, some tens of megabytes.
MOST: Final = 8192
#: So many cases are known again as the objects that they are.
MOST_CASES: Final = 1 << 14
#: A case's text that is longer than this is not kept: it can be of any length, and does not come again.
LONGEST: Final = 512

T = TypeVar("T")


def keep(kept: dict[Any, T], key: Any, value: T, most: int = MOST) -> T:
    """Keep `value` under `key`, and give it back. Where `kept` is full, all that it holds is let go first: what is
    needed comes again, and to know what was needed last would cost more than to make it anew."""
    if len(kept) >= most:
        kept.clear()
    kept[key] = value
    return value


def is_short(value: object) -> bool:
    return not isinstance(value, str) or len(value) <= LONGEST
