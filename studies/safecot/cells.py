"""One cell: rows, training, answers and scores, each a stage of the pipeline that is not repeated."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from safecot_dsl.artifact import Verdict, canonical_json
from safecot_dsl.evaluation import EvalItem, ItemKind, Scored, read_answers, read_items, score, write_items
from safecot_dsl.evaluation.asking.ask import ask
from safecot_dsl.models import load_model
from safecot_dsl.pipeline import Run
from safecot_dsl.storage import Progress, run_stage, sha256_file, write_whole
from safecot_dsl.training import TrainingResult, train
from studies.safecot.design import BASE, DESIGN, GUARD, Cell, Design
from studies.safecot.results import Result, RunItems, as_dict, items_of, result_of
from studies.safecot.search import Search, Trial, Tried
from studies.safecot.validation import ATTACKED, CASES, UNKNOWN, share_right, validation_items


def build_model(design: Design, base: str, out: Path, progress: Progress, path: Path = DESIGN) -> Path:
    """The folder of a base's model, which is trained first where it is not there."""
    owner = design.owner(base)
    recipe = design.recipe(owner, 0, {}, _policy_file(design, owner, out), None)
    return Path(Run(recipe, path, out / "models" / owner, progress).model).absolute()


class CellRun:
    """The cells of one base and seed, in a folder of their own."""

    def __init__(
        self, design: Design, base: str, seed: int, out: Path, progress: Progress, path: Path = DESIGN
    ) -> None:
        """`path` is the design's file, which its paths are relative to."""
        self.design, self.base, self.seed, self.out, self.path = design, base, seed, out, path
        self.progress = progress
        self.model = str(build_model(design, base, out, progress, path))

    def prepare(self) -> RunItems:
        """Draw what the run's arms are asked, and ask the base."""
        run = self._run({})
        run.answers(BASE)
        return items_of(run.items)

    def result(self, cell: Cell) -> Result:
        """Do the cell."""
        began = time.monotonic()
        trained: dict[str, float] = {}
        arms = self.design.arms_of(cell)
        if cell.arm == GUARD:
            run = self._run({cell.name: arms[cell.name]})
            made, scored = self._guarded(run, cell.name)
            trained = as_dict(made)
        else:
            run = self._run(arms, evaluation=self.design.evaluation_of(cell))
            if arms:
                trained = as_dict(run.train(cell.name))
            scored = run.scored(cell.name, read_answers(run.answers(cell.name)))
        seconds = time.monotonic() - began
        return result_of(cell, self.design.digest(cell), run.items, scored, trained, seconds)

    def tried(self, trial: Trial, search: Search) -> Tried:
        """Make a trial of the search."""
        began = time.monotonic()
        name = trial.name
        arm = None if trial.arm == BASE else self.design.trial_arm(trial.arm, trial.rows, trial.shares, trial.tuned)
        run = self._run({} if arm is None else {name: arm}, "search")
        items = self._validation()
        adapter = None
        if arm is not None:
            adapter = (self._labelled(run, name) if trial.arm == GUARD else run.train(name)).adapter
        if trial.arm == GUARD:
            answers = self._asked(run, BASE, None, items)
            answers = self._behind_guard(run, answers, self._asked(run, name, adapter, items, tokens=4))
        else:
            answers = self._asked(run, name if arm is not None else BASE, adapter, items)
        style, tags, reasoning = run.reasoning_of(name)
        scores = score(run.policy, items, answers, tags, style=style, reasoning=reasoning).items
        right = {item.id: scores[item.id].right for item in items}

        def refused(must: str) -> float:
            found = [scores[item.id].refused for item in items if item.split == CASES and item.must == must]
            return sum(found) / len(found)

        return Tried(
            trial=trial,
            digest=search.digest(trial),
            seconds=time.monotonic() - began,
            verdicts=share_right(items, right, CASES),
            attacked=share_right(items, right, ATTACKED),
            unknown=share_right(items, right, UNKNOWN),
            safe_refusal=refused("refuse"),
            over_refusal=refused("comply"),
            utility=share_right(items, right, CASES, ItemKind.UTILITY),
        )

    def prepare_search(self) -> None:
        """Draw the validation items, and ask the base."""
        self._asked(self._run({}, "search"), BASE, None, self._validation())

    def _run(
        self, arms: dict[str, dict[str, Any]], folder: str | None = None, evaluation: dict[str, Any] | None = None
    ) -> Run:
        policy = _policy_file(self.design, self.base, self.out)
        recipe = self.design.recipe(self.base, self.seed, arms, policy, self.model, evaluation or {})
        return Run(recipe, self.path, self.out / (folder or f"{self.base}-{self.seed}"), self.progress)

    def _validation(self) -> list[EvalItem]:
        policy, plan = self.design.compiled(self.base), self.design.searching
        world = self.design.world(self.base)

        def work(folder: Path) -> None:
            items = validation_items(policy, plan, world=world, seed=self.seed, progress=self.progress)
            write_items(folder / "items.parquet", items)

        inputs = {
            "policy": policy.told_digest,
            "plan": canonical_json(plan.model_dump(mode="json")),
            "seed": str(self.seed),
        }
        stage = run_stage(self.out / "search" / "validation", inputs, work, progress=self.progress)
        return list(read_items(stage.directory / "items.parquet"))

    def _asked(
        self, run: Run, name: str, adapter: Path | None, items: Sequence[EvalItem], tokens: int | None = None
    ) -> dict[str, str]:
        """The answers to items that are not the run's own."""
        settings = run.recipe.evaluation

        def work(folder: Path) -> None:
            ask(
                load_model(self.model, adapter),
                items,
                folder / "answers.jsonl",
                batch_size=settings.batch_size,
                max_new_tokens=tokens or settings.max_new_tokens,
                progress=self.progress,
                description=f"{name}: answering",
            )

        inputs = {
            "items": sha256_file(self.out / "search" / "validation" / "stage.json"),
            "model": self.model,
            "adapter": sha256_file(adapter / "adapter_model.safetensors") if adapter is not None else "",
        }
        stage = run_stage(run.out / "arms" / name / "validation", inputs, work, progress=self.progress)
        return read_answers(stage.directory / "answers.jsonl")

    # The guard -----------------------------------------------------------------------------------------------------
    def _guarded(self, run: Run, arm: str) -> tuple[TrainingResult, Scored]:
        """The base's answers, but for what a classifier refuses."""
        made = self._labelled(run, arm)
        asked = [item for item in run.items if item.kind is not ItemKind.PERCEPTION]

        def judge(out: Path) -> None:
            ask(
                load_model(self.model, made.adapter),
                asked,
                out / "answers.jsonl",
                batch_size=run.recipe.evaluation.batch_size,
                max_new_tokens=4,
                progress=self.progress,
                description="guard: judging",
            )

        folder = run.out / "arms" / arm / "judged"
        inputs = {
            "adapter": sha256_file(made.adapter / "adapter_model.safetensors"),
            "items": sha256_file(run.out / "items" / "stage.json"),
        }
        run_stage(folder, inputs, judge, progress=self.progress)
        base = read_answers(run.answers(BASE))
        return made, run.scored(BASE, self._behind_guard(run, base, read_answers(folder / "answers.jsonl")))

    def _labelled(self, run: Run, arm: str) -> TrainingResult:
        """The classifier: tuned on the verdicts of an arm's rows."""
        rows, _ = run.generate(arm)
        folder = run.out / "arms" / arm
        labels = _stage_of_labels(rows, folder / "labels", self.progress)
        return train(
            labels,
            self.model,
            folder / "adapter",
            run.recipe.training_of(arm).model_copy(update={"seed": self.seed}),
            policy_digest=run.policy.digest,
            data_digest=sha256_file(labels),
            progress=self.progress,
        )

    @staticmethod
    def _behind_guard(run: Run, base: Mapping[str, str], judged: Mapping[str, str]) -> dict[str, str]:
        says = run.policy.verdict_phrases[Verdict.REFUSE].say[0]
        refused = {key for key, answer in judged.items() if answer.strip() == Verdict.REFUSE.value}
        return {key: says if key in refused else answer for key, answer in base.items()}


def _policy_file(design: Design, base: str, out: Path) -> str:
    """The policy of a base as a file: one that was reordered is written first."""
    own = design.bases[base]
    if own.reordered:
        file = out / "policies" / f"{base}.json"
        text = design.compiled(base).to_json()
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, text)
        return str(file.absolute())
    if own.policy is None and own.of is not None:
        return _policy_file(design, own.of, out)
    return own.policy or design.policy


def _stage_of_labels(rows: Path, out: Path, progress: Progress) -> Path:
    """The rows of a data set with their verdict as the completion: `refuse`, or `comply` for every other."""

    def work(folder: Path) -> None:
        tables = [pq.read_table(file) for file in sorted((rows / "data").glob("train-*.parquet"))]
        table = pa.concat_tables(tables)
        verdicts: Sequence[str] = table.column("verdict").to_pylist()
        words = ["refuse" if verdict == "refuse" else "comply" for verdict in verdicts]
        place = table.column_names.index("completion")
        pq.write_table(table.set_column(place, "completion", pa.array(words)), folder / "rows.parquet")

    run_stage(out, {"rows": sha256_file(rows / "stage.json")}, work, progress=progress)
    return out / "rows.parquet"
