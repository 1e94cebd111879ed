"""Time limits of the solver. Importing this loads no solver."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds for the answer to one question, and in all."""

    seconds_each: float = 5.0
    seconds_in_all: float = 60.0


USUAL_LIMITS = Limits()
