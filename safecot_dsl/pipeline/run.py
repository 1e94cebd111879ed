"""A recipe at work: what it works with, and its stages, each in a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy, canonical_json
from safecot_dsl.datafiles import shipped_model
from safecot_dsl.dataset import DatasetReport, Workers
from safecot_dsl.evaluation import EvalItem, EvaluationSummary, Scored, score
from safecot_dsl.models import VisionLanguageModel, load_model
from safecot_dsl.models.folder import check_model_folder
from safecot_dsl.models.naming import parse_model
from safecot_dsl.pipeline.answers import ask_arm, make_answers
from safecot_dsl.pipeline.asked import make_items, world_of
from safecot_dsl.pipeline.data import generate_data, generate_data_shard
from safecot_dsl.pipeline.evaluating import evaluate_arms, held_out_splits
from safecot_dsl.pipeline.recipe import Recipe, RecipeError
from safecot_dsl.pipeline.stages import MEANING, make_stage, refuse_others_run
from safecot_dsl.pipeline.training import train_arm
from safecot_dsl.render import Reasoning, ReasoningStyle, Tags
from safecot_dsl.storage import Progress, Stage
from safecot_dsl.storage.secrets import command_line
from safecot_dsl.training import TrainingResult
from safecot_dsl.workspace import compile_policy


class Run:
    """A recipe at work in a folder: `policy.json`, `base/`, `items/`, `arms/NAME/{data,adapter,answers}/`,
    `summary.json`, `report.html`."""

    def __init__(
        self, recipe: Recipe, path: Path, out: Path, progress: Progress, overrides: Mapping[str, str] | None = None
    ) -> None:
        """`path` is the recipe's file: its folder is what the recipe's paths are relative to. `overrides` are those
        that the recipe was read with; they belong to the commands that cards give."""
        self.recipe = recipe
        self.path = path
        self.base_dir = path.parent
        self.out = out
        self.progress = progress
        self._out_is_ours = False
        self._overrides = [part for key, value in (overrides or {}).items() for part in ("--set", f"{key}={value}")]

    @property
    def policy_path(self) -> Path:
        return self.base_dir / self.recipe.policy

    @cached_property
    def policy(self) -> CompiledPolicy:
        """The compiled policy."""
        return compile_policy(self.policy_path, self.recipe.params)

    @cached_property
    def model(self) -> str:
        """The base model's folder or hub id; the miniature's is built first.

        Raises:
            RecipeError: the recipe names no model.
            ModelError: the folder is none of a model.
        """
        if self.recipe.model is None:
            raise RecipeError(f"{self.path}: `model` is missing: a model folder, a hub id, or `{{miniature: {{}}}}`")
        miniature = self.recipe.miniature
        if miniature is None:
            given = str(self.recipe.model)
            folder = self.base_dir / given
            if not folder.is_dir():
                shipped = shipped_model(given)
                if shipped is None:
                    parse_model(given)  # what is wrong with the name is said before an hour of work on data for it
                    return given
                folder = shipped
            check_model_folder(folder)
            return str(folder)
        from safecot_dsl.miniature import build_base, taught_digest

        steps = {k: v for k, v in miniature.model_dump(exclude={"seed"}).items() if v is not None}

        def work(folder: Path) -> None:
            build_base(self.policy, folder / "model", seed=miniature.seed, progress=self.progress, **steps)

        inputs = {
            "policy": taught_digest(self.policy),
            "base": canonical_json(miniature.model_dump()),
            "meaning": MEANING,
        }
        return str(self.stage(self.out / "base", inputs, work).directory / "model")

    def stage(self, directory: Path, inputs: dict[str, str], work: Callable[[Path], None]) -> Stage:
        """A stage of this run; see :func:`~safecot_dsl.pipeline.stages.make_stage`."""
        if not self._out_is_ours:
            refuse_others_run(self.out, self.policy.to_json().encode())
            self._out_is_ours = True
        return make_stage(directory, inputs, work, self.progress)

    def command(self, verb: str, *options: str) -> str:
        """The command that does this again."""
        return command_line([verb, self.path.name, *options, *self._overrides])

    @property
    def answer_settings(self) -> dict[str, int]:
        """How an arm, or the model before tuning, is made to answer."""
        settings = self.recipe.evaluation
        clean = {"clean_requests": True} if settings.clean_requests else {}
        return {"max_new_tokens": settings.max_new_tokens, "batch_size": settings.batch_size, **clean}

    @cached_property
    def base(self) -> VisionLanguageModel:
        """The model before tuning."""
        return load_model(self.model)

    # Data and training ------------------------------------------------------------------------------------------
    def generate(self, arm: str, workers: Workers | None = None) -> tuple[Path, DatasetReport]:
        """The data set of an arm, in `arms/ARM/data`."""
        return generate_data(self, arm, workers)

    def generate_shard(self, arm: str, shard: int, shards: int, workers: Workers | None = None) -> tuple[int, int]:
        """The parts of shard `shard` (from 1) of `shards` of an arm's data set: how many parts are there now, and how
        many there must be before :meth:`generate` has nothing more to do than to join them."""
        return generate_data_shard(self, arm, shard, shards, workers)

    def train(self, arm: str) -> TrainingResult:
        """The adapter of an arm, in `arms/ARM/adapter`; the arm that it starts from is trained first, and its data are
        made by the first process alone."""
        return train_arm(self, arm)

    # Evaluation -------------------------------------------------------------------------------------------------
    @cached_property
    def world(self) -> int | None:
        """The miniature's world that the arms learn in, None where they learn elsewhere."""
        return world_of(self)

    @cached_property
    def items(self) -> tuple[EvalItem, ...]:
        """What every arm is asked, in `items/items.parquet`: the splits of the miniature world, where the arms learn in
        it, the suites, and the requests that are held back."""
        return make_items(self)

    def answers(self, arm: str) -> Path:
        """The raw answers of an arm, in `arms/ARM/answers`; the arm is trained first where it is a trained one."""
        return make_answers(self, arm)

    def ask(self, arm: str, items: Sequence[EvalItem], folder: Path, doing: str) -> dict[str, str]:
        """The answers of an arm that is trained already, by item, kept in the folder's `answers.jsonl`."""
        return ask_arm(self, arm, items, folder, doing)

    def scored(self, arm: str, answers: Mapping[str, str]) -> Scored:
        """The answers of an arm, by item, scored as what it was tuned to write."""
        style, tags, reasoning = self.reasoning_of(arm)
        return score(self.policy, self.items, answers, tags, style=style, reasoning=reasoning)

    def reasoning_of(self, arm: str) -> tuple[ReasoningStyle, Tags, Reasoning]:
        """How the reasoning of an arm is read: as what it was tuned to write."""
        data = self.recipe.data_of(arm) if arm in self.recipe.arms else self.recipe.data
        tuned_to_reason = arm in self.recipe.arms and data.style != "none"
        style = ReasoningStyle(data.style) if tuned_to_reason else ReasoningStyle.STEPWISE
        return style, data.tags, data.reasoning

    def held_out(self) -> tuple[str, ...]:
        """The splits that the headline pools: those of the miniature world, else those of the requests that are held
        back, else those of the suites."""
        return held_out_splits(self)

    def evaluate(self) -> EvaluationSummary:
        """Ask every arm, score the answers, write `summary.json`, `report.html` and `report.md`."""
        return evaluate_arms(self)
