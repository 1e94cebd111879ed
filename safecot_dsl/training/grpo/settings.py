"""How training by reward is done."""

from __future__ import annotations

from pydantic import Field

from safecot_dsl.artifact.base import Frozen


class GrpoSettings(Frozen):
    """What `training.grpo` says; the names and their meanings are TRL's own where TRL has them."""

    num_generations: int = Field(default=8, ge=2, description="Answers drawn for each request.")
