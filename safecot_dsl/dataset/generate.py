"""From sources to a data set on disk: decide, select, write parts, join them."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from safecot_dsl.artifact import CaseError, CompiledPolicy
from safecot_dsl.artifact.case import read_value
from safecot_dsl.dataset.attacks import usable
from safecot_dsl.dataset.conditioning import generated_policies, other_policies
from safecot_dsl.dataset.errors import GenerateError
from safecot_dsl.dataset.examine import Answerer
from safecot_dsl.dataset.finish import join_parts
from safecot_dsl.dataset.incremental import take_over
from safecot_dsl.dataset.merging import merge_parts
from safecot_dsl.dataset.parts import read_counts
from safecot_dsl.dataset.plan import PlanSummary, read_summary
from safecot_dsl.dataset.planner import make_plan
from safecot_dsl.dataset.policies.rows import PolicyRowCounts, counts_under, makers_of
from safecot_dsl.dataset.pool import BlockCounts
from safecot_dsl.dataset.publish import export, write_report
from safecot_dsl.dataset.recipe import DataRecipe
from safecot_dsl.dataset.report import DatasetReport
from safecot_dsl.dataset.reviews import ReadReviews, read_reviews
from safecot_dsl.dataset.setup import Setup, Worker
from safecot_dsl.dataset.state import GenerationState
from safecot_dsl.dataset.store import PROVENANCE
from safecot_dsl.dataset.tracing_sources import keep_generated, keep_sources
from safecot_dsl.dataset.workers import PieceMaker, Stage, Workers, make_all
from safecot_dsl.diagnostics import closest
from safecot_dsl.storage import Progress, whole_directory
from safecot_dsl.workspace import compile_policy

#: The folder for pieces that nobody wants to keep, inside the one that becomes the data set.
_OWN_WORK = ".work"


def generate(
    policy: CompiledPolicy,
    recipe: DataRecipe,
    out: Path,
    *,
    seed: int,
    base_dir: Path,
    answerer: Answerer | None = None,
    answers: str = "model",
    name: str = "dataset",
    command: str | None = None,
    progress: Progress | None = None,
    workers: Workers | None = None,
    work: Path | None = None,
    cache: Path | None = None,
    becomes: Path | None = None,
    policy_file: Path | None = None,
    previous: Path | None = None,
) -> DatasetReport:
    """Make the data set of `recipe` under `policy` in the folder `out`, which appears whole or not at all.

    What the folder holds is said in :mod:`safecot_dsl.dataset.store`. The same arguments give the same bytes, whatever
    `workers` there are; `answerer` must then be deterministic too. `seed` reaches every random choice. `base_dir` is
    the folder that the recipe's paths are relative to. `name` is what the card calls the data set, and `command` what
    it says to run to make it again.

    An item whose answer the policy leaves to the source gets the source's, else `answerer`'s, which `answers` names
    with its settings. Everything that does not become a row is counted by reason in the report.

    The data set is made in pieces. They are kept in the folder `work`, where it is given: a call that was killed is
    then taken up where it stopped. The caller sees to it that `work` belongs to these arguments and no others, and
    removes it when the data set is there. `cache` is a folder for what is dear to ask again (in `work`, if not given).
    `becomes` is where `out` will stand in the end, if it is moved.

    `policy_file` is what the policy was compiled from: its text is kept with the rows, so that a row's trace shows it.
    `previous` is a data set that was made before: rows that say what they said there keep the digest of the policy that
    they were made under, and `changes.json` says what became of the others. What the rows say does not depend on it.

    Raises:
        FactsError: a source that cannot be read, or facts that do not fit the policy.
        GenerateError: there is no row to write, or no file of reviews; with `recipe.strict`, something is left out.
        ReviewsError: the file of reviews cannot be read.
    """
    with whole_directory(out) as made:
        folder = work or made / _OWN_WORK
        folder.mkdir(parents=True, exist_ok=True)
        maker = _maker(policy, recipe, folder, seed, base_dir, answerer, answers, progress, cache, policy_file)
        makers = makers_of(maker)
        pieces = [_make(each, workers or Workers(), lambda _: True) for each in _shown(makers, progress)]
        counts, of_each = _join(made, makers, pieces)
        setup = maker.worker.setup
        if work is None:
            shutil.rmtree(folder)
        image_root = "."
        if recipe.images == "reference":
            image_root = Path(os.path.relpath(base_dir.resolve(), (becomes or out).resolve())).as_posix()
        command = command or "safecotc generate recipe.yaml"
        if policy_file is not None:
            keep_sources(made, policy, policy_file)
            for other in setup.others:
                keep_sources(made, other.policy, other.file)
            for generated in setup.generated:
                keep_generated(made, generated, policy_file)
        if previous is not None:
            made_by = (policy, *(one.policy for one in (*setup.others, *setup.generated)))
            take_over(made, previous, made_by, progress)
        report = write_report(made, setup, _summed(pieces), counts, name, command, image_root, of_each)
        export(made, recipe, base_dir.resolve(), progress)
        return report


def generate_shard(
    policy: CompiledPolicy,
    recipe: DataRecipe,
    work: Path,
    *,
    shard: int,
    shards: int,
    seed: int,
    base_dir: Path,
    answerer: Answerer | None = None,
    answers: str = "model",
    progress: Progress | None = None,
    workers: Workers | None = None,
    cache: Path | None = None,
    policy_file: Path | None = None,
) -> tuple[int, int]:
    """Make the pieces of shard number `shard` (from 1) of `shards` in the folder `work`: how many parts of the data
    set are there now, and how many it has. :func:`generate` with the same `work` makes what is missing and joins them.

    The pool and the plan belong to every shard: what of them is not there is made, and what another shard has put
    there is used. Arguments and errors are those of :func:`generate`.
    """
    maker = _maker(policy, recipe, work, seed, base_dir, answerer, answers, progress, cache, policy_file)
    makers = makers_of(maker)
    for each in _shown([each for each in makers if each.turn is None or each.turn % shards == shard - 1], progress):
        if each.turn is None:
            _make(each, workers or Workers(), lambda number: number % shards == shard - 1, shard - 1, shards)
        else:
            _make(each, workers or Workers(), lambda _: True)
    # A policy whose plan is not there yet has one part at least.
    parts = [(each, read_summary(each.state.plan).parts if each.state.plan.is_file() else 1) for each in makers]
    if len(makers) == 1 and not recipe.selects:
        parts = [(maker, len(maker.blocks))]
    return sum(m.state.part(n).is_dir() for m, count in parts for n in range(count)), sum(count for _, count in parts)


@dataclass(frozen=True)
class _Pieces:
    """How many parts the data set has, and the plan's summary where rows were selected."""

    parts: int
    summary: PlanSummary | None


