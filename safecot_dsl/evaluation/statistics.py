"""Rates with their intervals, and an exact test for paired answers."""

from __future__ import annotations

import math
from collections.abc import Iterable

from safecot_dsl.analysis.statistics import wilson
from safecot_dsl.artifact.base import Frozen


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of McNemar's exact test (McNemar 1947, Psychometrika 12, 153-157).

    The arguments count the items on which exactly one of two arms was right. If the arms were equally good, each such
    item would fall to either with probability 1/2: p is twice the binomial tail of the smaller count, at most 1.
    """
    n, k = only_first + only_second, min(only_first, only_second)
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)


class Rate(Frozen):
    """A share of `n` cases with its 95 % Wilson interval, all in 0..1; `value` is None where `n` is 0."""

    value: float | None
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, hits: Iterable[bool]) -> Rate:
        """The share of the true ones."""
        counted = list(hits)
        n, successes = len(counted), sum(counted)
        low, high = wilson(successes, n)
        return cls(value=successes / n if n else None, low=low, high=high, n=n)

    def __str__(self) -> str:
        """In per cent: `81.3 [76.5, 85.3]`."""
        if self.value is None:
            return "no cases"
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


class Paired(Frozen):
    """Two arms on the same items: how often exactly one of them was right, and McNemar's exact p-value."""

    first: str
    second: str
    only_first: int
    only_second: int
    n: int
    p: float

    @classmethod
    def of(cls, first: str, second: str, right: Iterable[tuple[bool, bool]]) -> Paired:
        """`right` says of each item whether the first and whether the second arm was right."""
        pairs = list(right)
        b = sum(a and not c for a, c in pairs)
        c = sum(c and not a for a, c in pairs)
        return cls(first=first, second=second, only_first=b, only_second=c, n=len(pairs), p=mcnemar(b, c))
