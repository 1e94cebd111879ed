"""The data part of a recipe: which sources, how many rows, what each row says."""

from __future__ import annotations

import json
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.facts import Source
from safecot_dsl.render import Tags


class Replay(Frozen):
    """`rows` rows besides the selected ones, drawn uniformly among the requests with these known facts.

    For what tuning must not unlearn; they are answered, and reasoned, like any other row.
    """

    rows: int = Field(ge=1)
    given: dict[str, str | bool] = Field(min_length=1, description="Full names of facts to their values.")


class DataRecipe(Frozen):
    """The `data` of a recipe: what `safecotc generate` makes. Paths are relative to the recipe's folder.

    `selection` is how `rows` items are chosen:

    - `random`: `balance` of them refused, the others not, each drawn uniformly.
    - `stratified`: the same two shares, and within each the rows go round in turn over the rules, exceptions and
      speakers that decide (complying rows over the rules that come nearest), so that rare ones get their share.
    - `contrast`: pairs of a refused request and a laxer one that differ in one fact (where the source can make such
      neighbours, else in as few as the pool allows); which rules and exceptions they are about goes round in turn.
    """

    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    rows: int | None = Field(default=None, ge=1, description="How many rows; without it every usable item is a row.")
    style: Literal["none", "minimal", "full", "stepwise"] = Field(
        default="stepwise", description="How much reasoning; `none` is the answer alone, a control."
    )
    order: Literal["reasoning_first", "answer_first"] = Field(
        default="reasoning_first", description="`answer_first` puts the reasoning after the answer, a control."
    )
    selection: Literal["random", "stratified", "contrast"] = "random"
    balance: float | None = Field(
        default=0.5, ge=0, le=1, description="The share of refused rows where `rows` is given; null: as they come."
    )
    replay: Replay | None = Field(default=None, description="Harmless requests that are added to the selected rows.")
    tags: Tags = Field(default_factory=Tags)
    unsure: Literal["train", "skip"] = Field(
        default="train", description="Whether requests with facts that cannot be told teach to ask for them."
    )
    strict: bool = Field(default=False, description="Stop at the first row that cannot be read, or broken image.")

    @model_validator(mode="after")
    def _pairs_are_even(self) -> Self:
        if self.selection == "contrast":
            if self.balance != 0.5:
                raise ValueError("`selection: contrast` makes pairs, so `balance` is 0.5")
            if self.rows is not None and self.rows % 2:
                raise ValueError(f"`selection: contrast` makes pairs, so `rows` must be even, not {self.rows}")
        return self


def dump_recipe(recipe: DataRecipe, *, name: str, policy: str, seed: int) -> str:
    """A whole recipe as YAML, with this `data` and what else makes the rows."""
    import yaml

    data = json.loads(recipe.model_dump_json(exclude_defaults=True))
    # `kind` is a default of its model, and the key that tells the sources apart.
    data["sources"] = [
        {"kind": source.kind, **given} for source, given in zip(recipe.sources, data["sources"], strict=True)
    ]
    whole = {"name": name, "policy": policy, "seed": seed, "data": data}
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=100)
