"""How preference training is done."""

from __future__ import annotations

from pydantic import Field

from safecot_dsl.artifact.base import Frozen


class DpoSettings(Frozen):
    """What `training.dpo` says; the names and their meanings are TRL's own."""

    beta: float = Field(default=0.1, gt=0, description="How strongly the model is held to where it started.")
