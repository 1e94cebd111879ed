"""Truths of many cases side by side: a bit of an integer for each, or anything else with `&` and `|`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, Self, TypeVar


class CaseSet(Protocol):
    """What `&` and `|` join case by case."""

    def __and__(self, other: Self, /) -> Self: ...
    def __or__(self, other: Self, /) -> Self: ...


C = TypeVar("C", bound=CaseSet)


def at_least_of(count: int, columns: Iterable[C], every: C, never: C) -> C:
    """The cases in which at least `count` of the columns hold; `every` holds in all cases, `never` in none."""
    # reached[n]: the cases in which at least n of the columns so far hold.
    reached = [every] + [never] * count
    for column in columns:
        for n in range(count, 0, -1):
            reached[n] = reached[n] | (reached[n - 1] & column)
    return reached[count]
