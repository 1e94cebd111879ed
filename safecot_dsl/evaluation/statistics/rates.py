"""Rates and differences with their intervals, exact tests for paired answers, and families of tests."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Literal

from safecot_dsl.analysis.statistics import wilson
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.statistics.clusters import clustered_variance, effective_size, even_odds, flip_test, t_test


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of McNemar's exact test (McNemar 1947, Psychometrika 12, 153-157).

    The arguments count the items on which exactly one of two arms was right. If the arms were equally good, each such
    item would fall to either with probability 1/2: p is twice the binomial tail of the smaller count, at most 1.
    """
    n, k = only_first + only_second, min(only_first, only_second)
    return min(1.0, 2 * math.fsum(even_odds(n)[: k + 1]))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-values of a family, adjusted by Holm's step-down procedure (Holm 1979, Scand. J. Statistics 6, 65-70).

    The k-th smallest of m is multiplied by m - k + 1, and none may be below one that was smaller before. To reject
    where the adjusted value is at most 0.05 keeps the chance of any false rejection in the family at most 5 %, however
    the tests hang together.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [1.0] * len(p_values)
    least = 0.0
    for place, index in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = least
    return tuple(adjusted)


class Rate(Frozen):
    """A share of `n` cases with its 95 % interval, all in 0..1; `value` is None where `n` is 0.

    The interval is Wilson's. Where cases hang together it is Wilson's of as many cases as would be independent
    (:func:`~safecot_dsl.evaluation.statistics.clusters.effective_size`).
    """

    value: float | None
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, hits: Iterable[bool], *groupings: Sequence[Hashable]) -> Rate:
        """The share of the true ones. `groupings`, one or two, give each case's cluster: its group, its seed."""
        counted = list(hits)
        n, successes = len(counted), sum(counted)
        if not n:
            return cls(value=None, low=0.0, high=1.0, n=0)
        size = effective_size(counted, groupings) if groupings else n
        low, high = wilson(successes, n) if size == n else wilson(successes / n * size, size)
        return cls(value=successes / n, low=low, high=high, n=n)

    def __str__(self) -> str:
        """In per cent: `81.3 [76.5, 85.3]`."""
        if self.value is None:
            return "no cases"
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


class RateDifference(Frozen):
    """The difference of two shares over the same cases, first less second, with its 95 % interval, in -1..1.

    The interval is put together from the two shares' own and the correlation of the two (Zou and Donner 2008,
    Statistics in Medicine 27, 1693-1702); with independent cases it is the eighth method of Newcombe (1998, Statistics
    in Medicine 17, 2635-2650). `value` is None where there are no cases.
    """

    value: float | None
    low: float
    high: float

    @classmethod
    def of(cls, first: Sequence[bool], second: Sequence[bool], *groupings: Sequence[Hashable]) -> RateDifference:
        """Of two arms on the same cases, in the same order."""
        import numpy as np

        n = len(first)
        if not n:
            return cls(value=None, low=-1.0, high=1.0)
        one, two = Rate.of(first, *groupings), Rate.of(second, *groupings)
        p, q = sum(first) / n, sum(second) / n
        a, b = np.asarray(first, dtype=float) - p, np.asarray(second, dtype=float) - q
        by = groupings or (range(n),)
        spread = math.sqrt(clustered_variance(a, by[:1]) * clustered_variance(b, by[:1]))
        together = clustered_variance(a, by[:1], b) / spread if spread > 0 else 0.0
        rho = max(-1.0, min(1.0, together))

        def reach(down: float, up: float) -> float:
            return math.sqrt(max(0.0, down**2 - 2 * rho * down * up + up**2))

        low = p - q - reach(p - one.low, two.high - q)
        high = p - q + reach(one.high - p, q - two.low)
        return cls(value=p - q, low=max(-1.0, low), high=min(1.0, high))

    def __str__(self) -> str:
        """In points: `+4.2 [-1.0, +9.3]`."""
        if self.value is None:
            return "no cases"
        return f"{100 * self.value:+.1f} [{100 * self.low:+.1f}, {100 * self.high:+.1f}]"


class Paired(Frozen):
    """Two arms on the same cases: how often exactly one of them was right, how far apart they are, a test.

    `difference` is the share that the first got right less the second's. `test` names what `p` is of, two-sided:
    `mcnemar`, exact; `flips`, the exact sign-flip test over clusters, of which McNemar's is the case of one case each;
    `t`, where several seeds were run: the difference over its two-way cluster-robust error, by Student's t.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    n: int
    difference: RateDifference
    p: float
    test: Literal["mcnemar", "flips", "t"] = "mcnemar"

    @classmethod
    def of(cls, first: str, second: str, right: Iterable[tuple[bool, bool]], *groupings: Sequence[Hashable]) -> Paired:
        """`right` says of each case whether the first and whether the second arm was right; `groupings` as for
        :meth:`Rate.of`."""
        pairs = list(right)
        b = sum(a and not c for a, c in pairs)
        c = sum(c and not a for a, c in pairs)
        alone = not groupings or len(set(groupings[0])) == len(pairs)
        by_cluster: Literal["mcnemar", "flips"] = "mcnemar" if alone else "flips"
        test: Literal["mcnemar", "flips", "t"] = "t" if len(groupings) == 2 else by_cluster
        differences = [int(a) - int(c) for a, c in pairs]
        if test == "mcnemar":
            p = mcnemar(b, c)
        else:
            p = flip_test(differences, groupings[0]) if test == "flips" else t_test(differences, groupings)
        return cls(
            first=first,
            second=second,
            only_first=b,
            only_second=c,
            n=len(pairs),
            difference=RateDifference.of([a for a, _ in pairs], [c for _, c in pairs], *groupings),
            p=p,
            test=test,
        )