def _maker(
    policy: CompiledPolicy,
    recipe: DataRecipe,
    work: Path,
    seed: int,
    base_dir: Path,
    answerer: Answerer | None,
    answers: str,
    progress: Progress | None,
    cache: Path | None,
    policy_file: Path | None,
) -> PieceMaker:
    _check_replay(policy, recipe)
    _check_exports(recipe)
    _check_attacks(policy, recipe)
    state = GenerationState(work)
    generated, drafts_left_out = generated_policies(
        policy, recipe, policy_file, seed=seed, folder=(cache or state.cache) / "policies", progress=progress
    )
    setup = Setup(
        policy,
        recipe,
        base_dir,
        seed,
        cache or state.cache,
        answers if answerer is not None else "",
        _other(recipe, base_dir),
        other_policies(policy, recipe, base_dir),
        generated,
        drafts_left_out,
        reviews=reviews_of(recipe, base_dir),
    )
    return PieceMaker(Worker(setup, answerer=answerer, progress=progress), state)


def _make(maker: PieceMaker, workers: Workers, mine: Callable[[int], bool], first: int = 0, shards: int = 1) -> _Pieces:
    """Make the pieces that are missing; of the parts, those with numbers that are `mine`."""
    worker, state, progress = maker.worker, maker.state, maker.worker.progress
    if maker.turn is not None:
        workers = Workers()  # a few rows: a process of their own costs more than they do
    if worker.asks and workers != Workers():
        if progress is not None:
            progress.note("a model is asked, whose rate is limited for this process: the rows are made in it alone")
        workers = Workers()
    blocks = maker.blocks
    if not worker.recipe.selects:
        wanted = {number: place.rows for number, place in enumerate(blocks) if mine(number)}
        _phase(maker, workers, "parts", wanted, {n for n in wanted if state.part(n).is_dir()}, "writing rows", "items")
        return _Pieces(len(blocks), None)
    if not state.plan.is_file():
        # Another shard makes other blocks meanwhile: each begins with its own.
        order = sorted(maker.pool, key=lambda number: ((number - first) % shards, number))
        wanted = {number: blocks[number].rows for number in order}
        done = {number for number in wanted if state.pool(number).is_file()}
        _phase(maker, workers, "pool", wanted, done, "deciding", "items")
        make_plan(worker, blocks, {number: state.pool(number) for number in maker.pool}, state.plan)
    summary = read_summary(state.plan)
    wanted = {n: summary.rows_of(n) for n in range(summary.parts) if mine(n)}
    _phase(maker, workers, "parts", wanted, {n for n in wanted if state.part(n).is_dir()}, "writing rows", "rows")
    return _Pieces(summary.parts, summary)


