"""How far a score can be believed: what share of the labels is yes at each score, and where to draw the line."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby

from safecot_dsl.artifact.base import Frozen

_Z = 1.959963984540054  # the normal quantile of a two-sided 95 % interval


class Bin(Frozen):
    """Scores from `low` to `high`: how many there are, their mean, and the share of yes among their labels, with its
    95 % interval (Wilson 1927)."""

    low: float
    high: float
    count: int
    mean: float
    share: float
    share_low: float
    share_high: float


class TrustedBand(Frozen):
    """Where a score can be trusted: up to `no_to` the label is taken to be no, from `yes_from` on yes, and between the
    two nothing is said. None where no score allows it. `told` is the share of the scores outside of the band, and
    `wrong` the share of these whose label is the other."""

    no_to: float | None
    yes_from: float | None
    told: float
    wrong: float


class Calibration(Frozen):
    """A score against labels.

    `brier` is the mean squared distance of score and label (Brier 1950), `expected_error` the mean distance of a bin's
    mean score and its share of yes, weighted by counts (Naeini et al. 2015), `auc` the chance that a yes has a higher
    score than a no, ties counting half; None where all labels are the same. `threshold` is the score from which on to
    say yes so that the two shares of right answers, among yes and among no, have the highest mean (Youden 1950).
    `isotonic` are the steps of the best rising function from scores to the share of yes: score from which on, share.
    """

    count: int
    yes: int
    brier: float
    expected_error: float
    auc: float | None
    threshold: float | None
    threshold_right: float | None
    band: TrustedBand
    bins: tuple[Bin, ...]
    isotonic: tuple[tuple[float, float], ...]

    def probability(self, score: float) -> float:
        """The share of yes that is to be expected at a score, by `isotonic`; below its first step, that step's."""
        steps = [start for start, _ in self.isotonic]
        return self.isotonic[max(0, bisect_right(steps, score) - 1)][1]


def calibrate(
    scores: Sequence[float], labels: Sequence[bool], *, bins: int = 10, max_wrong: float = 0.05
) -> Calibration:
    """How scores from 0 to 1 relate to labels, pair by pair.

    The bins hold equally many scores each, equal scores staying together, and `band` is the narrowest one outside of
    which at most `max_wrong` of the answers on either side are wrong.

    Raises:
        ValueError: no scores, another number of labels, or a score that is not from 0 to 1.
    """
    if not scores or len(scores) != len(labels):
        raise ValueError(f"{len(scores)} scores and {len(labels)} labels: as many of each are needed, and at least one")
    outside = next((score for score in scores if not 0 <= score <= 1), None)
    if outside is not None:
        raise ValueError(f"a score is from 0 to 1, not {outside}")
    pairs = sorted(zip(map(float, scores), map(bool, labels), strict=True))
    yes = sum(label for _, label in pairs)
    table = tuple(_bins(pairs, bins))
    threshold, right = _threshold(pairs)
    return Calibration(
        count=len(pairs),
        yes=yes,
        brier=math.fsum((score - label) ** 2 for score, label in pairs) / len(pairs),
        expected_error=math.fsum(b.count * abs(b.mean - b.share) for b in table) / len(pairs),
        auc=_auc(pairs),
        threshold=threshold,
        threshold_right=right,
        band=_band(pairs, max_wrong),
        bins=table,
        isotonic=_isotonic(pairs),
    )


_Pairs = Sequence[tuple[float, bool]]


def _bins(pairs: _Pairs, count: int) -> list[Bin]:
    found: list[Bin] = []
    current: list[tuple[float, bool]] = []
    done = 0
    for _, group in groupby(pairs, key=lambda pair: pair[0]):
        current += group
        if done + len(current) >= len(pairs) * (len(found) + 1) / count:
            done += len(current)
            found.append(_bin(current))
            current = []
    return found


def _bin(pairs: _Pairs) -> Bin:
    n, yes = len(pairs), sum(label for _, label in pairs)
    low, high = _wilson(yes, n)
    return Bin(
        low=pairs[0][0],
        high=pairs[-1][0],
        count=n,
        mean=math.fsum(score for score, _ in pairs) / n,
        share=yes / n,
        share_low=low,
        share_high=high,
    )


