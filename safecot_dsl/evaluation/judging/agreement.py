"""How far two judges of the same answers agree: a table, Cohen's kappa with its interval, the answers in dispute."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Final

from safecot_dsl.artifact import Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.judging.judgement import Read
from safecot_dsl.evaluation.statistics import Rate

#: The order of a table: strictest first, what could not be told last.
ORDER: Final[tuple[Read, ...]] = (*reversed(Verdict), "unscored")
_Z: Final = 1.959963984540054


class Kappa(Frozen):
    """Cohen's kappa (1960) of two judges over `n` answers, with a 95 % interval from its large-sample standard error
    (Fleiss, Cohen and Everitt 1969, Psychological Bulletin 72, 323-327).

    `value` is None where one class is all that both ever gave, as chance alone then explains everything.
    """

    value: float | None
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, pairs: Iterable[tuple[Hashable, Hashable]]) -> Kappa:
        """The kappa of pairs of classes."""
        cells = Counter(pairs)
        n = sum(cells.values())
        first, second = Counter[Hashable](), Counter[Hashable]()
        for (one, other), count in cells.items():
            first[one] += count
            second[other] += count
        chance = sum(first[name] * second[name] for name in first) / n**2 if n else 1.0
        if chance >= 1:
            return cls(value=None, low=-1.0, high=1.0, n=n)
        observed = sum(count for (one, other), count in cells.items() if one == other) / n
        kappa = (observed - chance) / (1 - chance)
        # The formula's three terms: the cells that agree, those that do not, and the square of what chance explains.
        agreeing = sum(
            count / n * (1 - (first[one] + second[one]) / n * (1 - kappa)) ** 2
            for (one, other), count in cells.items()
            if one == other
        )
        differing = sum(
            count / n * ((second[one] + first[other]) / n) ** 2 for (one, other), count in cells.items() if one != other
        )
        spread = agreeing + (1 - kappa) ** 2 * differing - (kappa - chance * (1 - kappa)) ** 2
        error = math.sqrt(max(0.0, spread) / n) / (1 - chance)
        return cls(value=kappa, low=max(-1.0, kappa - _Z * error), high=min(1.0, kappa + _Z * error), n=n)

    def __str__(self) -> str:
        return "undefined" if self.value is None else f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Differing(Frozen):
    """An answer of which two judges say different things."""

    id: str
    first: Read
    second: Read
    prompt: str
    answer: str
    why: str = ""


class JudgeAgreement(Frozen):
    """Two judges of the same answers.

    `table` counts answers by the first judge's verdict and the second's, `unscored` among them. `agreed`, `kappa` (five
    classes) and `refusal` (refused or not, on which the headline figures rest) are over the `both` that each of them
    could tell; what one of them left unscored is counted in the table and nowhere else. `propositions` are the kappas
    of the criteria's propositions that both answered.
    """

    first: str
    second: str
    answers: int
    both: int
    table: dict[Read, dict[Read, int]]
    agreed: Rate
    kappa: Kappa
    refusal: Kappa
    propositions: dict[str, Kappa] = {}


def agree(
    first: str,
    second: str,
    verdicts: Sequence[tuple[Read, Read]],
    propositions: Mapping[str, Sequence[tuple[bool, bool]]] | None = None,
) -> JudgeAgreement:
    """How far the judges `first` and `second` agree on these answers, and on these propositions of them."""
    told = [(one, other) for one, other in verdicts if one != "unscored" and other != "unscored"]
    cells = Counter(verdicts)
    given: list[Read] = [read for read in ORDER if any(read in pair for pair in cells)]
    return JudgeAgreement(
        first=first,
        second=second,
        answers=len(verdicts),
        both=len(told),
        table={one: {other: cells[one, other] for other in given} for one in given},
        agreed=Rate.of(one == other for one, other in told),
        kappa=Kappa.of(told),
        refusal=Kappa.of((one is Verdict.REFUSE, other is Verdict.REFUSE) for one, other in told),
        propositions={name: Kappa.of(pairs) for name, pairs in (propositions or {}).items()},
    )


def in_turn(differing: Iterable[Differing]) -> list[Differing]:
    """One of each kind of disagreement, the kinds strictest first, then a second of each, and so on."""
    kinds: dict[tuple[int, int], list[Differing]] = {}
    for one in differing:
        kinds.setdefault((ORDER.index(one.first), ORDER.index(one.second)), []).append(one)
    queues = [kinds[kind] for kind in sorted(kinds)]
    return [queue[turn] for turn in range(max(map(len, queues), default=0)) for queue in queues if turn < len(queue)]
