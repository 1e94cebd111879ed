"""How much is known where observations are not independent: items that share a group, answers that share a seed."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from safecot_dsl.analysis.statistics import Z_95

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EXACT = 1000  # throws whose chances are computed in whole numbers, which takes the square of their time
_NOTHING = 1e-30  # a chance that no p-value would show

#: The groupings of some observations: for each, the key of every observation's cluster.
Groupings = Sequence[Sequence[Hashable]]


def effective_size(hits: Sequence[bool], groupings: Groupings) -> float:
    """As many independent observations would tell as much of the share of hits as these do; at most their number.

    It is n over the design effect (Kish 1965), the ratio of the cluster-robust variance of the share to that of a
    simple random sample, times (z/t)² with the quantile of Student's t for one degree of freedom less than there are
    clusters (Korn and Graubard 1998, Survey Methodology 24, 193-201). Where all are hits or none is, no variance can be
    seen, and it is the number of clusters: they may hang together as one. With every observation a cluster of its own,
    it is n.
    """
    import numpy as np

    n = len(hits)
    counts = [len(set(grouping)) for grouping in groupings]
    clusters = min(counts, default=n)
    if n == 0 or clusters == n:
        return float(n)
    share = sum(hits) / n
    if share in (0.0, 1.0):
        return float(clusters)
    if clusters < 2:
        return 1.0
    variance = clustered_variance(np.asarray(hits, dtype=float) - share, groupings)
    effect = variance / (share * (1 - share) / n)
    return max(1.0, min(n, n / effect if effect > 0 else n) * (Z_95 / t_quantile(clusters - 1)) ** 2)


def clustered_variance(residuals: NDArray[np.float64], groupings: Groupings, other: object = None) -> float:
    """The cluster-robust variance of a mean from its residuals, for one grouping or for two that cross.

    For one: C/(C-1) · Σ (sum of a cluster's residuals)² / n². For two, as Cameron, Gelbach and Miller (2011, J. of
    Business and Economic Statistics 29, 238-249): that of either, less that of both together; at least that of the
    larger, since a difference of estimates can be too small. With `other`, the residuals of a second mean over the
    same observations, it is the covariance by the first grouping.
    """
    if len(groupings) == 2 and other is None:
        both = list(zip(groupings[0], groupings[1], strict=True))
        first, second = _variance(residuals, groupings[0]), _variance(residuals, groupings[1])
        return max(first, second, first + second - _variance(residuals, both))
    return _variance(residuals, groupings[0], other)


def _variance(residuals: NDArray[np.float64], grouping: Sequence[Hashable], other: object = None) -> float:
    import numpy as np

    numbers: dict[Hashable, int] = {}
    codes = np.fromiter((numbers.setdefault(key, len(numbers)) for key in grouping), dtype=np.int64)
    count, n = len(numbers), len(residuals)
    if count < 2:
        return 0.0
    sums = np.bincount(codes, weights=residuals, minlength=count)
    others = sums if other is None else np.bincount(codes, weights=np.asarray(other, dtype=float), minlength=count)
    return float(count / (count - 1) * (sums @ others)) / n**2


def t_quantile(degrees: int, level: float = 0.95) -> float:
    """The t with which `level` of Student's distribution with so many degrees of freedom lies between -t and t."""
    low, high = 0.0, 1.0
    while t_within(high, degrees) < level:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_within(middle, degrees) < level else (low, middle)
    return high


def t_within(t: float, degrees: int) -> float:
    """The probability that Student's t lies between -t and t (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).

    Raises:
        ValueError: no degree of freedom.
    """
    if degrees < 1:
        raise ValueError("Student's t has at least one degree of freedom")
    angle = math.atan2(t, math.sqrt(degrees))
    cosine, sine = math.cos(angle), math.sin(angle)
    term, total = (cosine, 0.0) if degrees % 2 else (1.0, 0.0)
    for k in range(degrees // 2):
        total += term
        term *= cosine * cosine * ((2 * k + 2) / (2 * k + 3) if degrees % 2 else (2 * k + 1) / (2 * k + 2))
    return 2 / math.pi * (angle + sine * total) if degrees % 2 else sine * total


def flip_test(differences: Sequence[float], grouping: Sequence[Hashable]) -> float:
    """The two-sided p-value of the exact sign-flip test on whole differences (Fisher 1935, The Design of Experiments).

    If two arms were equally good, each cluster's sum of differences could as well have had the other sign. p is the
    share of all assignments of signs whose total is at least as far from zero as the one seen; every assignment counts,
    none is drawn. With clusters of one observation it is McNemar's exact test.
    """
    import numpy as np

    sums: dict[Hashable, int] = {}
    for key, difference in zip(grouping, differences, strict=True):
        sums[key] = sums.get(key, 0) + round(difference)
    seen = abs(sum(sums.values()))
    sizes: dict[int, int] = {}
    for value in sums.values():
        if value:
            sizes[abs(value)] = sizes.get(abs(value), 0) + 1
    total = sum(size * count for size, count in sizes.items())
    if not total:
        return 1.0
    chances = np.zeros(2 * total + 1)  # by sum, from -total
    chances[total] = 1.0
    for size, count in sorted(sizes.items()):
        mixed = np.zeros_like(chances)
        for plus, chance in enumerate(even_odds(count)):
            if chance > _NOTHING:
                shift = size * (2 * plus - count)
                mixed[max(0, shift) : len(mixed) + min(0, shift)] += (
                    chance * chances[max(0, -shift) : len(chances) - max(0, shift)]
                )
        chances = mixed
    return min(1.0, float(chances[: total - seen + 1].sum() + chances[total + seen :].sum())) if seen else 1.0


def t_test(differences: Sequence[float], groupings: Groupings) -> float:
    """The two-sided p-value of a mean difference of 0, by its cluster-robust error and Student's t with one degree of
    freedom less than the smaller grouping has clusters. 1 where there is no difference at all, or one cluster only."""
    import numpy as np

    values = np.asarray(differences, dtype=float)
    clusters = min((len(set(grouping)) for grouping in groupings), default=0)
    mean = float(values.mean()) if len(values) else 0.0
    if not mean or clusters < 2:
        return 1.0
    variance = clustered_variance(values - mean, groupings)
    # Without any spread among clusters every sign agrees: the sign test of the smaller grouping is what is left.
    return 1 - t_within(abs(mean) / math.sqrt(variance), clusters - 1) if variance > 0 else 2 / 2**clusters


def even_odds(n: int) -> list[float]:
    """The probability of each number of heads, 0 to n, in n throws of a fair coin."""
    if n <= _EXACT:
        return [math.comb(n, k) / 2**n for k in range(n + 1)]
    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2) for k in range(n + 1)]
    return [math.exp(value) for value in logs]
