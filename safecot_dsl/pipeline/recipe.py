"""A recipe: one YAML file that names the policy, the model, the data, the arms and the evaluation of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Self, Union, get_args, get_origin

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.datafiles import recipes_root
from safecot_dsl.dataset import DataRecipe
from safecot_dsl.diagnostics import closest
from safecot_dsl.evaluation import EvaluationRecipe
from safecot_dsl.training import TrainingRecipe

MAX_BYTES = 1 << 20

_Location = tuple[int | str, ...]
#: What names a folder of a run: it cannot lead out of the run's own.
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]

#: Arms that are not trained, whose names a recipe therefore cannot give.
UNTRAINED = ("base", "refuse_everything", "comply_with_everything")


class RecipeError(ValueError):
    """A recipe that cannot be used; the message names the key, what is wrong with it, and how to mend it."""


class MiniatureBase(Frozen):
    """The small base model of the miniature world, trained from scratch by the run itself."""

    seed: int = 0
    warmup_steps: int | None = Field(default=None, ge=1, description="Steps of learning to see; default: as tuned.")
    steps: int | None = Field(default=None, ge=1, description="Steps of learning to speak; default: as tuned.")
    images: int | None = Field(default=None, ge=1, description="Pictures to learn from; default: as tuned.")


class Arm(Frozen):
    """A way of tuning that is compared with others: what it changes in the recipe's `data` and `training`."""

    data: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)


class Recipe(Frozen):
    """An experiment. Paths are relative to the recipe's folder.

    `model` is a folder or a hub id of an image-text-to-text model, or `{miniature: {...}}`. Without `arms` there is
    one, `safecot`, with the recipe's own `data` and `training`.
    """

    name: _Name
    description: str | None = None
    policy: str = Field(description="A `.safecot` file or a compiled artifact.")
    params: dict[str, float] = Field(default_factory=dict, description="Values for the policy's params.")
    seed: int = Field(default=0, ge=0, lt=2**32, description="Reaches every random choice.")
    model: str | dict[str, MiniatureBase] | None = Field(
        default=None, description="A model folder or hub id, or `{miniature: {...}}`."
    )
    data: DataRecipe
    training: TrainingRecipe = Field(default_factory=TrainingRecipe)
    arms: dict[_Name, Arm] = Field(default_factory=lambda: {"safecot": Arm()})
    evaluation: EvaluationRecipe = Field(default_factory=EvaluationRecipe)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if isinstance(self.model, dict) and set(self.model) != {"miniature"}:
            raise ValueError("`model` is a folder, a hub id, or `{miniature: {...}}`")
        taken = [name for name in self.arms if name in UNTRAINED]
        if taken:
            raise ValueError(f"`arms.{taken[0]}` is an arm that is never trained; give yours another name")
        if "seed" in self.training.model_fields_set:
            raise ValueError("`training.seed` has no effect: `seed` stands at the top of a recipe")
        for name, arm in self.arms.items():
            if "seed" in arm.training:
                raise ValueError(f"`arms.{name}.training.seed` has no effect: `seed` stands at the top of a recipe")
            for section, settings in (("data", self.data_of), ("training", self.training_of)):
                try:
                    settings(name)
                except ValidationError as error:
                    given = getattr(arm, section)
                    model = DataRecipe if section == "data" else TrainingRecipe
                    raise ValueError("; ".join(_faults(error, given, model, f"arms.{name}.{section}."))) from None
        empty = [name for name in self.evaluation.held_out if not self.evaluation.splits[name].policy]
        if empty:
            raise ValueError(
                f"`evaluation.splits.{empty[0]}.policy` is 0, and the headline is about it: give a number of cases, or "
                "`held_out: false`"
            )
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
    if path.is_file() or path.suffix:
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

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror or error}") from None
    if len(raw) > MAX_BYTES:
        raise RecipeError(f"{path}: the file is larger than {MAX_BYTES:,} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RecipeError(f"{path}: the file is not UTF-8") from None
    data = _parsed(text, str(path))
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys to values")
    for dotted, value in (overrides or {}).items():
        _override(data, dotted, _parsed(value, f"`--set {dotted}={value}`"), path)
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise RecipeError(f"{path}: " + "; ".join(_faults(error, data, Recipe))) from None


def _parsed(text: str, where: str) -> Any:
    """The value of a YAML text; raises :class:`RecipeError` for what is not YAML, or could mean something else than
    it seems to."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses keys that stand twice, of which YAML keeps the last in silence."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            keys: set[Any] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in keys:
                        problem = f"the key `{key.value}` stands twice"
                        raise yaml.constructor.ConstructorError(problem=problem, problem_mark=key.start_mark)
                    keys.add(key.value)
            return super().construct_mapping(node, deep)

    try:
        # Anchors let a short file stand for a huge one; a recipe has no use for them.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise RecipeError(f"{where}: YAML aliases (`*name`) are not allowed in a recipe")
        return yaml.load(text, Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise RecipeError(f"{place}: not YAML: {problem}") from None
    except RecursionError:
        raise RecipeError(f"{where}: not YAML: nested too deeply") from None
    except ValueError as error:  # a date that is none, a number of thousands of digits
        if isinstance(error, RecipeError):
            raise
        raise RecipeError(f"{where}: not YAML: {error}") from None


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


def _faults(error: ValidationError, data: Any, model: type[BaseModel], prefix: str = "") -> list[str]:
    """Each fault with the dotted path that the file's author wrote."""
    faults: list[str] = []
    for fault in error.errors(include_url=False, include_input=False):
        location = prefix + _written(fault["loc"], data)
        if fault["type"] == "extra_forbidden":
            meant = closest(str(fault["loc"][-1]), _keys_at(model, fault["loc"][:-1]))
            faults.append(f"unknown key `{location}`" + (f"; did you mean `{meant}`?" if meant else ""))
        elif fault["type"] == "missing":
            faults.append(f"`{location}` is missing")
        elif fault["type"] in ("model_type", "dict_type"):
            faults.append(f"`{location}`: a mapping of keys to values is wanted here")
        elif fault["loc"]:
            faults.append(f"`{location}`: {fault['msg'].removeprefix('Value error, ')}")
        else:
            faults.append(fault["msg"].removeprefix("Value error, "))
    return list(dict.fromkeys(faults))


def _written(location: _Location, data: Any) -> str:
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


def _keys_at(kind: Any, location: _Location) -> set[str]:
    """The keys that a mapping may have at the end of a path of keys, indices and pydantic's names of branches."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if not location:
            return set(kind.model_fields)
        field = kind.model_fields.get(str(location[0]))
        return _keys_at(field.annotation, location[1:]) if field is not None else set()
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _keys_at(arguments[0], location)
    if origin in (Union, UnionType):
        chosen = [branch for branch in arguments if location and _is_branch(branch, location[0])]
        return set[str]().union(*(_keys_at(b, location[1:]) for b in chosen or arguments))
    return set[str]().union(*(_keys_at(argument, location[1:]) for argument in arguments)) if location else set()


def _is_branch(kind: Any, tag: int | str) -> bool:
    field = getattr(kind, "model_fields", {}).get("kind")
    return field is not None and field.default == tag
