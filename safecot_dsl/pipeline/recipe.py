"""A recipe: one YAML file that names the policy, the model, the data, the arms and the evaluation of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.datafiles import recipes_root
from safecot_dsl.dataset import DataRecipe
from safecot_dsl.diagnostics import closest
from safecot_dsl.evaluation import EvaluationRecipe
from safecot_dsl.training import TrainingRecipe

MAX_BYTES = 1 << 20

#: Arms that are not trained, whose names a recipe therefore cannot give.
UNTRAINED = ("base", "refuse_everything", "comply_with_everything")


class RecipeError(ValueError):
    """A recipe that cannot be used; the message names the key, what is wrong with it, and how to mend it."""


class MiniatureBase(Frozen):
    """The small base model of the miniature world, trained from scratch by the run itself."""

    seed: int = 0
    warmup_steps: int | None = Field(default=None, ge=1, description="Steps of learning to see; default: as tuned.")
    steps: int | None = Field(default=None, ge=1, description="Steps of learning to speak; default: as tuned.")


class Arm(Frozen):
    """A way of tuning that is compared with others: what it changes in the recipe's `data` and `training`."""

    data: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)


class Recipe(Frozen):
    """An experiment. Paths are relative to the recipe's folder.

    `model` is a folder or a hub id of an image-text-to-text model, or `{miniature: {...}}`. Without `arms` there is
    one, `safecot`, with the recipe's own `data` and `training`.
    """

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    description: str | None = None
    policy: str = Field(description="A `.safecot` file or a compiled artifact.")
    params: dict[str, float] = Field(default_factory=dict, description="Values for the policy's params.")
    seed: int = Field(default=0, ge=0, lt=2**32, description="Reaches every random choice.")
    model: str | dict[str, MiniatureBase] | None = Field(
        default=None, description="A model folder or hub id, or `{miniature: {...}}`."
    )
    data: DataRecipe
    training: TrainingRecipe = Field(default_factory=TrainingRecipe)
    arms: dict[str, Arm] = Field(default_factory=lambda: {"safecot": Arm()})
    evaluation: EvaluationRecipe = Field(default_factory=EvaluationRecipe)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if isinstance(self.model, dict) and set(self.model) != {"miniature"}:
            raise ValueError("`model` is a folder, a hub id, or `{miniature: {...}}`")
        taken = [name for name in self.arms if name in UNTRAINED]
        if taken:
            raise ValueError(f"`arms.{taken[0]}` is an arm that is never trained; give yours another name")
        for name in self.arms:
            self.data_of(name)
            self.training_of(name)
        return self

    def data_of(self, arm: str) -> DataRecipe:
        """The data recipe of an arm."""
        return DataRecipe.model_validate({**self.data.model_dump(), **self.arms[arm].data})

    def training_of(self, arm: str) -> TrainingRecipe:
        """The training recipe of an arm."""
        return TrainingRecipe.model_validate({**self.training.model_dump(), **self.arms[arm].training})

    @property
    def miniature(self) -> MiniatureBase | None:
        return self.model["miniature"] if isinstance(self.model, dict) else None


def find_recipe(name: str) -> Path:
    """The recipe file of that path, or the shipped one of that name (`demo`)."""
    path = Path(name)
    if path.exists() or path.suffix:
        return path
    shipped = recipes_root() / f"{name}.yaml"
    if shipped.is_file():
        return shipped
    known = sorted(file.stem for file in recipes_root().glob("*.yaml"))
    raise RecipeError(f"there is no recipe `{name}`: neither a file nor one that ships ({', '.join(known)})")


def load_recipe(path: Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Read a recipe. `overrides` are values, as YAML, by dotted path (`data.rows`, `data.sources.0.root`).

    Raises :class:`RecipeError` for a file that cannot be read or is not YAML, an unknown key, a value that does not
    fit, and an override of something that is not there; every fault of the file in one message.
    """
    import yaml

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror or error}") from None
    if len(raw) > MAX_BYTES:
        raise RecipeError(f"{path}: the file is larger than {MAX_BYTES:,} bytes")
    try:
        text = raw.decode("utf-8-sig")
        # Anchors let a short file stand for a huge one; a recipe has no use for them.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise RecipeError(f"{path}: YAML aliases (`*name`) are not allowed in a recipe")
        data = yaml.safe_load(text)
    except UnicodeDecodeError:
        raise RecipeError(f"{path}: the file is not UTF-8") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise RecipeError(f"{where}: not YAML: {getattr(error, 'problem', None) or 'nested too deeply'}") from None
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys to values")
    for dotted, value in (overrides or {}).items():
        _override(data, dotted, yaml.safe_load(value), path)
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise RecipeError(f"{path}: " + "; ".join(_faults(error, data))) from None


def _override(data: Any, dotted: str, value: Any, path: Path) -> None:
    *parents, last = dotted.split(".")
    node = data
    for part in parents:
        if isinstance(node, dict):
            node = node.setdefault(part, {})
        elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        else:
            raise RecipeError(f"{path}: there is no `{dotted}` to set")
    if isinstance(node, dict):
        node[last] = value
    elif isinstance(node, list) and last.isdecimal() and int(last) < len(node):
        node[int(last)] = value
    else:
        raise RecipeError(f"{path}: there is no `{dotted}` to set")


def _faults(error: ValidationError, data: Any) -> list[str]:
    """Each fault with the dotted path that the file's author wrote."""
    faults: list[str] = []
    for fault in error.errors(include_url=False, include_input=False):
        location = _written(fault["loc"], data)
        if fault["type"] == "extra_forbidden":
            meant = closest(str(fault["loc"][-1]), _known_keys(fault["loc"][:-1]))
            faults.append(f"unknown key `{location}`" + (f"; did you mean `{meant}`?" if meant else ""))
        elif fault["type"] == "missing":
            faults.append(f"`{location}` is missing")
        else:
            message = fault["msg"].removeprefix("Value error, ")
            faults.append(f"`{location}`: {message}" if location else message)
    return list(dict.fromkeys(faults))


def _written(location: tuple[int | str, ...], data: Any) -> str:
    """Pydantic names the branch of a union (`sources.0.figstep.root`); a recipe's author has not written that."""
    parts: list[str] = []
    node = data
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if isinstance(node, dict) and (part in node or last):
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        elif not last:
            continue
        parts.append(str(part))
    return ".".join(parts)


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    sections = {"data": DataRecipe, "training": TrainingRecipe, "evaluation": EvaluationRecipe}
    if not location:
        return list(Recipe.model_fields)
    model = sections.get(str(location[0]))
    return list(model.model_fields) if model is not None and len(location) == 1 else []