def _wilson(yes: int, n: int) -> tuple[float, float]:
    share, square = yes / n, _Z * _Z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = _Z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _auc(pairs: _Pairs) -> float | None:
    """By ranks (Mann and Whitney 1947), in one pass over the sorted pairs."""
    yes = sum(label for _, label in pairs)
    no = len(pairs) - yes
    if not yes or not no:
        return None
    below, wins = 0, 0.0
    for _, group in groupby(pairs, key=lambda pair: pair[0]):
        labels = [label for _, label in group]
        ups = sum(labels)
        downs = len(labels) - ups
        wins += ups * (below + downs / 2)
        below += downs
    return wins / (yes * no)


def _threshold(pairs: _Pairs) -> tuple[float | None, float | None]:
    yes = sum(label for _, label in pairs)
    no = len(pairs) - yes
    if not yes or not no:
        return None, None
    best: tuple[float, float] | None = None
    seen_yes = seen_no = 0
    for score, group in groupby(pairs, key=lambda pair: pair[0]):
        right = ((yes - seen_yes) / yes + seen_no / no) / 2
        if best is None or right > best[1]:
            best = score, right
        labels = [label for _, label in group]
        seen_yes += sum(labels)
        seen_no += len(labels) - sum(labels)
    assert best is not None
    return best


def _band(pairs: _Pairs, max_wrong: float) -> TrustedBand:
    edge = _edge(pairs, max_wrong)
    if edge is not None:
        below, above = pairs[:edge], pairs[edge:]
    else:
        above = pairs[len(pairs) - _taken(pairs[::-1], max_wrong, wanted=True) :]
        rest = pairs[: len(pairs) - len(above)]
        below = rest[: _taken(rest, max_wrong, wanted=False)]
    told = len(above) + len(below)
    wrong = sum(not label for _, label in above) + sum(label for _, label in below)
    return TrustedBand(
        no_to=below[-1][0] if below else None,
        yes_from=above[0][0] if above else None,
        told=told / len(pairs),
        wrong=wrong / told if told else 0.0,
    )


def _edge(pairs: _Pairs, max_wrong: float) -> int | None:
    """Where to part the pairs so that both sides are right enough, with the fewest wrong; None where nowhere."""
    n, yes = len(pairs), sum(label for _, label in pairs)
    best: tuple[int, int] | None = None
    place = passed = 0
    for _, group in groupby(pairs, key=lambda pair: pair[0]):
        wrong_above = (n - place) - (yes - passed)
        if passed <= max_wrong * place and wrong_above <= max_wrong * (n - place):
            best = min(best or (n + 1, 0), (passed + wrong_above, place))
        labels = [label for _, label in group]
        place += len(labels)
        passed += sum(labels)
    if yes <= max_wrong * n:  # all of them are no
        best = min(best or (n + 1, 0), (yes, n))
    return best[1] if best is not None else None


def _taken(pairs: _Pairs, max_wrong: float, *, wanted: bool) -> int:
    """How many pairs from the beginning on can be answered with `wanted`, equal scores together."""
    taken = wrong = seen = 0
    for _, group in groupby(pairs, key=lambda pair: pair[0]):
        labels = [label for _, label in group]
        seen += len(labels)
        wrong += sum(label is not wanted for label in labels)
        if wrong <= max_wrong * seen:
            taken = seen
    return taken


def _isotonic(pairs: _Pairs) -> tuple[tuple[float, float], ...]:
    """Pool adjacent violators (Ayer et al. 1955): the least-squares rising function."""
    blocks: list[tuple[float, int, int]] = []  # score from which on, yes, count
    for score, group in groupby(pairs, key=lambda pair: pair[0]):
        labels = [label for _, label in group]
        blocks.append((score, sum(labels), len(labels)))
        while len(blocks) > 1 and blocks[-2][1] * blocks[-1][2] >= blocks[-1][1] * blocks[-2][2]:
            _, yes, count = blocks.pop()
            start, before, number = blocks.pop()
            blocks.append((start, before + yes, number + count))
    return tuple((start, yes / count) for start, yes, count in blocks)
