"""`safecotc plan`: what a recipe would do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import FORMAT, Exit, Format, console, write_json
from safecot_dsl.cli.running import OUT, OVERRIDE, RECIPE, open_run, show_progress

if TYPE_CHECKING:
    from safecot_dsl.pipeline.plan import Plan


def register(app: typer.Typer) -> None:
    app.command()(plan)


def plan(
    recipe: str = RECIPE,
    out: Path | None = OUT,
    rate: float | None = typer.Option(
        None, "--rate", metavar="ROWS/S", help="Rows a second that your machine trains on: how long it would take."
    ),
    set_: list[str] = OVERRIDE,
    format: Format = FORMAT,
) -> None:
    """Open all that a recipe names, say what would be done, and do nothing of it. What is missing is an error."""
    from safecot_dsl.pipeline.plan import look_ahead

    with show_progress() as progress:
        planned = look_ahead(open_run(recipe, out, set_, progress, training=True))
    if format is Format.JSON:
        write_json(planned.model_dump(mode="json"))
    else:
        _show(planned, rate)
    if planned.problems:
        raise typer.Exit(Exit.ERRORS)


def _show(planned: Plan, rate: float | None) -> None:
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
    say.print(f"evaluation: {_count(planned.asked)} items for each arm, the base and the two poles")
    seen = [arm.seen for arm in planned.arms]
    if rate is not None and None not in seen:
        total = sum(each or 0 for each in seen)
        say.print(f"training: {total:,} rows, {total / rate / 60:,.0f} minutes at {rate:g} rows/s")
    for problem in planned.problems:
        say.print(f"missing: {problem}")


def _count(number: int | None) -> str:
    return f"{number:,}" if number is not None else "an unknown number of"
