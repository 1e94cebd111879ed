"""`safecotc run`: everything in a recipe, or what it would be."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, console, fail, write_json
from safecot_dsl.cli.recipe import OUT, OVERRIDE, RECIPE, open_run, show_progress

if TYPE_CHECKING:
    from safecot_dsl.pipeline.plan import RunPlan


def run(
    recipe: str = RECIPE,
    out: Path | None = OUT,
    plan: bool = typer.Option(
        False,
        "--plan",
        help="Open all that the recipe names, say what would be done and what is missing, and do nothing.",
    ),
    rate: float | None = typer.Option(
        None, "--rate", metavar="ROWS/S", min=0.001, help="With --plan: rows a second that your machine trains on."
    ),
    set_: list[str] = OVERRIDE,
    format: OutputFormat = FORMAT,
) -> None:
    """Do everything in a recipe. A second run does nothing; a run after a kill continues."""
    if rate is not None and not plan:
        fail("`--rate` says how long a plan would take: give `--plan` too")
    if plan:
        _plan(recipe, out, rate, set_, format)
        return
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        fail("evaluation is one process's work: start `safecotc train` in several, and then this in one")
    began = time.monotonic()
    with show_progress() as progress:
        prepared = open_run(recipe, out, set_, progress, training=True)
        summary = prepared.evaluate()
    if format is OutputFormat.JSON:
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


def _plan(recipe: str, out: Path | None, rate: float | None, set_: list[str], format: OutputFormat) -> None:
    from safecot_dsl.pipeline.plan import look_ahead

    with show_progress() as progress:
        planned = look_ahead(open_run(recipe, out, set_, progress, training=True))
    if format is OutputFormat.JSON:
        write_json(planned.model_dump(mode="json"))
    else:
        _show(planned, rate)
    if planned.problems:
        raise typer.Exit(Exit.ERRORS)


def _show(planned: RunPlan, rate: float | None) -> None:
    say = console()
    say.print(f"policy: {planned.rules} rules, {planned.policy}")
    size = f", {planned.parameters / 1e6:,.1f} million parameters" if planned.parameters is not None else ""
    say.print(f"model: {planned.model}{size}")
    for arm in planned.arms:
        sources = ", ".join(
            f"{source.source} ({_count(source.entries)} entries, {source.licence or 'licence not known'})"
            for source in arm.sources
        )
        say.print(f"{arm.arm}: {arm.objective} on {_count(arm.rows)} rows, {_count(arm.steps)} steps; from {sources}")
    say.print(f"evaluation: {_count(planned.asked)} items for each arm, the base and the two baselines")
    seen = [arm.seen for arm in planned.arms]
    if rate is not None and None not in seen:
        total = sum(each or 0 for each in seen)
        say.print(f"training: {total:,} rows, {total / rate / 60:,.0f} minutes at {rate:g} rows/s")
    for problem in planned.problems:
        say.print(f"missing: {problem}")


def _count(number: int | None) -> str:
    return f"{number:,}" if number is not None else "an unknown number of"
