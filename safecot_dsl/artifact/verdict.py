"""The five verdicts, in their order."""

from __future__ import annotations

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


_STRICTNESS = {verdict: rank for rank, verdict in enumerate(Verdict)}
