"""From sources to a data set on disk: decide, select, answer, render, write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import Case, CaseError, CompiledPolicy
from safecot_dsl.artifact.case import read_value
from safecot_dsl.criteria import REQUIREMENT_BROKEN, grade
from safecot_dsl.dataset.candidates import Candidate, Judge, LeftOut, Rejected
from safecot_dsl.dataset.card import write_card
from safecot_dsl.dataset.examine import Answerer, Examiner, GenerateError
from safecot_dsl.dataset.recipe import DataRecipe, dump_recipe
from safecot_dsl.dataset.report import DatasetReport, Tally, left_out_reasons
from safecot_dsl.dataset.rows import build_row, render_candidate
from safecot_dsl.dataset.selection import Chosen, Selection, select_contrast, select_random, select_stratified
from safecot_dsl.dataset.writer import RowWriter
from safecot_dsl.diagnostics import closest
from safecot_dsl.engine import Interpreter
from safecot_dsl.facts import Item, Skipped, read_source
from safecot_dsl.storage import Progress, sha256_file, whole_directory, write_whole


def generate(
    policy: CompiledPolicy,
    recipe: DataRecipe,
    out: Path,
    *,
    seed: int,
    base_dir: Path,
    answerer: Answerer | None = None,
    name: str = "dataset",
    command: str | None = None,
    progress: Progress | None = None,
) -> DatasetReport:
    """Make the data set of `recipe` under `policy` in the folder `out`, which appears whole or not at all.

    The folder holds `train.parquet` and `trl.parquet` (columns: :mod:`safecot_dsl.dataset.schema`), the card
    `README.md`, `report.json`, `recipe.yaml` and `policy.json`. The same arguments give the same bytes; `answerer` must
    then be deterministic too. `seed` reaches every random choice. `base_dir` is the folder that the recipe's paths are
    relative to. `name` is what the card calls the data set, and `command` what it says to run to make it again.

    An item whose answer the policy leaves to the source gets the source's, else `answerer`'s. Everything that does
    not become a row is counted by reason in the report.

    Raises:
        FactsError: a source that cannot be read, or facts that do not fit the policy.
        GenerateError: there is no row to write; with `recipe.strict`, a row or an image that cannot be used.
    """
    _check_replay(policy, recipe)
    judge = Judge(Interpreter(policy), recipe.tags, recipe.unsure == "train", answerer is not None)
    left_out = LeftOut()
    examiner = Examiner(judge, left_out, recipe.strict, answerer, progress)
    job = _Job(policy, recipe, base_dir, seed, judge, examiner, left_out, progress)
    recipe_text = dump_recipe(recipe, name=name, policy="policy.json", seed=seed)
    pool = job.collect()
    selection = job.select(pool)
    if not selection.chosen:
        raise GenerateError(f"no item of the sources can become a row; left out: {left_out.summary()}")
    with whole_directory(out) as folder:
        written, tally = job.write(folder, selection)
        write_whole(folder / "policy.json", policy.to_json())
        write_whole(folder / "recipe.yaml", recipe_text)
        report = DatasetReport(
            name=name,
            policy=policy.header.name,
            policy_version=policy.header.version,
            policy_digest=policy.digest,
            seed=seed,
            command=command or "safecotc generate recipe.yaml",
            items=job.items,
            candidates=len(pool),
            not_selected=sum(c.key not in written and c.key not in job.unusable for c in pool),
            rows=tally.rows,
            verdicts=_sorted(tally.verdicts),
            sources=_sorted(tally.sources),
            licences=_sorted(tally.licences),
            splits=_sorted(tally.splits),
            rules=tally.rule_counts(policy),
            strata=tally.stratum_counts(Counter(candidate.stratum for candidate in pool)),
            left_out=left_out_reasons(left_out),
            short=selection.short,
            pairs={str(distance): count // 2 for distance, count in sorted(tally.distances.items())},
            read_as={due: _sorted(reads) for due, reads in sorted(tally.read_as.items())},
            answers_from_model=tally.answers_from_model,
            without_image=tally.without_image,
            notes=tally.notes(),
            files={file.name: sha256_file(file) for file in sorted(folder.iterdir())},
        )
        write_whole(folder / "report.json", report.model_dump_json(indent=2) + "\n")
        write_whole(folder / "README.md", write_card(policy, recipe, report, recipe_text))
    return report


def _check_replay(policy: CompiledPolicy, recipe: DataRecipe) -> None:
    given = recipe.replay.given if recipe.replay is not None else {}
    for name, value in given.items():
        fact = policy.fact_index.get(name)
        if fact is None:
            near = closest(name, policy.fact_index)
            hint = f"; did you mean `{near}`?" if near else ""
            raise GenerateError(f"`data.replay.given`: the policy declares no fact `{name}`{hint}")
        try:
            read_value(fact, value)
        except CaseError as error:
            raise GenerateError(f"`data.replay.given`: {error}") from None


def fits(case: Case, given: Mapping[str, str | bool]) -> bool:
    """Whether all these facts are known to have these values."""
    return all(case.known.get(name) == value for name, value in given.items())


@dataclass
class _Job:
    """The steps of one call of :func:`generate`, and what they count."""

    policy: CompiledPolicy
    recipe: DataRecipe
    base_dir: Path
    seed: int
    judge: Judge
    examiner: Examiner
    left_out: LeftOut
    progress: Progress | None
    items: int = 0
    unusable: set[str] = field(default_factory=set[str])
    near: dict[str, tuple[Candidate, ...]] = field(default_factory=dict[str, tuple[Candidate, ...]])

    def collect(self) -> list[Candidate]:
        """Decide every item of the sources; what cannot become a row is counted."""
        pool: list[Candidate] = []
        keys: Counter[str] = Counter()
        if self.progress is not None:
            self.progress.start("deciding", unit="items")
        for item in self._read():
            self.items += 1
            if self.progress is not None:
                self.progress.advance()
            if isinstance(item, Skipped):
                self._skip(item)
                continue
            keys[item.key] += 1
            judged = self.judge.judge(item, item.key if keys[item.key] == 1 else f"{item.key}#{keys[item.key]}")
            if isinstance(judged, Candidate):
                pool.append(judged)
            else:
                self.left_out.add(judged)
        return pool

    def _read(self) -> Iterator[Item | Skipped]:
        for source in self.recipe.sources:
            yield from read_source(source, self.policy, self.base_dir, seed=self.seed)

    def _skip(self, skipped: Skipped) -> None:
        detail = f"{skipped.source}/{skipped.id}: {skipped.detail}"
        if self.recipe.strict and skipped.reason != "not_wanted":
            raise GenerateError(f"{detail} (`strict: true`)")
        self.left_out.add(Rejected(skipped.reason, detail))

    def select(self, pool: Sequence[Candidate]) -> Selection:
        """Select and examine what was selected; what proves unusable is left out and the selection made again without
        it, until nothing falls out any more. What was examined is not examined twice."""
        while True:
            selection = self._select([c for c in pool if c.key not in self.unusable])
            fresh = [c.candidate for c in selection.chosen if c.candidate.key not in self.examiner.digests]
            failed = self.examiner.examine(fresh)
            if not failed:
                return selection
            self.unusable |= failed

    def _select(self, pool: Sequence[Candidate]) -> Selection:
        selection = self._selected(pool)
        replay = self.recipe.replay
        if replay is None:
            return selection
        taken = {chosen.candidate.key for chosen in selection.chosen}
        fitting = [c for c in pool if c.key not in taken and fits(c.item.case, replay.given)]
        drawn = select_random(fitting, rows=replay.rows, balance=None, seed=self.seed)
        missing = replay.rows - len(drawn.chosen)
        short = selection.short | ({"replayed requests": missing} if missing else {})
        return Selection((*selection.chosen, *drawn.chosen), short)

    def _selected(self, pool: Sequence[Candidate]) -> Selection:
        recipe = self.recipe
        match recipe.selection:
            case "random":
                return select_random(pool, rows=recipe.rows, balance=recipe.balance, seed=self.seed)
            case "stratified":
                return select_stratified(pool, rows=recipe.rows, balance=recipe.balance, seed=self.seed)
            case "contrast":
                return select_contrast(
                    pool, rows=recipe.rows, seed=self.seed, neighbours=self._neighbours, excluded=self.unusable
                )

    def _neighbours(self, candidate: Candidate) -> Sequence[Candidate] | None:
        make = candidate.item.neighbours
        if make is None:
            return None
        if candidate.key not in self.near:
            judged = (self.judge.judge(item, item.key) for item in make())
            self.near[candidate.key] = tuple(entry for entry in judged if isinstance(entry, Candidate))
        return self.near[candidate.key]

    def write(self, folder: Path, selection: Selection) -> tuple[set[str], Tally]:
        """Write the rows; the keys of the candidates written, and the counts."""
        tally, written = Tally(), set[str]()
        if self.progress is not None:
            self.progress.start("writing rows", len(selection.chosen), unit="rows")
        with RowWriter(folder / "train.parquet", folder / "trl.parquet") as writer:
            for chosen in selection.chosen:
                row = self._row(chosen, tally)
                if row is not None:
                    writer.add(row)
                    written.add(chosen.candidate.key)
                else:
                    self.unusable.add(chosen.candidate.key)
                if self.progress is not None:
                    self.progress.advance()
        if not written:
            raise GenerateError(f"every selected item was left out: {self.left_out.summary()}")
        return written, tally

    def _row(self, chosen: Chosen, tally: Tally) -> dict[str, Any] | None:
        candidate, recipe = chosen.candidate, self.recipe
        answer = self.examiner.answer(candidate)
        rendered, row_seed = render_candidate(self.judge.interpreter, candidate, answer, recipe, self.seed)
        images = self.examiner.images(candidate)
        from_model = candidate.key in self.examiner.answers
        row = build_row(
            self.policy,
            candidate,
            rendered,
            images,
            recipe,
            row_seed=row_seed,
            pair=chosen.pair,
            from_model=from_model,
        )
        decision = candidate.decision
        graded = grade(self.policy, row["answer"], due=decision.verdict, rules=decision.deciding)
        if graded.cls == REQUIREMENT_BROKEN:
            broken = ", ".join(rule for rule, met in graded.requirements.items() if met is False)
            self.left_out.add(Rejected("requirement_broken", f"{candidate.item.key}: {broken}"))
            return None
        tally.add(candidate, graded, distance=chosen.distance if chosen.pair else 0, from_model=from_model)
        return row


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))
