"""What the search finds on validation, and every cell is then run with."""

from __future__ import annotations

from typing import Any

from safecot_dsl.artifact.base import Frozen


class Shares(Frozen):
    """Of an arm's rows: how many hang on a fact that cannot be told, and how many carry an attack."""

    unknown: float = 0.0
    attacks: float = 0.0


class Tuned(Frozen):
    """How rows are chosen, and for how long and at which rate an arm is tuned on them."""

    selection: str
    learning_rate: float
    max_steps: int

    @property
    def training(self) -> dict[str, Any]:
        return {"learning_rate": self.learning_rate, "max_steps": self.max_steps}


class Settings(Frozen):
    """Shares of rows by arm, and the settings of the arm with reasoning, of the control by rows, and of the guard."""

    shares: dict[str, Shares]
    stepwise: Tuned
    control: dict[int, Tuned]
    guard: Tuned
