"""From sources to a data set on disk: decide, select, answer, render, write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import CompiledPolicy, Verdict, canonical_json
from safecot_dsl.criteria import Grade, grade
from safecot_dsl.criteria.grading import REQUIREMENT_BROKEN
from safecot_dsl.dataset.candidates import Candidate, LeftOut, Stratum, answer_problem, collect, judge_item
from safecot_dsl.dataset.card import write_card
from safecot_dsl.dataset.recipe import DataRecipe, dump_recipe
from safecot_dsl.dataset.report import DatasetReport, LeftOutReason, RuleCount, StratumCount
from safecot_dsl.dataset.rows import build_row, render_candidate
from safecot_dsl.dataset.selection import (
    Chosen,
    Selection,
    select_contrast,
    select_random,
    select_stratified,
)
from safecot_dsl.dataset.writer import RowWriter
from safecot_dsl.engine import Interpreter
from safecot_dsl.facts import Item, Skipped, read_source
from safecot_dsl.models.images import ImageError, ImageFault, open_image
from safecot_dsl.storage import Progress, sha256_bytes, sha256_file, whole_directory, write_whole

#: The answers of a model before tuning, to requests with their encoded images: one each, in their order.
Answerer = Callable[[list[tuple[str, tuple[bytes, ...]]]], list[str]]


class GenerateError(ValueError):
    """No data set can be made: nothing usable in the sources, or (with `strict`) a row that cannot be used."""


def generate(
    policy: CompiledPolicy,
    recipe: DataRecipe,
    out: Path,
    *,
    seed: int | None = None,
    base_dir: Path,
    answerer: Answerer | None = None,
    command: str | None = None,
    progress: Progress | None = None,
) -> DatasetReport:
    """Make the data set of `recipe` under `policy` in the folder `out`, which appears whole or not at all.

    The folder holds `train.parquet` and `trl.parquet` (columns: :mod:`safecot_dsl.dataset.schema`), the card
    `README.md`, `report.json`, `recipe.yaml` and `policy.json`. The same arguments give the same bytes; `answerer` must
    then be deterministic too. `seed` is the recipe's where it is None. `base_dir` is the folder that the recipe's
    paths are relative to. `command` is what the card says to run to make it again.

    An item whose answer the policy leaves to the source gets the source's, else `answerer`'s. Everything that does
    not become a row is counted by reason in the report.

    Raises:
        FactsError: a source that cannot be read, or facts that do not fit the policy.
        GenerateError: there is no row to write; with `recipe.strict`, a row or an image that cannot be used.
    """
    seed = recipe.seed if seed is None else seed
    job = _Job(policy, Interpreter(policy), recipe, base_dir, seed, answerer, progress)
    pool = job.collect()
    selection = job.select(pool)
    if not selection.chosen:
        raise GenerateError("no item of the sources can become a row: " + _summary(job.left_out))
    recipe_text = dump_recipe(recipe.model_copy(update={"seed": seed}))
    with whole_directory(out) as folder:
        tally = job.write(folder, selection)
        write_whole(folder / "policy.json", policy.to_json())
        write_whole(folder / "recipe.yaml", recipe_text)
        names = ("policy.json", "recipe.yaml", "train.parquet", "trl.parquet")
        files = {name: sha256_file(folder / name) for name in names}
        report = job.report(pool, selection, tally, files, command or f"safecotc generate recipe.yaml --seed {seed}")
        write_whole(folder / "report.json", report.model_dump_json(indent=2) + "\n")
        write_whole(folder / "README.md", write_card(policy, recipe, report, recipe_text))
    return report


@dataclass
class _Tally:
    """Counts over the rows written."""

    rows: int = 0
    without_image: int = 0
    verdicts: Counter[str] = field(default_factory=Counter[str])
    sources: Counter[str] = field(default_factory=Counter[str])
    licences: Counter[str] = field(default_factory=Counter[str])
    splits: Counter[str] = field(default_factory=Counter[str])
    strata: Counter[Stratum] = field(default_factory=Counter[Stratum])
    deciding: Counter[str] = field(default_factory=Counter[str])
    read_as: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])

    def add(self, candidate: Candidate, graded: Grade) -> None:
        due = candidate.decision.verdict.value
        self.rows += 1
        self.without_image += not candidate.item.images
        self.verdicts[due] += 1
        self.sources[candidate.item.source] += 1
        self.licences[candidate.item.licence] += 1
        self.splits[candidate.item.split] += 1
        self.strata[candidate.stratum] += 1
        self.deciding.update(candidate.decision.deciding)
        self.read_as.setdefault(due, Counter())[str(graded.verdict)] += 1


@dataclass
class _Job:
    """The state of one call of :func:`generate`."""

    policy: CompiledPolicy
    interpreter: Interpreter
    recipe: DataRecipe
    base_dir: Path
    seed: int
    answerer: Answerer | None
    progress: Progress | None
    left_out: LeftOut = field(default_factory=LeftOut)
    items: int = 0
    answers: dict[str, str] = field(default_factory=dict[str, str])
    digests: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    near: dict[str, tuple[Candidate, ...] | None] = field(default_factory=dict[str, "tuple[Candidate, ...] | None"])

    # --- collect

    def collect(self) -> list[Candidate]:
        self._phase("deciding", None, "items")
        return collect(
            self._read(),
            self.interpreter,
            self.left_out,
            tags=self.recipe.tags,
            train_unsure=self.recipe.unsure == "train",
            has_answerer=self.answerer is not None,
            on_skipped=self._stop_if_strict,
            on_item=self._count_item,
        )

    def _read(self) -> Iterator[Item | Skipped]:
        for source in self.recipe.sources:
            yield from read_source(source, self.policy, self.base_dir, seed=self.seed)

    def _count_item(self) -> None:
        self.items += 1
        self._advance()

    def _stop_if_strict(self, skipped: Skipped) -> None:
        if self.recipe.strict and skipped.reason != "not_wanted":
            raise GenerateError(f"{skipped.source}/{skipped.id}: {skipped.reason}: {skipped.detail} (`strict: true`)")

    # --- select

    def select(self, pool: list[Candidate]) -> Selection:
        """Select, look at the images and get the answers of what was selected; what proves unusable is left out, and
        the selection is made again without it, until nothing falls out any more."""
        unusable: set[str] = set()
        signatures: dict[str, str] = {}
        while True:
            selection = self._select([c for c in pool if c.key not in unusable], unusable)
            fresh = [chosen.candidate for chosen in selection.chosen if chosen.candidate.key not in self.digests]
            failed = self._examine(fresh, signatures)
            failed |= self._answer([c for c in fresh if c.key not in failed])
            unusable |= failed
            if not failed:
                return selection

    def _select(self, pool: Sequence[Candidate], unusable: set[str]) -> Selection:
        rows, balance = self.recipe.rows, self.recipe.balance
        match self.recipe.selection:
            case "random":
                return select_random(pool, rows=rows, balance=balance, seed=self.seed)
            case "stratified":
                return select_stratified(pool, rows=rows, balance=balance, seed=self.seed)
            case "contrast":
                return select_contrast(pool, rows=rows, seed=self.seed, neighbours=self._neighbours, excluded=unusable)

    def _neighbours(self, candidate: Candidate) -> Sequence[Candidate] | None:
        if candidate.key not in self.near:
            make = candidate.item.neighbours
            if make is None:
                self.near[candidate.key] = None
            else:
                judged = [
                    judge_item(
                        self.interpreter,
                        item,
                        key=item.key,
                        tags=self.recipe.tags,
                        train_unsure=self.recipe.unsure == "train",
                        has_answerer=self.answerer is not None,
                    )
                    for item in make()
                ]
                self.near[candidate.key] = tuple(entry for entry in judged if isinstance(entry, Candidate))
        return self.near[candidate.key]

    def _examine(self, candidates: Sequence[Candidate], signatures: dict[str, str]) -> set[str]:
        """Open the images of the candidates; the keys of those that have a broken one, or are rows twice."""
        self._phase("opening images", len(candidates), "items")
        failed: set[str] = set()
        for candidate in candidates:
            self._advance()
            try:
                images = read_images(candidate.item)
                for data in images:
                    open_image(data)
            except ImageError as error:
                if self.recipe.strict:
                    raise GenerateError(f"{candidate.item.key}: {error} (`strict: true`)") from error
                self.left_out.add(f"image_{error.fault.name.lower()}", f"{candidate.item.key}: {error}")
                failed.add(candidate.key)
                continue
            digests = tuple(map(sha256_bytes, images))
            signature = canonical_json([candidate.item.prompt, digests, candidate.item.case.to_json()])
            first = signatures.setdefault(signature, candidate.key)
            if first != candidate.key:
                self.left_out.add("duplicate", f"{candidate.key} is {first} again")
                failed.add(candidate.key)
            else:
                self.digests[candidate.key] = digests
        return failed

    def _answer(self, candidates: Sequence[Candidate]) -> set[str]:
        """Ask the model for the answers that the source does not give; the keys of those that cannot be used."""
        asking = [c for c in candidates if c.needs_answer and c.item.answer is None and c.key not in self.answers]
        if not asking or self.answerer is None:
            return set()
        replies = self.answerer([(c.item.prompt, read_images(c.item)) for c in asking])
        if len(replies) != len(asking):
            raise GenerateError(f"the model gave {len(replies)} answers to {len(asking)} requests")
        failed: set[str] = set()
        for candidate, reply in zip(asking, replies, strict=True):
            problem = answer_problem(self.interpreter, candidate, reply, self.recipe.tags)
            if problem is not None:
                self.left_out.add(*problem)
                failed.add(candidate.key)
            else:
                self.answers[candidate.key] = reply
        return failed

    # --- write

    def write(self, folder: Path, selection: Selection) -> _Tally:
        self._phase("writing rows", len(selection.chosen), "rows")
        tally = _Tally()
        with RowWriter(folder / "train.parquet", folder / "trl.parquet") as writer:
            for chosen in selection.chosen:
                self._advance()
                row = self._row(chosen, tally)
                if row is not None:
                    writer.add(row)
        if not tally.rows:
            raise GenerateError("every selected item was left out: " + _summary(self.left_out))
        return tally

    def _row(self, chosen: Chosen, tally: _Tally) -> dict[str, Any] | None:
        candidate = chosen.candidate
        answer = self.answers.get(candidate.key, candidate.item.answer) if candidate.needs_answer else None
        rendered, row_seed = render_candidate(self.interpreter, candidate, answer, self.recipe, self.seed)
        images = read_images(candidate.item)
        if tuple(map(sha256_bytes, images)) != self.digests[candidate.key]:
            raise GenerateError(f"{candidate.item.key}: an image changed while the data set was made; run it again")
        row = build_row(self.policy, candidate, rendered, images, self.recipe, row_seed=row_seed, pair=chosen.pair)
        graded = grade(self.policy, row["answer"], due=candidate.decision.verdict, rules=candidate.decision.deciding)
        if graded.cls == REQUIREMENT_BROKEN:
            broken = ", ".join(rule for rule, met in graded.requirements.items() if met is False)
            self.left_out.add("requirement_broken", f"{candidate.item.key}: {broken}")
            return None
        tally.add(candidate, graded)
        return row

    # --- report

    def report(
        self, pool: Sequence[Candidate], selection: Selection, tally: _Tally, files: dict[str, str], command: str
    ) -> DatasetReport:
        available = Counter(candidate.stratum for candidate in pool)
        strata = sorted(available.keys() | tally.strata.keys(), key=_by_strictness)
        distances = Counter(chosen.distance for chosen in selection.chosen if chosen.pair)
        nearest: Counter[str] = Counter()
        speaking: Counter[str] = Counter()
        for stratum, count in tally.strata.items():
            nearest[stratum.nearest] += count
            speaking[stratum.speaker] += count
        return DatasetReport(
            name=self.recipe.name,
            policy=self.policy.header.name,
            policy_version=self.policy.header.version,
            policy_digest=self.policy.digest,
            seed=self.seed,
            command=command,
            items=self.items,
            candidates=len(pool),
            rows=tally.rows,
            verdicts=_sorted(tally.verdicts),
            sources=_sorted(tally.sources),
            licences=_sorted(tally.licences),
            splits=_sorted(tally.splits),
            rules=tuple(
                RuleCount(
                    name=rule.name,
                    verdict=rule.verdict.value,
                    exception_to=rule.exception_to,
                    deciding=tally.deciding[rule.name],
                    speaking=speaking[rule.name],
                    nearest=nearest[rule.name],
                )
                for rule in self.policy.rules
            ),
            strata=tuple(
                StratumCount(
                    verdict=stratum.verdict.value,
                    speaker=stratum.speaker,
                    nearest=stratum.nearest,
                    available=available[stratum],
                    rows=tally.strata[stratum],
                )
                for stratum in strata
            ),
            left_out=tuple(
                LeftOutReason(reason=reason, count=count, examples=tuple(self.left_out.examples[reason]))
                for reason, count in sorted(self.left_out.counts.items())
            ),
            short=selection.short,
            pairs={str(distance): count // 2 for distance, count in sorted(distances.items())},
            read_as={due: _sorted(reads) for due, reads in sorted(tally.read_as.items())},
            answers_from_model=sum(chosen.candidate.key in self.answers for chosen in selection.chosen),
            without_image=tally.without_image,
            notes=self._notes(tally),
            files=files,
        )

    def _notes(self, tally: _Tally) -> tuple[str, ...]:
        notes: list[str] = []
        if len(tally.verdicts) == 1:
            only = next(iter(tally.verdicts))
            notes.append(f"Every row is `{only}`: trained on alone, a model learns to `{only}` whatever is asked.")
        if tally.without_image:
            notes.append(f"{tally.without_image} rows have no image.")
        return tuple(notes)

    def _phase(self, description: str, total: int | None, unit: str) -> None:
        if self.progress is not None and total != 0:
            self.progress.start(description, total, unit=unit)

    def _advance(self) -> None:
        if self.progress is not None:
            self.progress.advance()


def read_images(item: Item) -> tuple[bytes, ...]:
    """The encoded images of an item; raises :class:`ImageError` for one that cannot be read."""
    images: list[bytes] = []
    for image in item.images:
        try:
            images.append(image.read())
        except OSError as error:
            raise ImageError(ImageFault.BROKEN, f"{image.name}: {error.strerror or error}") from error
    return tuple(images)


def _by_strictness(stratum: Stratum) -> tuple[int, str, str]:
    return (-Verdict(stratum.verdict).strictness, stratum.speaker, stratum.nearest)


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))


def _summary(left_out: LeftOut) -> str:
    if not left_out.counts:
        return "they gave none"
    return ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.counts.items()))
