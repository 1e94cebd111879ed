"""The study's design: which cells there are, in which order, and the recipe of each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from safecot_dsl.artifact import CompiledPolicy, canonical_json
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.models.folder import model_digest
from safecot_dsl.pipeline import Recipe
from safecot_dsl.storage import sha256_bytes
from safecot_dsl.workspace import compile_policy
from studies.safecot.reordering import reordered
from studies.safecot.settings import Settings, Shares, Tuned

HERE = Path(__file__).parent
DESIGN = HERE / "study.yaml"
RESULTS = HERE / "results"
BASE, GUARD, CONTROL, STEPWISE = "base", "guard", "control", "stepwise"
#: Whose claims a design's figures are held against.
ClaimsOf = Literal["miniature", "pretrained", "none"]
#: Arms whose rates and steps the search finds.
SEARCHED = (CONTROL, GUARD)


class NotSearchedError(RuntimeError):
    """The settings that the search has to find are not there yet."""

    def __init__(self) -> None:
        super().__init__("the search is not done: run `python -m studies.safecot search` first")


class Base(Frozen):
    """A base model, the world in which it is tuned and asked, and the policy; `of` names the base whose world it is,
    and whose model and policy where it has none of its own."""

    model: str | dict[str, Any] | None = None
    world: int | None = None
    of: str | None = None
    policy: str | None = None
    reordered: bool = False


class ArmPlan(Frozen):
    """A way of tuning: at `rows` with the main runs, or with the `few`; `also` are further runs at the main size.
    `settings_of` is the arm whose settings the search found for it, by default its own or the arm's with reasoning."""

    rows: tuple[int, ...] = ()
    few: bool = False
    also: tuple[str, ...] = ()
    settings_of: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    evaluation: dict[str, Any] = Field(default_factory=dict)


class SearchPlan(Frozen):
    """What the search tries, with which run, and how many validation items of each sort it asks: `cases` and
    `questions`, cases under an attack (`attacked`), and cases of which a fact cannot be told (`unknown`)."""

    run: str
    cases: int
    questions: int
    attacked: int
    unknown: int
    shares: dict[str, tuple[float, ...]]
    stepwise: dict[str, tuple[Any, ...]]
    control: dict[str, tuple[Any, ...]]
    guard: dict[str, tuple[Any, ...]]


class Pace(Frozen):
    """Seconds that a cell is thought to take: `asking` in all, and `step` for each step."""

    asking: float
    step: float


class Paces(Frozen):
    """Seconds that things are thought to take: to train a `base`, and cells of `answers` and of `reasoning`."""

    base: float
    answers: Pace
    reasoning: Pace


class Cell(Frozen):
    """One figure's worth of work: a base, a seed, an arm and its number of rows (0 where nothing is tuned)."""

    base: str
    seed: int
    arm: str
    rows: int

    @property
    def run(self) -> str:
        return f"{self.base}-{self.seed}"

    @property
    def name(self) -> str:
        """The arm's name in the recipe of its run."""
        return f"{self.arm}-{self.rows}" if self.rows else self.arm

    @property
    def key(self) -> str:
        return f"{self.run}/{self.name}"


