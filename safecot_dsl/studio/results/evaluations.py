"""The results of a run: its cases, every arm's answers, and their scores, which are worked out once and kept."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from safecot_dsl import __version__
from safecot_dsl.artifact import CaseError, CompiledPolicy, read_case
from safecot_dsl.dataset import DatasetError, open_dataset
from safecot_dsl.evaluation.asking.folder import AskedError, Failed, read_lines
from safecot_dsl.evaluation.items import EvalItem, ItemKind
from safecot_dsl.evaluation.score import ItemScore, score
from safecot_dsl.evaluation.summary import BASELINES, EvaluationSummary, arm_title, read_summary
from safecot_dsl.render import Reasoning, ReasoningStyle, Tags
from safecot_dsl.storage import write_whole
from safecot_dsl.studio.errors import StudioError, not_found
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.run_policy import RunPolicy
from safecot_dsl.studio.runs import OpenedLately, evaluation_state, file_stamp, is_mine, kept_files

#: Part of what names kept scores: raise it when a score means something else.
_VERSION = 1

_TEXTS = (
    *("id", "split", "kind", "prompt", "due", "must", "expected", "facts", "rules", "group", "source", "suite"),
    *("hazard", "system", "begun", "of", "change", "options", "accepts"),
)


class Evaluation:
    """The results of one run."""

    def __init__(self, folder: StudioFolder, path: Path) -> None:
        self.path = path
        compiled = CompiledPolicy.from_json((path / "policy.json").read_bytes())
        self.policy = RunPolicy(folder, compiled)
        self.summary: EvaluationSummary = read_summary(path / "summary.json")
        self._scores: dict[str, dict[str, ItemScore]] = {}
        self._lock = threading.Lock()
        self._begun = False

    @cached_property
    def items(self) -> tuple[EvalItem, ...]:
        """The cases, without their pictures. Raises :class:`StudioError` where they cannot be read."""
        return read_texts(self._items_path)

    @cached_property
    def by_id(self) -> dict[str, int]:
        """The number of each case."""
        return {item.id: number for number, item in enumerate(self.items)}

    @cached_property
    def pictures(self) -> tuple[int, ...]:
        """How many pictures each case has, from the lengths of the lists alone."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._items_path) as file:
            table = file.read(columns=["images.list.element.path"])
        return tuple(pc.list_value_length(table.column("images")).fill_null(0).to_pylist())  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def _items_path(self) -> Path:
        return self.path / "items" / "items.parquet"

    def picture(self, number: int, which: int) -> bytes:
        """A picture of a case, read with those of its row group.

        Raises:
            StudioError: the case has no such picture.
        """
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._items_path) as file:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if number < rows:
                    images = file.read_row_group(group, columns=["images"]).column("images")
                    return images[number].as_py()[which]["bytes"]
                number -= rows
        raise not_found("picture")

    @cached_property
    def near(self) -> dict[str, str]:
        """Of the cases that no rule decides, the rule that comes nearest, by the case's id."""
        found: dict[str, str] = {}
        for item in self.items:
            if item.rules == ("default",) and item.facts and not item.policy:
                try:
                    case = read_case(self.policy.compiled, json.loads(item.facts))
                except (CaseError, ValueError):
                    continue
                nearest = self.policy.interpreter.nearest_rule(case)
                if nearest is not None:
                    found[item.id] = nearest.rule.name
        return found

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms in the order in which they are shown."""
        return tuple(self.summary.arms)

    @property
    def tuned(self) -> tuple[str, ...]:
        """The arms that are no baselines."""
        return tuple(arm for arm in self.arms if arm not in BASELINES)

    def scores(self, arm: str) -> Mapping[str, ItemScore]:
        """The scores of an arm, by case. Raises :class:`StudioError` where its answers cannot be read."""
        with self._lock:
            if arm not in self._scores:
                self._scores[arm] = self._kept_scores(arm)
            return self._scores[arm]

    def score_soon(self) -> None:
        """Begin to work out the scores of every arm, so that they are at hand when they are asked for."""
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._score_all, name="scores", daemon=True).start()

    def _score_all(self) -> None:
        for arm in self.arms:
            try:
                self.scores(arm)
            except StudioError:
                continue

    def _kept_scores(self, arm: str) -> dict[str, ItemScore]:
        answers = self.path / "arms" / arm / "answers" / "answers.jsonl"
        style, tags, reasoning = self._reasoning_of(arm)
        told = [
            *(_VERSION, __version__, self.policy.compiled.told_digest, arm, style.value, tags.model_dump()),
            *(reasoning.model_dump(), file_stamp(answers), file_stamp(self._items_path)),
        ]
        stamp = hashlib.sha256(json.dumps(told).encode()).hexdigest()
        files = kept_files(self.path, f"{hashlib.sha256(arm.encode()).hexdigest()[:12]}.scores.jsonl")
        for file in files:
            found = _read_scores(file, stamp)
            if found is not None:
                return found
        scores = self._worked_out(arm, answers, style, tags, reasoning)
        text = json.dumps({"stamp": stamp}) + "\n" + "".join(f"{one.model_dump_json()}\n" for one in scores.values())
        for file in files:
            try:
                file.parent.mkdir(mode=0o700, exist_ok=True)
                write_whole(file, text.encode("utf-8", "replace"))
                break
            except OSError:
                continue
        return scores

    def _worked_out(
        self, arm: str, answers: Path, style: ReasoningStyle, tags: Tags, reasoning: Reasoning
    ) -> dict[str, ItemScore]:
        try:
            lines = read_lines(answers)
            texts = {key: line.text for key, line in lines.items() if not isinstance(line, Failed)}
            failed = {key: line for key, line in lines.items() if isinstance(line, Failed)}
            scored = score(
                self.policy.compiled, self.items, texts, tags, style=style, reasoning=reasoning, failed=failed
            )
        except (AskedError, ValueError) as error:
            said = str(error).replace(f"{self.path}/", "")
            raise StudioError(422, "broken", f"The answers of `{arm_title(arm)}` cannot be read: {said}.") from None
        return scored.items

    def _reasoning_of(self, arm: str) -> tuple[ReasoningStyle, Tags, Reasoning]:
        """How an arm's reasoning is read: as what it was tuned to write, by the recipe beside its rows."""
        tuned = [arm] if arm not in BASELINES and arm != "base" else []
        for name in (*tuned, self.summary.subject):
            data = self.path / "arms" / name / "data"
            try:
                recipe: dict[str, Any] = open_dataset(data).recipe.get("data", {})
                tags = Tags.model_validate(recipe.get("tags", {}))
                reasoning = Reasoning.model_validate(recipe.get("reasoning", {}))
            except (DatasetError, ValidationError, ValueError, OSError):
                continue
            style = recipe.get("style", "stepwise") if name == arm else "stepwise"
            return ReasoningStyle("stepwise" if style == "none" else style), tags, reasoning
        return ReasoningStyle.STEPWISE, Tags(), Reasoning()