def _phase(
    maker: PieceMaker,
    workers: Workers,
    stage: Stage,
    sizes: dict[int, int],
    done: set[int],
    description: str,
    unit: str,
) -> None:
    if maker.worker.progress is not None:
        completed = sum(sizes[number] for number in done)
        maker.worker.progress.start(description, sum(sizes.values()), completed=completed, unit=unit)
    make_all(maker, workers, stage, {number: size for number, size in sizes.items() if number not in done})


def _shown(makers: Sequence[PieceMaker], progress: Progress | None) -> Iterator[PieceMaker]:
    """The makers in turn; of generated policies, which show no progress of their own, it is said how far they are."""
    generated = sum(maker.turn is not None for maker in makers)
    begun = False
    for maker in makers:
        if maker.turn is not None and progress is not None and not begun:
            progress.start("writing rows of generated policies", generated, unit="policies")
            begun = True
        yield maker
        if begun and progress is not None:
            progress.advance()


def _join(
    folder: Path, makers: Sequence[PieceMaker], pieces: Sequence[_Pieces]
) -> tuple[BlockCounts, dict[str, PolicyRowCounts]]:
    """Join the parts in `folder`; what was counted on the way there, of all and of each generated policy.

    Raises :class:`GenerateError` where there is no row.
    """
    counts = BlockCounts()
    of_each: dict[str, PolicyRowCounts] = {}
    parts: list[Path] = []
    small: list[Path] = []
    for maker, made in zip(makers, pieces, strict=True):
        found = [maker.state.part(number) for number in range(made.parts)]
        own = BlockCounts()
        if made.summary is not None:
            own.add(made.summary.counts)
        for part in found:
            own.add(read_counts(part))
        (parts if maker.turn is None else small).extend(found)
        if maker.turn is not None:
            name = maker.worker.setup.under
            of_each[name] = PolicyRowCounts(
                Counter(own.left_out.counts), Counter(made.summary.short if made.summary is not None else {})
            )
            own = counts_under(name, own)
        counts.add(own)
    parts += merge_parts(small, makers[0].state.folder / "merged") if small else []
    join_parts(folder, parts, counts.left_out)
    if not any((folder / PROVENANCE).iterdir()):
        left_out = counts.left_out
        first = next((details[0] for details in left_out.examples.values() if details), None)
        such = f"; such as {first}" if first is not None else ""
        raise GenerateError(f"no item of the sources can become a row; left out: {left_out.summary()}{such}")
    return counts, of_each


def _summed(pieces: Sequence[_Pieces]) -> PlanSummary | None:
    """The summary of the first plan, which is that of the recipe's own policy, with what all of them counted."""
    summaries = [made.summary for made in pieces if made.summary is not None]
    if len(summaries) < 2:
        return summaries[0] if summaries else None
    return replace(
        summaries[0],
        candidates=sum(summary.candidates for summary in summaries),
        not_selected=sum(summary.not_selected for summary in summaries),
        short=dict(sum((Counter(summary.short) for summary in summaries), Counter[str]())),
    )


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


def _check_attacks(policy: CompiledPolicy, recipe: DataRecipe) -> None:
    if recipe.attacks and not usable(policy):
        raise GenerateError(
            "`data.attacks`: the policy reads the text of requests and of images, so an attack there would change facts"
        )


def _other(recipe: DataRecipe, base_dir: Path) -> CompiledPolicy | None:
    """The second policy of policy flips."""
    return compile_policy(base_dir / recipe.flips) if recipe.flips is not None else None


def reviews_of(recipe: DataRecipe, base_dir: Path) -> ReadReviews | None:
    """What the recipe's file of reviews holds. Raises :class:`GenerateError` where there is no such file, and
    :class:`ReviewsError` where it cannot be read."""
    if recipe.reviews is None:
        return None
    path = base_dir / recipe.reviews
    if not path.is_file():
        raise GenerateError(
            f"`data.reviews`: there is no file {path}; the studio writes `reviews.jsonl` beside the folder of the rows"
        )
    return read_reviews(path)


def _check_exports(recipe: DataRecipe) -> None:
    from safecot_dsl.dataset.formats import ExportError, find_format

    for format in recipe.exports:
        try:
            find_format(format)
        except ExportError as error:
            raise GenerateError(f"`data.exports`: {error}") from None