class Design(Frozen):
    """`study.yaml`, with what the search found where it is done. A design without a `search` has its `settings`."""

    claims: ClaimsOf = "miniature"
    policy: str
    bases: dict[str, Base]
    runs: tuple[str, ...]
    few: tuple[str, ...]
    rows: int
    replay: float
    data: dict[str, Any]
    training: dict[str, Any]
    evaluation: dict[str, Any]
    search: SearchPlan | None = None
    arms: dict[str, ArmPlan]
    seconds: Paces
    settings: Settings | None = None
    folder: Path = Field(default=HERE, exclude=True, description="What paths are relative to.")

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.search is None and self.settings is None:
            raise ValueError("a design needs a `search`, or the `settings` that stand for what one would find")
        searched = [self.search.run] if self.search is not None else []
        named = [*self.runs, *self.few, *searched, *(run for plan in self.arms.values() for run in plan.also)]
        for run in named:
            base, _, seed = run.rpartition("-")
            if base not in self.bases or not seed.isdecimal():
                raise ValueError(f"`{run}` is no run: write a base of the design, `-` and a seed")
        for name, base in self.bases.items():
            if base.of is not None and (base.of not in self.bases or self.bases[base.of].of is not None):
                raise ValueError(f"`bases.{name}.of` names no base with a world of its own")
            if base.of is None and (base.model is None or base.world is None):
                raise ValueError(f"`bases.{name}` needs a `model` and a `world`, or the base that it is `of`")
        if not {STEPWISE, CONTROL} <= set(self.arms):
            raise ValueError(f"`arms` needs `{STEPWISE}` and `{CONTROL}`")
        return self

    # Bases -------------------------------------------------------------------------------------------------------
    def origin(self, base: str) -> str:
        """The base in whose world this one is asked: itself, unless it is one of an ablation."""
        return self.bases[base].of or base

    def owner(self, base: str) -> str:
        """The base whose model this one is."""
        return base if self.bases[base].model is not None else self.origin(base)

    def world(self, base: str) -> int:
        world = self.bases[self.origin(base)].world
        assert world is not None
        return world

    def compiled(self, base: str) -> CompiledPolicy:
        """The policy of a base."""
        if base not in self._policies:
            self._policies[base] = self._compile(base)
        return self._policies[base]

    def model_of(self, base: str) -> str:
        """What stands for the model of a base: how it is trained, or the digest of one that is there."""
        owner = self.owner(base)
        if owner not in self._models:
            model = self.bases[owner].model
            there = isinstance(model, str)
            self._models[owner] = model_digest(str(self.folder / model)) if there else canonical_json(model)
        return self._models[owner]

    @cached_property
    def _models(self) -> dict[str, str]:
        return {}

    @cached_property
    def _policies(self) -> dict[str, CompiledPolicy]:
        return {}

    def _compile(self, base: str) -> CompiledPolicy:
        own = self.bases[base]
        if own.reordered:
            return reordered(self.compiled(self.origin(base)))
        if own.policy is None and own.of is not None:
            return self.compiled(own.of)
        return compile_policy(self.folder / (own.policy or self.policy))

    @property
    def searching(self) -> SearchPlan:
        """The plan of the search.

        Raises:
            LookupError: the design has none.
        """
        if self.search is None:
            raise LookupError("this design has no search")
        return self.search

    # Cells -------------------------------------------------------------------------------------------------------
    def claims_cells(self) -> list[Cell]:
        """The cells that the claims are about."""
        return [_cell(run, arm, rows) for run in self.runs for arm, rows in self._of_claims()]

    def cells(self) -> list[Cell]:
        """All cells in the order in which they are done: the claims' first, then the other sizes, then ablations."""
        claims = self.claims_cells()
        sizes = [
            _cell(run, arm, rows)
            for rows in self.sizes[1:]
            for run in self.runs
            for arm in (STEPWISE, CONTROL)
            if rows in self.arms[arm].rows
        ]
        ablations = [
            _cell(run, arm, self.rows)
            for arm, plan in self.arms.items()
            if arm not in (STEPWISE, CONTROL)
            for run in (self.few if plan.few else self.runs)
        ]
        further = [_cell(run, arm, self.rows) for arm, plan in self.arms.items() for run in plan.also]
        of_bases = [_cell(run, BASE, 0) for run in dict.fromkeys(cell.run for cell in further)]
        further.sort(key=lambda cell: [*self.bases].index(cell.base))
        return list(dict.fromkeys([*claims, *sizes, *ablations, *of_bases, *further]))

    @property
    def untuned(self) -> Tuned:
        """The settings of the arm with reasoning before the search has found better ones."""
        training = {name: self.training[name] for name in ("learning_rate", "max_steps", "lora_dropout")}
        return Tuned.model_validate({"selection": self.data["selection"], **training})

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of rows at which the two main arms are run, the claims' first."""
        return tuple(sorted(self.arms[STEPWISE].rows, key=lambda rows: (rows != self.rows, rows != self.rows // 2)))

    def _of_claims(self) -> list[tuple[str, int]]:
        return [(BASE, 0), (STEPWISE, self.rows), (CONTROL, self.rows)]

    # Recipes -----------------------------------------------------------------------------------------------------
    def recipe(
        self,
        base: str,
        seed: int,
        arms: dict[str, dict[str, Any]],
        policy: str,
        model: str | None,
        evaluation: Mapping[str, Any] = MappingProxyType({}),
    ) -> Recipe:
        """The recipe of a base and a seed with these arms. `policy` is a path; `model` is one, or None for the base's
        own as the design has it; `evaluation` goes before the design's. Without arms it has one that is there to name
        the world."""
        first = next(iter(arms.values()))["data"] if arms else self._data(base, STEPWISE, self.rows, Shares())
        return Recipe.model_validate(
            {
                "name": f"study-{base}-{seed}",
                "policy": policy,
                "seed": seed,
                "model": model or self.bases[self.owner(base)].model,
                "data": first,
                "training": self.training,
                "arms": arms or {"untrained": {}},
                "evaluation": {**self.evaluation, **evaluation},
            }
        )

    def arms_of(self, cell: Cell) -> dict[str, dict[str, Any]]:
        """The arm that a cell tunes, as a recipe has it, by name; a base tunes none.

        Raises:
            NotSearchedError: the search has not found its settings yet.
        """
        if cell.arm == BASE:
            return {}
        if self.settings is None:
            raise NotSearchedError
        plan = self.arms[cell.arm]
        tuned_as = plan.settings_of or cell.arm
        shares = self.settings.shares[CONTROL if tuned_as in SEARCHED else STEPWISE]
        data = {**self._data(cell.base, cell.arm, cell.rows, shares), **plan.data}
        found = self.settings.stepwise.training
        if tuned_as in SEARCHED:
            control = self.settings.control.get(cell.rows)
            own = self.settings.guard if tuned_as == GUARD else control
            if control is None or own is None:
                raise NotSearchedError
            data["selection"] = control.selection
            found |= own.training
        return {cell.name: {"data": data, "training": {**found, **plan.training}}}

    def evaluation_of(self, cell: Cell) -> dict[str, Any]:
        """What a cell's evaluation has instead of the design's."""
        return {} if cell.arm == BASE else self.arms[cell.arm].evaluation

    def trial_arm(self, arm: str, rows: int, shares: Shares, tuned: Tuned | None) -> dict[str, Any]:
        """An arm as the search tries it."""
        base = self.searching.run.rpartition("-")[0]
        data = {**self._data(base, arm, rows, shares), **self.arms[arm].data}
        if tuned is not None:
            data["selection"] = tuned.selection
        return {"data": data, "training": {**self.arms[arm].training, **(tuned.training if tuned is not None else {})}}

    def _data(self, base: str, arm: str, rows: int, shares: Shares) -> dict[str, Any]:
        sources = [{**source, "world": self.world(base)} for source in self.data["sources"]]
        replay = {"rows": round(self.replay * rows), "given": {"query.intent": "look"}}
        return {**self.data, "rows": rows, "replay": replay, "sources": sources, **shares.model_dump()}

    def digest(self, cell: Cell) -> str:
        """What a cell is made from: a result of anything else is not the cell's. Raises as :meth:`arms_of`."""
        arms = self.arms_of(cell)
        recipe = self.recipe(cell.base, cell.seed, arms, self.policy, None, self.evaluation_of(cell))
        made: dict[str, Any] = {
            "policy": self.compiled(cell.base).told_digest,
            "model": self.model_of(cell.base),
            "data": _said(recipe.data_of(cell.name)) if arms else None,
            "training": _said(recipe.training_of(cell.name)) if arms else None,
            "evaluation": _said(recipe.evaluation),
            "cell": cell.model_dump(mode="json"),
        }
        return sha256_bytes(canonical_json(made).encode())

    # Time --------------------------------------------------------------------------------------------------------
    def expected_seconds(self, cell: Cell) -> float:
        """What a cell is thought to take on an idle core."""
        if cell.arm == BASE:
            return self.seconds.answers.asking
        answers = self.arms[cell.arm].data.get("style") == "none"
        steps = self.training["max_steps"]
        if self.settings is not None:
            found = {GUARD: self.settings.guard, CONTROL: self.settings.control.get(cell.rows)}
            tuned_as = self.arms[cell.arm].settings_of or cell.arm
            steps = (found.get(tuned_as) or self.settings.stepwise).max_steps
        pace = self.seconds.answers if answers else self.seconds.reasoning
        return pace.asking + steps * pace.step


def _cell(run: str, arm: str, rows: int) -> Cell:
    base, _, seed = run.rpartition("-")
    return Cell(base=base, seed=int(seed), arm=arm, rows=rows)


def _said(part: Frozen) -> dict[str, Any]:
    """A part of a recipe without its defaults: a setting that is new in the package, and not used, changes nothing."""
    return part.model_dump(mode="json", exclude_defaults=True)


def read_design(path: Path = DESIGN, results: Path = RESULTS) -> Design:
    """The design, and the settings that the search put beside the results."""
    design = Design.model_validate({**yaml.safe_load(path.read_text(encoding="utf-8")), "folder": path.parent})
    file = results / "settings.json"
    if file.is_file():
        settings = Settings.model_validate_json(file.read_bytes())
        design = design.model_copy(update={"settings": settings})
    return design
