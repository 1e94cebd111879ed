"""The study's design: which cells there are, and the recipe of each run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from safecot_dsl.artifact import canonical_json
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.pipeline import Recipe
from safecot_dsl.storage import sha256_bytes

HERE = Path(__file__).parent
DESIGN = HERE / "study.yaml"
BASE, GUARD = "base", "guard"
MAIN = ("a", "b", "c")  # the bases that figures are over, unless they say otherwise


class Base(Frozen):
    """A base model, and the world in which it is tuned and asked."""

    model: str | dict[str, Any]
    world: int


class ArmPlan(Frozen):
    """A way of tuning, at these numbers of rows, on these bases: at `rows` with every seed of a base, at `more` with
    the first seed of the main ones. `steps` are those of a number of rows that needs more than the others."""

    rows: tuple[int, ...]
    more: tuple[int, ...] = ()
    steps: dict[int, int] = Field(default_factory=dict)
    bases: tuple[str, ...] = MAIN
    data: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(sorted((*self.rows, *self.more)))


class GuardPlan(Frozen):
    """Whose rows the classifier learns from, and what of that arm's training is another for it."""

    of: str
    rows: int
    training: dict[str, Any] = Field(default_factory=dict)

    @property
    def arm(self) -> str:
        """That arm's name in the recipe of a run."""
        return f"{self.of}-{self.rows}"


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


class Design(Frozen):
    """`study.yaml`."""

    policy: str
    bases: dict[str, Base]
    seeds: dict[str, tuple[int, ...]]
    replay: float
    data: dict[str, Any]
    training: dict[str, Any]
    evaluation: dict[str, Any]
    arms: dict[str, ArmPlan]
    guard: GuardPlan

    def cells(self) -> list[Cell]:
        """All cells, in the order in which they are best done: one size of every arm first, for an early answer."""
        found = [Cell(base=base, seed=seed, arm=BASE, rows=0) for base, seeds in self.seeds.items() for seed in seeds]
        found += [
            Cell(base=base, seed=seed, arm=arm, rows=rows)
            for arm, plan in self.arms.items()
            for rows in plan.sizes
            for base in plan.bases
            for seed in (self.seeds[base] if rows in plan.rows else self.seeds[base][: base in MAIN])
        ]
        teacher = self.arms[self.guard.of]
        found += [
            Cell(base=base, seed=seed, arm=GUARD, rows=self.guard.rows)
            for base in teacher.bases
            for seed in self.seeds[base]
        ]
        return sorted(found, key=lambda cell: (cell.rows not in (0, 256), cell.seed, cell.rows, cell.base, cell.arm))

    def recipe(self, base: str, seed: int) -> Recipe:
        """The recipe of a base and a seed: every arm at every size."""
        arms = {
            f"{name}-{rows}": {"data": self._data(base, plan, rows), "training": plan.training | _steps(plan, rows)}
            for name, plan in self.arms.items()
            if base in plan.bases
            for rows in plan.sizes
        }
        first = next(iter(arms.values()))
        return Recipe.model_validate(
            {
                "name": f"study-{base}-{seed}",
                "policy": self.policy,
                "seed": seed,
                "model": self.bases[base].model,
                "data": first["data"],
                "training": self.training,
                "arms": arms,
                "evaluation": self.evaluation,
            }
        )

    def digest(self, cell: Cell, policy: str) -> str:
        """What a cell is made from under the policy of this digest: a result of anything else is not the cell's."""
        recipe = self.recipe(cell.base, cell.seed)
        arm = {BASE: None, GUARD: self.guard.arm}.get(cell.arm, cell.name)
        made: dict[str, Any] = {
            "policy": policy,
            "base": self.bases[cell.base].model_dump(mode="json"),
            "data": _said(recipe.data_of(arm)) if arm else None,
            "training": _said(recipe.training_of(arm)) if arm else None,
            "evaluation": _said(recipe.evaluation),
            "cell": cell.model_dump(mode="json"),
        }
        if cell.arm == GUARD:
            made["guard"] = self.guard.model_dump(mode="json")
        return sha256_bytes(canonical_json(made).encode())

    def _data(self, base: str, plan: ArmPlan, rows: int) -> dict[str, Any]:
        sources = [{**source, "world": self.bases[base].world} for source in self.data["sources"]]
        replay = {"rows": round(self.replay * rows), "given": {"query.intent": "look"}}
        return {**self.data, "rows": rows, "replay": replay, **plan.data, "sources": sources}


def _steps(plan: ArmPlan, rows: int) -> dict[str, int]:
    steps = plan.steps.get(rows)
    return {} if steps is None else {"max_steps": steps, "save_steps": steps}


def _said(part: Frozen) -> dict[str, Any]:
    """A part of a recipe without its defaults: a setting that is new in the package, and not used, changes nothing."""
    return part.model_dump(mode="json", exclude_defaults=True)


def read_design(path: Path = DESIGN) -> Design:
    return Design.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
