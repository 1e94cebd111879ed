"""The data part of a recipe: which sources, how many rows, what each row says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.diagnostics import closest
from safecot_dsl.facts import FigStep, Jsonl, Miniature, Source, VLGuard
from safecot_dsl.render import Tags

_SOURCES: dict[str, type[Frozen]] = {"figstep": FigStep, "vlguard": VLGuard, "jsonl": Jsonl, "miniature": Miniature}


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
    """Every fault with its path in the recipe as it was written."""
    faults: list[str] = []
    found = error.errors()
    for fault in found:
        location, model = list(fault["loc"]), DataRecipe
        if fault["type"] == "too_short" and any(
            other["loc"][:1] == fault["loc"][:1] for other in found if other != fault
        ):
            continue  # the list is not empty: what is in it has faults, which are reported
        if len(location) > 2 and location[0] == "sources":
            # Pydantic puts the branches of unions in (`sources.0.figstep.facts.image.text.column.map`).
            model = _SOURCES.get(str(location.pop(2)))
            if location[2] == "facts" and len(location) > 4:
                del location[4]
        dotted = ".".join(map(str, location))
        if fault["type"] == "extra_forbidden":
            at_top = len(location) == (1 if model is DataRecipe else 3)
            near = closest(str(location[-1]), model.model_fields) if model is not None and at_top else None
            faults.append(f"unknown key `{dotted}`" + (f"; did you mean `{near}`?" if near else ""))
        else:
            faults.append(f"`{dotted}`: {fault['msg']}" if dotted else fault["msg"])
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
    data["sources"] = [
        {"kind": source.kind, **given} for source, given in zip(recipe.sources, data["sources"], strict=True)
    ]
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
