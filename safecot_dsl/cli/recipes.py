"""Commands on recipes: generate, train, eval, run."""

from __future__ import annotations

import os
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import FORMAT, Format, console, fail, write_json
from safecot_dsl.cli.running import ARM, OUT, OVERRIDE, RECIPE, arms_of, open_run, show_progress

if TYPE_CHECKING:
    from safecot_dsl.pipeline import Run


class EngineName(StrEnum):
    """Where the processes run."""

    LOCAL = "local"
    RAY = "ray"


def register(app: typer.Typer) -> None:
    app.command()(generate)
    app.command()(train)
    app.command(name="eval")(evaluate)
    app.command()(run)


def generate(
    recipe: str = RECIPE,
    out: Path | None = OUT,
    arm: str | None = ARM,
    processes: int = typer.Option(1, "--processes", "-p", min=1, help="How many processes make rows."),
    shard: str | None = typer.Option(
        None,
        "--shard",
        metavar="I/N",
        help="Make the I-th of N shares of the rows; the last call, without it, joins them.",
    ),
    engine: EngineName = typer.Option(
        EngineName.LOCAL, "--engine", help="`ray` spreads the processes over the machines of a Ray cluster."
    ),
    strict: bool = typer.Option(False, "--strict", help="Stop at the first item that is left out for a fault."),
    set_: list[str] = OVERRIDE,
    format: Format = FORMAT,
) -> None:
    """Make the training rows of a recipe: Parquet, their provenance, a card, and a report of what was left out."""
    from safecot_dsl.dataset.bench import Hands

    part = _shard(shard) if shard is not None else None
    overrides = [*set_, *["data.strict=true"] * strict]
    hands = Hands(processes, engine.value)
    with show_progress() as progress:
        run = open_run(recipe, out, overrides, progress)
        if part is not None:
            _say_shard(
                {name: run.generate_shard(name, *part, hands) for name in arms_of(run, arm)}, shard or "", format
            )
            return
        made = {name: run.generate(name, hands) for name in arms_of(run, arm)}
    from safecot_dsl.dataset.incremental import read_changes

    changes = {name: read_changes(path) for name, (path, _) in made.items()}
    if format is Format.JSON:
        write_json(
            {
                name: {
                    "path": str(path),
                    **report.model_dump(mode="json"),
                    **({"changes": changed.model_dump(mode="json")} if (changed := changes[name]) is not None else {}),
                }
                for name, (path, report) in made.items()
            }
        )
        return
    from safecot_dsl.cli.changes_show import show_changes
    from safecot_dsl.cli.results import show_dataset

    for name, (path, report) in made.items():
        show_dataset(name, path, report, console())
        changed = changes[name]
        if changed is not None:
            show_changes(changed, console())


def _shard(text: str) -> tuple[int, int]:
    """`2/5` as (2, 5)."""
    number, slash, total = text.partition("/")
    if not (slash and number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total)):
        fail(f"`--shard {text}`: write I/N, such as `--shard 1/4`, with I from 1 to N")
    return int(number), int(total)


def _say_shard(made: dict[str, tuple[int, int]], shard: str, format: Format) -> None:
    if format is Format.JSON:
        write_json({name: {"parts": there, "of": total} for name, (there, total) in made.items()})
        return
    for name, (there, total) in made.items():
        left = "the same command without --shard joins them" if there == total else "other shards make the rest"
        console().print(f"{name}: shard {shard} is done; {there} of {total} parts are there: {left}")


def train(
    recipe: str = RECIPE,
    out: Path | None = OUT,
    arm: str | None = ARM,
    show_batch: bool = typer.Option(False, "--show-batch", help="Show which tokens carry loss, and train nothing."),
    set_: list[str] = OVERRIDE,
    format: Format = FORMAT,
) -> None:
    """Train the LoRA adapters of a recipe. A run that was killed goes on from its last checkpoint."""
    with show_progress() as progress:
        run = open_run(recipe, out, set_, progress, training=True)
        arms = arms_of(run, arm)
        rows = run.generate(arms[0])[0] if show_batch else None
        made = {name: run.train(name) for name in arms} if rows is None else {}
    if rows is not None:
        _show_batch(run, arms[0], rows)
        return
    from safecot_dsl.training.objective import UNITS
    from safecot_dsl.training.processes import is_first

    if not is_first():
        return
    if format is Format.JSON:
        results = {
            name: {"adapter": str(r.adapter), "rows": r.rows, "steps": r.steps, "loss": r.loss, "seconds": r.seconds}
            for name, r in made.items()
        }
        write_json(results)
        return
    out_ = console()
    for name, result in made.items():
        done = "trained" if result.ran else "up to date"
        unit = UNITS[run.recipe.training_of(name).objective]
        out_.print(
            f"{name}: {done}: {result.rows} {unit}, {result.steps} steps, loss {result.loss:.4f}: {result.adapter}"
        )


def _show_batch(run: Run, arm: str, rows: Path) -> None:
    from safecot_dsl.cli.batches_show import show_rows
    from safecot_dsl.training.show import look_at_batch
    from safecot_dsl.training.weighting import Weighting

    settings = run.recipe.training_of(arm)
    weighting = Weighting(settings.reasoning_weight, settings.answer_weight, run.recipe.data_of(arm).tags)
    if settings.objective == "dpo":
        from safecot_dsl.training.dpo.pairs import read_pairs, texts_of

        texts = texts_of(read_pairs(rows, settings.dpo.kinds).pairs[:1])
        show_rows(look_at_batch(texts, run.model, weighting=weighting))
        return
    show_rows(look_at_batch(rows, run.model, weighting=weighting))


def evaluate(recipe: str = RECIPE, out: Path | None = OUT, set_: list[str] = OVERRIDE, format: Format = FORMAT) -> None:
    """Ask every arm of a recipe the same questions, and write summary.json and report.html."""
    run(recipe, out, set_, format)


def run(recipe: str = RECIPE, out: Path | None = OUT, set_: list[str] = OVERRIDE, format: Format = FORMAT) -> None:
    """Do everything in a recipe. A second run does nothing; a run after a kill continues."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        fail("evaluation is one process's work: start `safecotc train` in several, and then this in one")
    began = time.monotonic()
    with show_progress() as progress:
        prepared = open_run(recipe, out, set_, progress, training=True)
        summary = prepared.evaluate()
    if format is Format.JSON:
        write_json(summary.model_dump(mode="json"))
        return
    from rich.console import Console

    from safecot_dsl.evaluation import table
    from safecot_dsl.storage import duration

    Console(highlight=False, emoji=False).print(table(summary))  # as wide as the terminal
    out_ = console()
    out_.print(f"report: {prepared.out / 'report.html'}")
    out_.print(f"summary: {prepared.out / 'summary.json'}")
    out_.print(f"took: {duration(time.monotonic() - began)} (what was there already was not made again)")
