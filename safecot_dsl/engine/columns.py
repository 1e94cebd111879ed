"""Truths of many cases side by side, a bit of an integer for each."""

from __future__ import annotations

from collections.abc import Iterable


def at_least_of(count: int, columns: Iterable[int], every: int) -> int:
    """The cases in which at least `count` of the columns hold; `every` has a bit for each case."""
    # reached[n]: the cases in which at least n of the columns so far hold.
    reached = [every] + [0] * count
    for column in columns:
        for n in range(count, 0, -1):
            reached[n] |= reached[n - 1] & column
    return reached[count]
