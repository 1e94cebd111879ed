"""The interval of a proportion."""

from __future__ import annotations

import math

#: The 0.975 quantile of the standard normal distribution: intervals cover 95 %.
Z_95 = 1.959963984540054


def wilson(successes: float, n: float, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval of a proportion (Wilson 1927, JASA 22, 209-212, without continuity correction).

    `(p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)`. Without observations nothing is known: (0, 1).

    Raises:
        ValueError: more successes than observations, or fewer than none.
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