class Evaluations:
    """The results of the runs that were asked for last."""

    def __init__(self, folder: StudioFolder) -> None:
        self._folder = folder
        self._open: OpenedLately[Evaluation] = OpenedLately(8)
        self._lock = threading.Lock()

    def open(self, run: str) -> Evaluation:
        """The results of a run. Raises :class:`StudioError`, with a sentence that says what is wrong with them."""
        path = self._folder.find(run)
        if not path.is_dir():
            raise not_found(run)
        stamp = tuple(file_stamp(path / name) for name in ("summary.json", "policy.json", "items/items.parquet"))
        with self._lock:
            found = self._open.get(path, stamp)
            if found is not None:
                return found
            state, message = evaluation_state(path)
            if state != "complete":
                raise StudioError(422, state, message or "These results cannot be opened.", path=run)
            try:
                opened = Evaluation(self._folder, path)
            except (ValidationError, ValueError, OSError):
                raise StudioError(
                    422, "other_version", "Its summary is of another version: `safecotc run` makes it again.", path=run
                ) from None
            return self._open.put(path, stamp, opened)


def read_texts(path: Path) -> tuple[EvalItem, ...]:
    """The cases of a file, without their pictures: those of large suites are gigabytes.

    Raises:
        StudioError: the file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = [name for name in _TEXTS if name in file.schema_arrow.names]
            rows = file.read(columns=names).to_pylist()
        found: list[EvalItem] = []
        for row in rows:
            row |= {name: tuple(row.get(name) or ()) for name in ("rules", "options", "accepts")}
            found.append(EvalItem.model_validate(row))
    except (OSError, pa.ArrowException, ValidationError) as error:
        raise StudioError(422, "broken", f"The cases of this run cannot be read: {type(error).__name__}.") from None
    return tuple(found)


def suite_of(item: EvalItem) -> str:
    """The suite that a case belongs to, or its split."""
    return item.suite or item.split


def is_policy_case(item: EvalItem) -> bool:
    """Whether a verdict is due, or a refusal or an answer."""
    return item.kind is ItemKind.POLICY


def _read_scores(path: Path, stamp: str) -> dict[str, ItemScore] | None:
    try:
        if not is_mine(path):
            return None
        lines: Sequence[str] = path.read_text(encoding="utf-8").split("\n")
        if json.loads(lines[0]).get("stamp") != stamp:
            return None
        found = [ItemScore.model_validate_json(line) for line in lines[1:] if line]
    except (OSError, ValueError, IndexError):
        return None
    return {one.id: one for one in found}
