"""How many items a difference needs, and which difference some items can show."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING

from safecot_dsl.analysis.statistics import wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The customary level of a test, and the chance with which a difference that is there is to be found.
LEVEL, POWER = 0.05, 0.8
_MOST = 1_000_000  # items; whoever needs more is looking for what nobody would notice
_SPREAD = 9.0  # standard deviations of a binomial beyond which nothing is left that a double would show


class PowerError(ValueError):
    """No number of items answers the question; the message says why."""


def independent_disagreement(first: float, second: float) -> float:
    """The share of items on which exactly one of two arms is right, if their answers have nothing to do with each
    other. Arms that were asked the same agree more often than that."""
    return first * (1 - second) + second * (1 - first)


def power_of_paired(items: int, first: float, second: float, disagree: float, *, level: float = LEVEL) -> float:
    """The chance that McNemar's exact test at `level`, two-sided, tells arms with these shares of right answers apart.

    `disagree` is the share of items on which exactly one of them is right. The chance is the exact one, summed over how
    many items they disagree on. Raises :class:`PowerError` for shares that cannot be together.
    """
    _assert_together(first, second, disagree)
    if not items or not disagree:
        return 0.0
    wins = min(1.0, max(0.0, (disagree + first - second) / (2 * disagree)))  # of the disagreements, by the first
    table = _Binomials(items)
    if disagree >= 1:
        return table.rejected(items, wins, level)
    weights = table.chances(items, disagree)
    spread = _SPREAD * math.sqrt(items * disagree * (1 - disagree)) + 1
    low, high = max(0, int(items * disagree - spread)), min(items, int(items * disagree + spread) + 1)
    return sum(float(weights[found]) * table.rejected(found, wins, level) for found in range(low, high + 1))


def items_for_paired(
    first: float, second: float, disagree: float, *, power: float = POWER, level: float = LEVEL
) -> int:
    """How many items two arms must answer for McNemar's exact test to find their difference with this power.

    The chance grows with the items, though by small steps back and forth: one item less than the answer is too few.
    Raises :class:`PowerError` where the shares are equal, cannot be together, or a million items were too few.
    """
    _assert_together(first, second, disagree)
    if first == second:
        raise PowerError("equal shares differ by nothing: no number of items shows it")

    def enough(items: int) -> bool:
        return power_of_paired(items, first, second, disagree, level=level) >= power

    return _least(enough, _connor(abs(first - second), disagree, power, level))


def detectable(items: int, disagree: float, *, power: float = POWER, level: float = LEVEL) -> float | None:
    """The smallest difference of two arms that this many items show, if they disagree on this share of them: by the
    normal approximation of Connor (1987, Biometrics 43, 207-211). None where even a difference as large as the
    disagreement, one arm winning every time, is too small to be shown."""
    if not disagree or not items or _connor(disagree, disagree, power, level) > items:
        return None
    low, high = 0.0, disagree
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _connor(middle, disagree, power, level) > items else (low, middle)
    return high


def items_for_unpaired(first: float, second: float, *, power: float = POWER, level: float = LEVEL) -> int:
    """How many items each of two arms needs where they are asked different ones, as beside a published figure.

    By the two-sided normal test of two shares with a pooled error (Fleiss, Levin and Paik 2003, Statistical Methods for
    Rates and Proportions, 4.14). Raises :class:`PowerError` where the shares are equal.
    """
    if first == second:
        raise PowerError("equal shares differ by nothing: no number of items shows it")
    a, b, mean = _quantile(1 - level / 2), _quantile(power), (first + second) / 2
    apart = a * math.sqrt(2 * mean * (1 - mean)) + b * math.sqrt(first * (1 - first) + second * (1 - second))
    return math.ceil((apart / (first - second)) ** 2)


def items_for_interval(share: float, reach: float) -> int:
    """How many items a share needs so that neither end of its 95 % Wilson interval is further away than `reach`."""

    def enough(items: int) -> bool:
        low, high = wilson(share * items, items)
        return max(share - low, high - share) <= reach

    return _least(enough, 16)


def design_effect(group_size: float, alike: float) -> float:
    """By how much more items are needed that come in groups of this size, whose answers are alike by this intraclass
    correlation (Kish 1965, Survey Sampling, 5.4): 1 + (size - 1) · correlation."""
    return 1 + (group_size - 1) * alike


def _assert_together(first: float, second: float, disagree: float) -> None:
    least, most = abs(first - second), min(first + second, 2 - first - second)
    if not least - 1e-12 <= disagree <= most + 1e-12:
        raise PowerError(
            f"arms that are right on {first:g} and {second:g} of the items disagree on at least {least:g} and at most "
            f"{most:g} of them, not on {disagree:g}"
        )


def _connor(difference: float, disagree: float, power: float, level: float) -> float:
    """The number of items by Connor's formula (1987)."""
    a, b = _quantile(1 - level / 2), _quantile(power)
    reach = a * math.sqrt(disagree) + b * math.sqrt(max(0.0, disagree - difference**2))
    return (reach / difference) ** 2 if difference else math.inf


def _quantile(chance: float) -> float:
    return NormalDist().inv_cdf(chance)


def _least(enough: Callable[[int], bool], guess: float) -> int:
    """The end of the last run of numbers that are not enough, and one more, looked for from `guess` on."""
    high = max(1, math.ceil(min(guess, _MOST)))
    while not enough(high):
        if high >= _MOST:
            raise PowerError(f"a million items are too few: {_MOST:,} do not suffice")
        high = min(_MOST, math.ceil(high * 1.3))
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


class _Binomials:
    """Binomial distributions of up to so many trials, from one table of logarithms of factorials."""

    def __init__(self, most: int) -> None:
        import numpy as np

        self._logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])

    def chances(self, trials: int, chance: float) -> NDArray[np.float64]:
        """The probability of each number of successes, 0 to `trials`; `chance` lies strictly between 0 and 1."""
        import numpy as np

        k = np.arange(trials + 1)
        logs = self._logs[trials] - self._logs[k] - self._logs[trials - k]
        return np.exp(logs + k * math.log(chance) + (trials - k) * math.log1p(-chance))

    def rejected(self, found: int, wins: float, level: float) -> float:
        """The chance that McNemar's exact test rejects on so many disagreements, where the first wins each of them
        with the chance `wins`."""
        import numpy as np

        tails = 2 * np.cumsum(self.chances(found, 0.5))
        outcomes = int(np.searchsorted(tails, level, side="right"))  # that are rejected, on either side
        if not outcomes:
            return 0.0
        if wins in (0.0, 1.0):
            return 1.0
        chances = self.chances(found, wins)
        return float(chances[:outcomes].sum() + chances[-outcomes:].sum())
