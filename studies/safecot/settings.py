"""What the search finds on validation, and every cell is then run with."""

from __future__ import annotations

from typing import Any

from safecot_dsl.artifact.base import Frozen


class Shares(Frozen):
    """Of an arm's rows: how many hang on a fact that cannot be told, and how many carry an attack."""

    unknown: float = 0.0
    attacks: float = 0.0


class Tuned(Frozen):
    """How rows are chosen, and for how long, at which rate and with how much dropout an arm is tuned on them."""

    selection: str
    learning_rate: float
    max_steps: int
    lora_dropout: float = 0.0

    @property
    def training(self) -> dict[str, Any]:
        return self.model_dump(exclude={"selection"})


class Settings(Frozen):
    """Shares of rows by arm, and the settings of the arm with reasoning, of the control by rows, and of the guard. The
    control's at other numbers of rows than the claims', and the guard's, are found after the claims' cells."""

    shares: dict[str, Shares]
    stepwise: Tuned
    control: dict[int, Tuned]
    guard: Tuned | None = None
