"""Intervals by resampling, for figures that are no shares."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Sequence

#: Resamples; the ends of an interval move by less than a tenth of its half width from one set of so many to another.
DRAWS = 4000


def relative_reduction(
    ours: Sequence[bool], theirs: Sequence[bool], *groupings: Sequence[Hashable], draws: int = DRAWS
) -> tuple[float | None, float, float]:
    """How much smaller our share of hits is than theirs on the same cases, (theirs - ours) / theirs, with the 95 %
    percentile interval of the cluster bootstrap (Davison and Hinkley 1997, Bootstrap Methods, 3.8 and 5.3).

    With two groupings both are drawn anew, each by itself (Owen 2007, Annals of Applied Statistics 1, 386-411). A
    resample in which they have no hit counts as no reduction at all if ours has none, and else as one of minus
    infinity; an end that cannot be told is minus infinity. None where they have no hit. Equal arguments give equal
    intervals: the draws come from a generator with a seed of its own.
    """
    import numpy as np

    if not sum(theirs):
        return None, -math.inf, math.inf
    codes = [_codes(grouping) for grouping in groupings[:2]] or [list(range(len(ours)))]
    if len(codes) == 1:
        codes.append([0] * len(ours))
    shape = (max(codes[0]) + 1, max(codes[1]) + 1)
    sums = np.zeros((2, *shape))
    for mine, other, row, column in zip(ours, theirs, *codes, strict=True):
        sums[:, row, column] += (mine, other)
    # Clusters that are alike are drawn together: how many of them is all that counts.
    alike, counts = np.unique(sums.transpose(1, 0, 2).reshape(shape[0], -1), axis=0, return_counts=True)
    sums = alike.reshape(len(alike), 2, shape[1]).transpose(1, 0, 2)
    generator = np.random.default_rng(int.from_bytes(hashlib.sha256(b"relative reduction").digest()[:8]))
    rows = generator.multinomial(shape[0], counts / shape[0], size=draws).astype(float)
    columns = generator.multinomial(shape[1], np.full(shape[1], 1 / shape[1]), size=draws).astype(float)
    drawn = [np.einsum("dr,rc,dc->d", rows, side, columns, optimize=True) for side in sums]
    with np.errstate(divide="ignore", invalid="ignore"):
        reductions = np.where(drawn[1] > 0, 1 - drawn[0] / drawn[1], np.where(drawn[0] > 0, -np.inf, 0.0))
    low, high = np.quantile(reductions, [0.025, 0.975], method="inverted_cdf")
    return 1 - sum(ours) / sum(theirs), float(low), float(high)


def _codes(keys: Sequence[Hashable]) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]
