"""One cell: rows, training, answers and scores, each a stage of the pipeline that is not repeated."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from safecot_dsl.artifact import Verdict
from safecot_dsl.evaluation import EvalItem, Kind, Scored, read_answers
from safecot_dsl.evaluation.asking.ask import ask
from safecot_dsl.models import load_model
from safecot_dsl.pipeline import Run
from safecot_dsl.storage import Progress, run_stage, sha256_file
from safecot_dsl.training import TrainingResult, train
from studies.safecot.design import BASE, DESIGN, GUARD, Cell, Design
from studies.safecot.results import Result, RunItems, as_dict, items_of, result_of


class CellRun:
    """The cells of one base and seed, in a folder of their own."""

    def __init__(self, design: Design, base: str, seed: int, out: Path, progress: Progress) -> None:
        self.design, self.base, self.seed = design, base, seed
        self.progress = progress
        # All seeds of a base share its model.
        model = Run(design.recipe(base, seed), DESIGN, out / base, progress).model
        recipe = design.recipe(base, seed).model_copy(update={"model": str(Path(model).absolute())})
        self.run = Run(recipe, DESIGN, out / f"{base}-{seed}", progress)

    @cached_property
    def items(self) -> tuple[EvalItem, ...]:
        return self.run.items

    def items_record(self) -> RunItems:
        return items_of(self.items, sha256_file(self.run.out / "items" / "stage.json"))

    def result(self, cell: Cell) -> Result:
        """Do the cell."""
        trained: dict[str, float] = {}
        if cell.arm == GUARD:
            made, scored = self._guarded()
            trained = as_dict(made)
        else:
            if cell.arm != BASE:
                trained = as_dict(self.run.train(cell.name))
            scored = self.run.scored(cell.name, read_answers(self.run.answers(cell.name)))
        return result_of(cell, self.design.digest(cell, self.run.policy.digest), self.items, scored, trained)

    def _guarded(self) -> tuple[TrainingResult, Scored]:
        """The base's answers, but for what a classifier refuses."""
        plan = self.design.guard
        arm = plan.arm
        folder = self.run.out / "arms" / f"{GUARD}-{plan.rows}"
        rows, _ = self.run.generate(arm)
        labels = _stage_of_labels(rows, folder / "data", self.progress)
        settings = self.run.recipe.training_of(arm).model_copy(update={"seed": self.seed, **plan.training})
        made = train(
            labels,
            self.run.model,
            folder / "adapter",
            settings,
            policy_digest=self.run.policy.digest,
            data_digest=sha256_file(labels),
            progress=self.progress,
        )
        asked = [item for item in self.items if item.kind is not Kind.PERCEPTION]

        def judge(out: Path) -> None:
            ask(
                load_model(self.run.model, made.adapter),
                asked,
                out / "answers.jsonl",
                batch_size=self.run.recipe.evaluation.batch_size,
                max_new_tokens=4,
                progress=self.progress,
                description="guard: judging",
            )

        inputs = {
            "adapter": sha256_file(made.adapter / "adapter_model.safetensors"),
            "items": sha256_file(self.run.out / "items" / "stage.json"),
        }
        run_stage(folder / "answers", inputs, judge, progress=self.progress)
        judged = read_answers(folder / "answers" / "answers.jsonl")
        says = self.run.policy.verdict_phrases[Verdict.REFUSE].say[0]
        base = read_answers(self.run.answers(BASE))
        refused = {key for key, answer in judged.items() if answer.strip() == Verdict.REFUSE.value}
        answers = {key: says if key in refused else answer for key, answer in base.items()}
        return made, self.run.scored(BASE, answers)


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
