"""The data part of a recipe: which sources, how many rows, what each row says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.diagnostics import closest
from safecot_dsl.facts import Source
from safecot_dsl.render import Tags


class RecipeError(ValueError):
    """A recipe that cannot be read; the message names the key, what is wrong with it, and how to mend it."""


class DataRecipe(Frozen):
    """What `safecotc generate` makes. Paths are relative to the recipe's folder.

    `selection` is how `rows` items are chosen:

    - `random`: `balance` of them refused, the others not, each drawn uniformly.
    - `stratified`: the same two shares, and within each the rows go round in turn over the rules, exceptions and
      speakers that decide (complying rows over the rules that come nearest), so that rare ones get their share.
    - `contrast`: pairs of a refused request and a laxer one that differ in one fact (where the source can make such
      neighbours, else in as few as the pool allows); which rules and exceptions they are about goes round in turn.
    """

    name: str = Field(default="dataset", min_length=1, description="What the data-set card calls it.")
    policy: str | None = Field(default=None, description="The policy: a `.safecot` file or a compiled artifact.")
    params: dict[str, float] = Field(default_factory=dict, description="Values for the policy's params.")
    seed: int = Field(default=0, description="Reaches every random choice.")
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


def load_recipe(path: Path, overrides: Mapping[str, Any] | None = None) -> DataRecipe:
    """Read a data recipe from YAML. `overrides` are values by dotted path (`sources.0.root`), as `--set` gives them.

    Raises:
        RecipeError: not readable, not YAML, an unknown key, a value of the wrong type, an override of nothing.
    """
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"cannot read the recipe {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RecipeError(f"the recipe {path} is not UTF-8") from None
    except yaml.YAMLError as error:
        raise RecipeError(f"the recipe {path} is not YAML: {error}") from None
    if not isinstance(data, dict):
        raise RecipeError(f"the recipe {path} is not a mapping of keys to values")
    for dotted, value in (overrides or {}).items():
        _override(data, dotted, value, path)
    return parse_recipe(data, where=str(path))


def parse_recipe(data: Mapping[str, Any], *, where: str) -> DataRecipe:
    """The recipe in `data`; raises :class:`RecipeError` with every fault, each with its dotted path."""
    try:
        return DataRecipe.model_validate(data)
    except ValidationError as error:
        raise RecipeError(f"{where}: " + "; ".join(_faults(error))) from None


def _faults(error: ValidationError) -> list[str]:
    faults: list[str] = []
    for fault in error.errors():
        # Pydantic names the branch of a union (`sources.0.figstep.root`); a recipe's reader has not written that.
        location = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            name = str(fault["loc"][-1])
            near = closest(name, DataRecipe.model_fields) if len(fault["loc"]) == 1 else None
            faults.append(f"unknown key `{location}`" + (f"; did you mean `{near}`?" if near else ""))
        else:
            faults.append(f"`{location}`: {fault['msg']}" if location else fault["msg"])
    return faults


def _override(data: Any, dotted: str, value: Any, path: Path) -> None:
    *parents, last = dotted.split(".")
    node = data
    for part in parents:
        node = _child(node, part)
        if node is None:
            raise RecipeError(f"{path}: there is no `{dotted}` to set")
    if isinstance(node, dict):
        node[last] = value
    elif isinstance(node, list) and last.isdecimal() and int(last) < len(node):
        node[int(last)] = value
    else:
        raise RecipeError(f"{path}: there is no `{dotted}` to set")


def _child(node: Any, part: str) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
        return node[int(part)]
    return None


def dump_recipe(recipe: DataRecipe) -> str:
    """The recipe as YAML that :func:`load_recipe` reads back to an equal one."""
    import yaml

    data = json.loads(recipe.model_dump_json(exclude_defaults=True))
    # `kind` is a default of its model, and the key that tells the sources apart.
    for source, given in zip(recipe.sources, data["sources"], strict=True):
        given["kind"] = source.kind
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
