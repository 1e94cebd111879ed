"""Which known name did the user mean?"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name nearest to `name`, or None where nothing is near enough to be worth saying."""
    candidates = sorted(set(known))
    # A dotted name is compared by its last part too: the subject of a fact is often what was forgotten.
    found = get_close_matches(name, candidates, n=1, cutoff=0.6)
    if found:
        return found[0]
    last = name.rsplit(".", 1)[-1]
    for candidate in candidates:
        if candidate.rsplit(".", 1)[-1] == last:
            return candidate
    return None
