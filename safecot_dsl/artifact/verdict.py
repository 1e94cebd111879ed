"""The five verdicts, in their order."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What a response owes to a request, from the laxest to the strictest.

    `comply` answers; `warn` answers and points out the risk; `clarify` asks first; `redirect` helps with the safe
    part only; `refuse` declines.
    """

    COMPLY = "comply"
    WARN = "warn"
    CLARIFY = "clarify"
    REDIRECT = "redirect"
    REFUSE = "refuse"

    @property
    def strictness(self) -> int:
        """0 for `comply` to 4 for `refuse`."""
        return _STRICTNESS[self]

    @property
    def answers(self) -> bool:
        """Whether the user gets what was asked for: of `comply` and `warn`."""
        return self in _ANSWERING

    @property
    def withholds(self) -> bool:
        """Whether what was asked for is not to be had: of `redirect` and `refuse`; `clarify` leaves it open."""
        return self in _WITHHOLDING


_STRICTNESS = {verdict: rank for rank, verdict in enumerate(Verdict)}
_ANSWERING = frozenset({Verdict.COMPLY, Verdict.WARN})
_WITHHOLDING = frozenset({Verdict.REDIRECT, Verdict.REFUSE})


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """The strictest of some verdicts; `ValueError` where there are none."""
    return max(verdicts, key=_STRICTNESS.__getitem__)


def laxest(verdicts: Iterable[Verdict]) -> Verdict:
    """The laxest of some verdicts; `ValueError` where there are none."""
    return min(verdicts, key=_STRICTNESS.__getitem__)
