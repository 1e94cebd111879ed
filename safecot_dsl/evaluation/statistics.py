"""Two formulas: an interval for a proportion, and an exact test for paired answers."""

from __future__ import annotations

import math
from collections.abc import Iterable

from safecot_dsl.artifact.base import Frozen

#: The 0.975 quantile of the standard normal distribution: intervals cover 95 %.
Z_95 = 1.959963984540054


def wilson(successes: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval of a proportion (Wilson 1927, JASA 22, 209-212, without continuity correction).

    `(p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)`. Without observations nothing is known: (0, 1).
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no proportion")
    if n == 0:
        return 0.0, 1.0
    p, z2 = successes / n, z * z
    centre = p + z2 / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # The bounds at 0 and n are 0 and 1 exactly; rounding must not carry them past that.
    low = 0.0 if successes == 0 else (centre - half) / (1 + z2 / n)
    high = 1.0 if successes == n else (centre + half) / (1 + z2 / n)
    return low, high


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
