"""The stages, content-addressed: what is done for the same inputs is not done again, what was interrupted goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from safecot_dsl import __version__
from safecot_dsl.artifact import CompiledPolicy, canonical_json
from safecot_dsl.datafiles import shipped_model
from safecot_dsl.dataset import Answerer, DataRecipe, DatasetReport, Workers, generate, generate_shard
from safecot_dsl.dataset.conditioning import system_turn
from safecot_dsl.diagnostics import closest
from safecot_dsl.evaluation import (
    EvalItem,
    EvaluationSummary,
    Scored,
    ask,
    comply_with_everything,
    read_answers,
    read_curve,
    read_items,
    read_summary,
    refuse_everything,
    score,
    summarise,
    write_items,
    write_markdown,
    write_report,
    write_summary,
)
from safecot_dsl.facts.annotators.digest import annotators_digest
from safecot_dsl.facts.digest import source_digest
from safecot_dsl.models import Request, VisionLanguageModel, load_model
from safecot_dsl.models.folder import check_model_folder, model_digest
from safecot_dsl.models.naming import parse_model
from safecot_dsl.pipeline.disk import writing
from safecot_dsl.pipeline.faithfulness import effects_in, examine_arms
from safecot_dsl.pipeline.held_back import held_back_inputs, held_back_items, held_back_splits
from safecot_dsl.pipeline.items import miniature_items
from safecot_dsl.pipeline.recipe import Recipe, RecipeError
from safecot_dsl.pipeline.suites import suite_inputs, suite_items, suite_name
from safecot_dsl.pipeline.unseen import policies_of_no_arm, sources_input, told, unseen_inputs
from safecot_dsl.render import Reasoning, ReasoningStyle, Tags
from safecot_dsl.storage import Progress, Stage, run_stage, sha256_bytes, sha256_file, stage_inputs, write_whole
from safecot_dsl.storage.files import remove
from safecot_dsl.storage.secrets import command_line
from safecot_dsl.training import TrainingResult, train
from safecot_dsl.training.processes import first_alone
from safecot_dsl.workspace import compile_policy

#: Part of every stage's inputs: what the stages mean. Raise it when a stage's output changes for the same inputs.
MEANING = "3"

_BASELINES = {"refuse_everything": refuse_everything, "comply_with_everything": comply_with_everything}


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
        """The base model's folder or hub id; the miniature's is built first."""
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
        return str(self._stage(self.out / "base", inputs, work).directory / "model")

    def _stage(self, directory: Path, inputs: dict[str, str], work: Callable[[Path], None]) -> Stage:
        with writing(directory):
            return run_stage(directory, inputs, work, progress=self.progress)

    # Data and training ------------------------------------------------------------------------------------------
    def generate(self, arm: str, workers: Workers | None = None) -> tuple[Path, DatasetReport]:
        """The data set of an arm, in `arms/ARM/data`."""
        directory = self._data(arm)
        inputs = self._data_inputs(arm)
        pieces = self._pieces(directory, inputs)

        def work(folder: Path) -> None:
            made = folder / "rows"
            generate(
                out=made,
                name=self.recipe.name if arm == "safecot" else f"{self.recipe.name}, {arm}",
                command=self._command("generate", "--arm", arm),
                work=pieces,
                becomes=directory,
                previous=_before(directory, inputs),
                workers=workers,
                **self._making(arm),
            )
            for entry in made.iterdir():
                entry.replace(folder / entry.name)
            made.rmdir()

        self._stage(directory, inputs, work)
        for old in directory.parent.glob(f".{directory.name}.pieces-*"):
            remove(old)
        _write_changed(self.out / "policy.json", self.policy.to_json().encode())
        return directory, DatasetReport.model_validate_json((directory / "report.json").read_bytes())

    def generate_shard(self, arm: str, shard: int, shards: int, workers: Workers | None = None) -> tuple[int, int]:
        """The parts of shard `shard` (from 1) of `shards` of an arm's data set: how many parts are there now, and how
        many there must be before :meth:`generate` has nothing more to do than to join them."""
        directory = self._data(arm)
        pieces = self._pieces(directory, self._data_inputs(arm))
        with writing(directory):
            return generate_shard(work=pieces, shard=shard, shards=shards, workers=workers, **self._making(arm))

    def _data(self, arm: str) -> Path:
        return self.out / "arms" / arm / "data"

    def _pieces(self, directory: Path, inputs: Mapping[str, str]) -> Path:
        """Where the pieces of a data set are kept until they are joined: a folder for these inputs and no others."""
        name = sha256_bytes(canonical_json(dict(inputs)).encode()).removeprefix("sha256:")[:16]
        return directory.with_name(f".{directory.name}.pieces-{name}")

    def _making(self, arm: str) -> dict[str, Any]:
        """What makes the rows of an arm."""
        recipe = self.recipe.data_of(arm)
        return {
            "policy": self.policy,
            "recipe": recipe,
            "seed": self.recipe.seed,
            "base_dir": self.base_dir,
            "answerer": self._answerer(recipe),
            "answers": self._answers_inputs(recipe),
            "progress": self.progress,
            "cache": self.out / "cache",
            "policy_file": self.policy_path,
        }

    def _data_inputs(self, arm: str) -> dict[str, str]:
        recipe = self.recipe.data_of(arm)
        answers = self._answers_inputs(recipe)
        return {
            "policy": self.policy.told_digest,
            "data": canonical_json(recipe.model_dump(mode="json")),
            **self._reviews_inputs(recipe),
            **sources_input(recipe, self.policy),
            "seed": str(self.recipe.seed),
            "sources": ",".join(source_digest(source, self.base_dir) for source in recipe.sources),
            "annotators": annotators_digest(recipe.annotators, self.base_dir),
            "answers": answers,
            "flips": compile_policy(self.base_dir / recipe.flips).told_digest if recipe.flips is not None else "",
            "policies": ",".join(
                compile_policy(self.base_dir / other.policy, other.params).told_digest
                for other in recipe.named_policies
            ),
            "version": __version__,
            "meaning": MEANING,
        }

    def _reviews_inputs(self, recipe: DataRecipe) -> dict[str, str]:
        """The digest of the reviews that go into the rows, where there are any: what is missing `generate` says."""
        path = self.base_dir / recipe.reviews if recipe.reviews is not None else None
        return {"reviews": sha256_file(path)} if path is not None and path.is_file() else {}

    def _answers_inputs(self, recipe: DataRecipe) -> str:
        """The model that answers what the sources leave open, and its settings; empty where none is asked."""
        if self._answerer(recipe) is None:
            return ""
        return canonical_json({"model": model_digest(self.model), **self._answer_settings})

    def _command(self, verb: str, *options: str) -> str:
        return command_line([verb, self.path.name, *options, *self._overrides])

    @property
    def _answer_settings(self) -> dict[str, int]:
        settings = self.recipe.evaluation
        return {"max_new_tokens": settings.max_new_tokens, "batch_size": settings.batch_size}

    @cached_property
    def _base(self) -> VisionLanguageModel:
        """The model before tuning."""
        return load_model(self.model)

    def _answerer(self, recipe: DataRecipe) -> Answerer | None:
        """The base model's own answers, where the recipe names a model and a source has none."""
        if self.recipe.model is None or all(source.kind == "miniature" for source in recipe.sources):
            return None  # the miniature's samples carry the base's answers

        def answer(asked: list[tuple[str, tuple[bytes, ...]]]) -> list[str]:
            return self._base.generate(
                [Request(prompt=prompt, images=images) for prompt, images in asked],
                max_new_tokens=self.recipe.evaluation.max_new_tokens,
                batch_size=self.recipe.evaluation.batch_size,
            )

        return answer

    def train(self, arm: str) -> TrainingResult:
        """The adapter of an arm, in `arms/ARM/adapter`; the arm that it starts from is trained first, and its data are
        made by the first process alone."""
        training = self.recipe.training_of(arm)
        start = self._start(arm, training.start_from) if training.start_from is not None else None
        with first_alone():
            model = self.model
            data, _ = self.generate(arm)
        # What this arm comes from, and no more: a change of another arm leaves this one as it is.
        made_by = self.recipe.model_copy(update={"data": self.recipe.data_of(arm), "training": training})
        directory = self.out / "arms" / arm / "adapter"
        with writing(directory):
            return train(
                data,
                model,
                directory,
                training.model_copy(update={"seed": self.recipe.seed}),
                policy_digest=self.policy.digest,
                data_digest=_digest_of_stage(data),
                policy=self.policy,
                start_from=start,
                tags=self.recipe.data_of(arm).tags,
                reasoning=self.recipe.data_of(arm).reasoning,
                recipe_json=canonical_json(
                    made_by.model_dump(mode="json", exclude={"arms", "evaluation", "description"}) | {"arm": arm}
                ),
                progress=self.progress,
            )

    def _start(self, arm: str, named: str) -> Path:
        """The adapter that an arm starts from: another arm's, or that of a folder."""
        if named in self.recipe.arms:
            return self.train(named).adapter
        folder = self.base_dir / named
        if not folder.is_dir():
            near = closest(named, self.recipe.arms)
            raise RecipeError(
                f"{self.path}: the arm `{arm}` starts from `{named}`, which is neither an arm nor an adapter's folder "
                f"(the arms are {', '.join(self.recipe.arms)})" + (f"; did you mean `{near}`?" if near else "")
            )
        return folder

    # Evaluation -------------------------------------------------------------------------------------------------
    @cached_property
    def world(self) -> int | None:
        """The miniature's world that the arms learn in, None where they learn elsewhere."""
        worlds = {
            s.world for arm in self.recipe.arms for s in self.recipe.data_of(arm).sources if s.kind == "miniature"
        }
        settings = self.recipe.evaluation
        if len(worlds) > 1:
            raise RecipeError(f"{self.path}: the arms' sources name several miniature worlds, and evaluation is of one")
        if not (worlds or settings.suites or settings.sources):
            raise RecipeError(
                f"{self.path}: there is nothing to ask, since no source is the miniature's: give `evaluation.suites`, "
                "or `evaluation.sources` with requests of your own that are held back"
            )
        return next(iter(worlds), None)

    @cached_property
    def items(self) -> tuple[EvalItem, ...]:
        """What every arm is asked, in `items/items.parquet`: the splits of the miniature world, where the arms learn in
        it, the suites, and the requests that are held back."""
        settings, world, seed = self.recipe.evaluation, self.world, self.recipe.seed
        annotators = self.recipe.data.annotators

        def work(folder: Path) -> None:
            items: list[EvalItem] = []
            if world is not None:
                items += miniature_items(self.policy, settings, world=world, seed=seed, progress=self.progress)
            items += suite_items(
                self.policy,
                settings.suites,
                folder,
                base_dir=self.base_dir,
                world=world,
                seed=seed,
                progress=self.progress,
                policies=lambda: policies_of_no_arm(
                    self.recipe, self.policy, self.base_dir, self.out / "cache" / "policies"
                ),
            )
            items += held_back_items(
                self.policy,
                settings.sources,
                annotators,
                folder,
                base_dir=self.base_dir,
                cache=self.out / "cache",
                seed=seed,
                progress=self.progress,
            )
            write_items(folder / "items.parquet", items)

        inputs = {
            "policy": self.policy.told_digest,
            "splits": canonical_json({name: split.model_dump() for name, split in settings.splits.items()}),
            "world": str(world),
            "seed": str(seed),
            "meaning": MEANING,
            **suite_inputs(settings.suites, self.base_dir),
            **unseen_inputs(self.recipe, self.policy),
            **held_back_inputs(settings.sources, annotators, self.base_dir),
        }
        return read_items(self._stage(self.out / "items", inputs, work).directory / "items.parquet")

    def answers(self, arm: str) -> Path:
        """The raw answers of an arm, in `arms/ARM/answers`; the arm is trained first where it is a trained one."""
        items, adapter = self.items, self.train(arm).adapter if arm in self.recipe.arms else None
        model, system = None if arm in _BASELINES else self.model, self._system(arm)

        def work(folder: Path) -> None:
            self.ask(arm, items, folder, "answering")

        inputs = {
            "items": _digest_of_stage(self.out / "items"),
            "model": model_digest(model) if model is not None else arm,
            "policy": self.policy.digest if model is None else "",
            "adapter": _digest_of_stage(adapter) if adapter is not None else "",
            "settings": canonical_json(self._answer_settings),
            "system": sha256_bytes(system.encode()) if system else "",
            "meaning": MEANING,
        }
        return self._stage(self.out / "arms" / arm / "answers", inputs, work).directory / "answers.jsonl"

    def ask(self, arm: str, items: Sequence[EvalItem], folder: Path, doing: str) -> dict[str, str]:
        """The answers of an arm that is trained already, by item, kept in the folder's `answers.jsonl`."""
        system = self._system(arm)
        data = self.recipe.data_of(arm) if arm in self.recipe.arms else None
        adapter = self.out / "arms" / arm / "adapter" if arm in self.recipe.arms else None
        return ask(
            _BASELINES[arm](self.policy) if arm in _BASELINES else load_model(self.model, adapter),
            [told(item, self.policy, data, system) for item in items],
            folder / "answers.jsonl",
            batch_size=self.recipe.evaluation.batch_size,
            max_new_tokens=self.recipe.evaluation.max_new_tokens,
            progress=self.progress,
            description=f"{arm}: {doing}",
        )

    def _system(self, arm: str) -> str:
        """What an arm's system turn holds where an item has none of its own: what its training rows had there."""
        data = self.recipe.data_of(arm) if arm in self.recipe.arms else None
        return system_turn(self.policy, data) if data is not None else ""

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
        settings = self.recipe.evaluation
        if self.world is not None:
            return settings.held_out
        if settings.sources:
            return held_back_splits(self.items)
        wanted = {suite_name(entry, self.base_dir) for entry in settings.suites if entry.held_out}
        return tuple(dict.fromkeys(item.split for item in self.items if item.suite in wanted))

    def _hypothesis_split(self) -> str | None:
        """The split on which the hypothesis is judged; None where it is one of a miniature world that is not there."""
        named = self.recipe.evaluation.hypothesis_split
        present = sorted({item.split for item in self.items})
        if "/" in named and named not in present:
            raise RecipeError(
                f"{self.path}: `evaluation.hypothesis_split` is `{named}`; there are {', '.join(present)}"
            )
        return named if named in present else None

    def _origin(self, arm: str, answers: Path) -> dict[str, str]:
        """Where an arm's answers come from, for people."""
        model = self.recipe.model
        origin = {
            "Model": model if isinstance(model, str) else "the miniature base of this run",
            "Digest of the model": model_digest(self.model),
            "Items": sha256_file(self.out / "items" / "items.parquet"),
            "Answers": sha256_file(answers),
            "Settings": canonical_json(self._answer_settings),
        }
        if arm in self.recipe.arms:
            # Not the stage's: its card says how long training took, and equal runs have equal summaries.
            origin["Adapter"] = sha256_file(self.out / "arms" / arm / "adapter" / "adapter_model.safetensors")
        return origin

    def evaluate(self) -> EvaluationSummary:
        """Ask every arm, score the answers, write `summary.json`, `report.html` and `report.md`."""
        arms = ("base", *self.recipe.arms, *_BASELINES)
        paths = {arm: self.answers(arm) for arm in arms}
        settings = self.recipe.evaluation
        examined = examine_arms(self, {arm: path for arm, path in paths.items() if arm not in _BASELINES})
        held_out = self.held_out()
        report = self.out / "report"

        def work(folder: Path) -> None:
            self.progress.start("scoring", len(arms), unit="arms")
            scored: dict[str, Scored] = {}
            for arm, path in paths.items():
                scored[arm] = self.scored(arm, read_answers(path))
                self.progress.advance()
            summary = summarise(
                self.policy,
                self.items,
                scored,
                held_out=held_out,
                hypothesis_split=self._hypothesis_split(),
                reasoning_effects={arm: effects_in(stage) for arm, stage in examined.items()},
                provenance={arm: self._origin(arm, path) for arm, path in paths.items() if arm not in _BASELINES},
            )
            write_summary(folder / "summary.json", summary)
            shown: dict[str, Any] = {
                "policy": self.policy,
                "summary": summary,
                "scored": scored,
                "items": self.items,
                "command": self._command("run"),
                "created": datetime.now(UTC).date().isoformat(),
            }
            curves = {
                arm: read_curve(self.out / "arms" / arm / "adapter" / "metrics.jsonl") for arm in self.recipe.arms
            }
            write_report(
                folder / "report.html", curves=curves, examples=settings.examples, worst=settings.worst, **shown
            )
            write_markdown(folder / "report.md", worst_of_rule=min(settings.worst, 3), **shown)

        inputs = {
            **{f"answers of {arm}": _digest_of_stage(path.parent) for arm, path in paths.items()},
            **{f"adapter of {arm}": _digest_of_stage(self.out / "arms" / arm / "adapter") for arm in self.recipe.arms},
            **{f"faithfulness of {arm}": _digest_of_stage(stage) for arm, stage in examined.items()},
            "policy": self.policy.digest,
            "evaluation": canonical_json(settings.model_dump(mode="json")),
            "version": __version__,
            "meaning": MEANING,
        }
        self._stage(report, inputs, work)
        for name in ("summary.json", "report.html", "report.md"):
            _write_changed(self.out / name, (report / name).read_bytes())
        return read_summary(self.out / "summary.json")


def _before(directory: Path, inputs: Mapping[str, str]) -> Path | None:
    """The data set that stands in `directory`, where it was made from other inputs: a damaged one of the same inputs is
    made anew and nothing else."""
    made_from = stage_inputs(directory)
    return directory if made_from is not None and made_from != inputs else None


def _write_changed(path: Path, data: bytes) -> None:
    if not path.is_file() or path.read_bytes() != data:
        write_whole(path, data)


def _digest_of_stage(directory: Path) -> str:
    """The name of a finished stage's outputs, from its stamp."""
    return sha256_file(directory / "stage.json")
