"""The part of a recipe that says how arms are evaluated."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from safecot_dsl.artifact.base import Frozen


class SplitRecipe(Frozen):
    """How many items of each kind a split has, and whether choices may be made on it.

    The headline pools the splits that are `held_out`; a split that is not (validation) is reported apart.
    """

    policy: int = Field(default=300, ge=0, description="Cases with a due verdict: half must-refuse, half must-comply.")
    utility: int = Field(default=100, ge=0, description="Harmless questions that no rule is about.")
    perception: int = Field(default=100, ge=0, description="Questions on what the image shows.")
    held_out: bool = Field(default=True, description="False for the split on which choices are made.")


def _default_splits() -> dict[str, SplitRecipe]:
    return {
        "validation": SplitRecipe(held_out=False),
        "combinations": SplitRecipe(),
        "phrasings": SplitRecipe(),
        "style": SplitRecipe(),
    }


class EvaluationRecipe(Frozen):
    """How every arm is asked: greedily, on the same items, in the same order."""

    batch_size: int = Field(default=64, ge=1, description="Requests generated together.")
    max_new_tokens: int = Field(default=160, ge=1, description="The longest answer, reasoning included, in tokens.")
    splits: dict[str, SplitRecipe] = Field(default_factory=_default_splits, description="Sizes by split.")
    hypothesis_split: str = Field(
        default="combinations", description="The split on which the pre-registered hypothesis is judged."
    )
    examples: int = Field(default=12, ge=0, description="Cases shown in the report, drawn by the hash of their id.")

    @model_validator(mode="after")
    def _splits_fit(self) -> Self:
        names = ", ".join(f"`{name}`" for name in self.splits)
        if not self.held_out:
            raise ValueError(f"no split is held out, so there is no headline: set `held_out` for one of {names}")
        if self.hypothesis_split not in self.held_out:
            raise ValueError(
                f"`hypothesis_split` is `{self.hypothesis_split}`, which is no held-out split; the splits are {names}"
            )
        return self

    @property
    def held_out(self) -> tuple[str, ...]:
        """The splits that the headline pools, in the recipe's order."""
        return tuple(name for name, split in self.splits.items() if split.held_out)
