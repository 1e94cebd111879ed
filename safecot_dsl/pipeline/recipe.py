"""A recipe: one YAML file that names the policy, the model, the data, the arms and the evaluation of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, StringConstraints, Tag, ValidationError, model_validator

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.datafiles import recipes_root
from safecot_dsl.dataset import DataRecipe
from safecot_dsl.diagnostics import unreadable
from safecot_dsl.evaluation import EvaluationRecipe
from safecot_dsl.facts.faults import faults_of
from safecot_dsl.facts.yaml_words import yaml_fault
from safecot_dsl.pipeline.arms import check_pairs, check_starts
from safecot_dsl.render import Lookups
from safecot_dsl.storage import read_bounded
from safecot_dsl.training import TrainingRecipe

MAX_BYTES = 1 << 20
MAX_DEPTH = 32

#: What names a folder of a run: it cannot lead out of the run's own.
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]

#: Arms that are not trained, whose names a recipe therefore cannot give.
UNTRAINED = ("base", "refuse_everything", "comply_with_everything")


class RecipeError(ValueError):
    """A recipe that cannot be used; the message names the key, what is wrong with it, and how to mend it."""


class MiniatureBase(Frozen):
    """The small base model of the miniature world, trained from scratch by the run itself."""

    seed: int = Field(
        default=0,
        description="Decides the small world that the base learns, and the draws of its training; an integer.",
    )
    warmup_steps: int | None = Field(default=None, ge=1, description="Steps of learning to see; default: as tuned.")
    steps: int | None = Field(default=None, ge=1, description="Steps of learning to speak; default: as tuned.")
    more_steps: int | None = Field(
        default=None, ge=1, description="Steps of learning on, from half the rate; default: as tuned."
    )
    images: int | None = Field(default=None, ge=1, description="Pictures to learn from; default: as tuned.")
    leave_out: tuple[Literal["among", "lookup"], ...] = Field(
        default=(),
        description="`among`: it is not taught which objects belong to the policy's groups; `lookup`: not to look that "
        "up in its own text.",
    )
    lookups: Lookups = Field(default=Lookups.THINGS, description="How its look-ups are worded.")


class Arm(Frozen):
    """A way of tuning that is compared with others: what it changes in the recipe's `data` and `training`."""

    data: dict[str, Any] = Field(
        default_factory=dict,
        description="Keys of `data` that this arm sets, with their values; the others are the recipe's.",
    )
    training: dict[str, Any] = Field(
        default_factory=dict,
        description="Keys of `training` that this arm sets, with their values; the others are the recipe's. No `seed`.",
    )


def _given_or_built(value: object) -> str:
    """Which of the two a model is meant to be, so that a fault in it is reported once."""
    return "built" if isinstance(value, Mapping) else "given"


_Model = Annotated[
    Annotated[str, Tag("given")] | Annotated[dict[str, MiniatureBase], Tag("built")], Discriminator(_given_or_built)
]


class Recipe(Frozen):
    """An experiment. Paths are relative to the recipe's folder.

    `model` is a folder or a hub id of an image-text-to-text model, or `{miniature: {...}}`. Without `arms` there is
    one, `safecot`, with the recipe's own `data` and `training`.
    """

    name: _Name = Field(
        description="Names the experiment in folders and reports: letters, digits, `_`, `.` and `-`, and no sign first."
    )
    description: str | None = Field(
        default=None, description="What the experiment is about, in a line, for its reports."
    )
    policy: str = Field(description="A `.safecot` file or a compiled artifact.")
    params: dict[str, float] = Field(default_factory=dict, description="Values for the policy's params.")
    seed: int = Field(default=0, ge=0, lt=2**32, description="Reaches every random choice.")
    model: _Model | None = Field(
        default=None, description="A model folder, a hub id (`OWNER/NAME@COMMIT`), or `{miniature: {...}}`."
    )
    data: DataRecipe = Field(description="Where the rows come from, how they are chosen, and what they say.")
    training: TrainingRecipe = Field(
        default_factory=TrainingRecipe,
        description="How the adapter is trained; without it, LoRA of rank 16 for 3 epochs.",
    )
    arms: dict[_Name, Arm] = Field(
        default_factory=lambda: {"safecot": Arm()},
        description="Ways of tuning to be compared, by name: each changes some keys of `data` and `training`. "
        "Default: one arm, `safecot`, that changes none. `base`, `refuse_everything` and "
        "`comply_with_everything` are taken.",
    )
    evaluation: EvaluationRecipe = Field(
        default_factory=EvaluationRecipe,
        description="What the arms are asked, and how their answers are counted; without it, as its own defaults say.",
    )

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
                    model = DataRecipe if section == "data" else TrainingRecipe
                    raise ValueError("; ".join(faults_of(error, model, f"arms.{name}.{section}."))) from None
        check_starts({name: self.training_of(name).start_from for name in self.arms})
        for name in self.arms:
            check_pairs(name, self.data_of(name), self.training_of(name))
        tuned_on = [source for name in self.arms for source in self.data_of(name).sources]
        for number, source in enumerate(self.evaluation.sources):
            if source in tuned_on:
                raise ValueError(
                    f"`evaluation.sources.{number}` is a source of `data`, so that the test would be of rows that were "
                    "learnt: say which rows are held back, with `where` in both, or with files of their own"
                )
        empty = [name for name in self.evaluation.held_out if not self.evaluation.splits[name].policy]
        if empty:
            raise ValueError(
                f"`evaluation.splits.{empty[0]}.policy` is 0, and the headline is about it: give a number of cases, or "
                "`held_out: false`"
            )
        return self

    def data_of(self, arm: str) -> DataRecipe:
        """The data recipe of an arm."""
        return DataRecipe.model_validate({**dict(self.data), **self.arms[arm].data})

    def training_of(self, arm: str) -> TrainingRecipe:
        """The training recipe of an arm."""
        return TrainingRecipe.model_validate({**dict(self.training), **self.arms[arm].training})

    @property
    def miniature(self) -> MiniatureBase | None:
        return self.model["miniature"] if isinstance(self.model, dict) else None


def find_recipe(name: str) -> Path:
    """The recipe file of that path, or the shipped one of that name (`demo`).

    Raises:
        RecipeError: there is neither such a file nor such a shipped recipe.
    """
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
    if path.suffix == ".safecot":
        raise RecipeError(f"{path} is a policy: a recipe is a YAML file that names one under `policy`")
    try:
        raw = read_bounded(path, MAX_BYTES)
    except OSError as error:
        raise RecipeError(f"{path}: {unreadable(error, path)}") from None
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
        raise RecipeError(f"{path}: " + "; ".join(faults_of(error, Recipe))) from None


def _parsed(text: str, where: str) -> Any:
    """The value of a YAML text; raises :class:`RecipeError` for what is not YAML, or could mean something else than
    it seems to."""
    import yaml

    class UniqueKeyLoader(yaml.SafeLoader):
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
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):  # a short file can stand for a huge one
                raise RecipeError(f"{where}: YAML aliases (`*name`) are not allowed in a recipe")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:  # the parser's time grows with its square
                raise RecipeError(f"{where}: nested more than {MAX_DEPTH} deep")
        return yaml.load(text, UniqueKeyLoader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        raise RecipeError(yaml_fault(error, where)) from None
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
