"""`safecotc generate`: the training rows of a recipe."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, console, fail, write_json
from safecot_dsl.cli.recipe import ARM, OUT, OVERRIDE, RECIPE, arms_of, open_run, show_progress

if TYPE_CHECKING:
    from rich.console import Console

    from safecot_dsl.dataset import DatasetReport


class EngineName(StrEnum):
    """Where the processes run."""

    LOCAL = "local"
    RAY = "ray"


def generate(
    recipe: str = RECIPE,
    out: Path | None = OUT,
    arm: str | None = ARM,
    processes: int = typer.Option(
        1, "--processes", "-p", min=1, help="How many processes make rows; those of generated policies are made in one."
    ),
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
    format: OutputFormat = FORMAT,
) -> None:
    """Make the training rows of a recipe: Parquet, their provenance, a card, and a report of what was left out."""
    from safecot_dsl.dataset.workers import Workers

    part = _shard(shard) if shard is not None else None
    overrides = [*set_, *["data.strict=true"] * strict]
    workers = Workers(processes, engine.value)
    with show_progress() as progress:
        run = open_run(recipe, out, overrides, progress, extras=["ray"] if engine is EngineName.RAY else [])
        if part is not None:
            _say_shard(
                {name: run.generate_shard(name, *part, workers) for name in arms_of(run, arm)}, shard or "", format
            )
            return
        made = {name: run.generate(name, workers) for name in arms_of(run, arm)}
    from safecot_dsl.dataset.incremental import read_changes

    changes = {name: read_changes(path) for name, (path, _) in made.items()}
    if format is OutputFormat.JSON:
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
    from safecot_dsl.cli.data.changes_text import show_changes

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


def _say_shard(made: dict[str, tuple[int, int]], shard: str, format: OutputFormat) -> None:
    if format is OutputFormat.JSON:
        write_json({name: {"parts": there, "of": total} for name, (there, total) in made.items()})
        return
    for name, (there, total) in made.items():
        left = "the same command without --shard joins them" if there == total else "other shards make the rest"
        console().print(f"{name}: shard {shard} is done; {there} of {total} parts are there: {left}")


def show_dataset(arm: str, path: Path, report: DatasetReport, out: Console) -> None:
    """How many rows each rule got, and what was left out for which reason."""
    under = f", looked at under {len(report.policies)} policies" if report.generated is not None else ""
    out.print(f"{arm}: {report.rows} rows of {report.items} items{under}: {path}")
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("verdict", "rows"):
        table.add_column(column, justify="left" if column == "verdict" else "right")
    for verdict, count in report.verdicts.items():
        table.add_row(verdict, str(count))
    out.print(table)
    if report.generated is not None:
        table = Table(box=None, pad_edge=False)
        for column in ("generated", "policies", "rows"):
            table.add_column(column, justify="left" if column == "generated" else "right")
        for kind in report.generated.kinds:
            table.add_row(kind.kind, str(kind.policies), str(kind.rows))
        out.print(table)
        for why, count in report.generated.left_out.items():
            out.print(f"  {count:>6}  drafts of policies not kept: {why}")
    left_out = [entry for entry in report.left_out if entry.count]
    if left_out:
        out.print("left out:")
    for entry in left_out:
        such = f", such as {entry.examples[0]}" if entry.examples else ""
        out.print(f"  {entry.count:>6}  {entry.reason}{such}")
    if report.reviews is not None:
        out.print(f"reviews: {report.reviews.summary()}", markup=False)
    for what, count in report.short.items():
        out.print(f"  short of {count}: {what}")
    for note in report.notes:
        out.print(f"  note: {note}")
