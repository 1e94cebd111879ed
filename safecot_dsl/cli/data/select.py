"""`safecotc data select`: which rows a recipe would select, and what to collect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, console, write_json
from safecot_dsl.cli.recipe import ONE_ARM, OUT, OVERRIDE, RECIPE, arms_of, open_run

if TYPE_CHECKING:
    from rich.table import Table

    from safecot_dsl.dataset.selection import ToCollect
    from safecot_dsl.dataset.selection.preview import Preview


def select(
    recipe: str = RECIPE,
    out: Path | None = OUT,
    arm: str | None = ONE_ARM,
    set_: list[str] = OVERRIDE,
    seconds: float = typer.Option(5.0, "--seconds", min=0.1, help="For each question to the solver."),
    format: OutputFormat = FORMAT,
) -> None:
    """Show what a recipe would select, rule by rule, and which cases to collect where its sources have none."""
    from safecot_dsl.dataset.selection.preview import preview
    from safecot_dsl.storage import Progress

    with Progress() as progress:
        run = open_run(recipe, out, set_, progress)
        name = arms_of(run, arm)[0]
        found = preview(
            run.policy,
            run.recipe.data_of(name),
            seed=run.recipe.seed,
            base_dir=run.base_dir,
            cache=run.out / "cache",
            answers="" if run.recipe.model is None else "model",
            seconds=seconds,
            progress=progress,
        )
    if format is OutputFormat.JSON:
        write_json(_as_json(found))
        return
    out_ = console()
    out_.print(_headline(found, run.recipe.data_of(name).selection))
    out_.print(_table(found))
    if found.selection.ways:
        out_.print()
        out_.print(_ways(found))
    for line in _collect(found):
        out_.print(line)


def _headline(found: Preview, kind: str) -> str:
    left_out = found.counts.left_out.summary()
    rows = len(found.selection.chosen)
    headline = f"{kind}: {rows:,} rows of {found.candidates:,} usable items ({found.counts.items:,} read; "
    headline += f"left out: {left_out})"
    short = ", ".join(f"{count:,} {what}" for what, count in found.selection.short.items())
    return f"{headline}; short of {short}" if short else headline


def _table(found: Preview) -> Table:
    """What each goal gets; `random` is what as many rows drawn at random would give it."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("goal")
    table.add_column("verdict")
    for column in ("pool", "wanted", "rows", "in pairs", "random"):
        table.add_column(column, justify="right")
    for goal, random in zip(found.table.goals, found.random, strict=True):
        name = goal.name if goal.kind in (goal.name, "rule") else f"{goal.kind} {goal.name}"
        counts = (goal.available, goal.wanted, goal.rows, goal.paired, random.rows)
        verdict = "" if goal.kind == "verdict" else goal.verdict
        table.add_row(name, verdict, *(f"{count:,}" for count in counts), style="bold" if not goal.available else None)
    return table


def _ways(found: Preview) -> Table:
    """What each way out of each rule gets."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("way out", overflow="fold")
    for column in ("pool", "wanted", "pairs", "made"):
        table.add_column(column, justify="right")
    for way in found.selection.ways:
        if way.kind == "applies":
            table.add_row(way.rule, f"{way.available:,}", "", "", "", style="bold")
        elif way.wanted or way.available:
            counts = (way.available, way.wanted, way.got, way.made)
            name = f"  {way.clause or way.kind}: {way.what}"
            table.add_row(name, *(f"{count:,}" for count in counts), style="bold" if way.lacking else None)
    return table


def _collect(found: Preview) -> Iterator[str]:
    """What the pool lacks: ways out of rules, and cases to collect, each with the request of the pool that comes
    nearest."""
    from safecot_dsl.diagnostics.show import visible

    # Rules that decide nothing are among the cases to collect below.
    lacking = [way for way in found.selection.ways if way.lacking and way.kind != "applies"]
    if lacking:
        yield ""
        yield "to collect, so that every way out of every rule is shown:"
    for way in lacking:
        yield visible(f"  no case in which {way.sentence}")

    if found.table.collect:
        yield ""
        yield "what the pool cannot cover, and a case to collect for it:"
    for case in found.table.collect:
        yield from (visible(line) for line in _case(case))


def _case(case: ToCollect) -> Iterator[str]:
    lack = "no request is decided by it" if case.lack == "row" else "none of its requests has a partner for contrast"
    yield f"  {case.for_goal}: {lack}"
    if case.status == "unreachable":
        none = "no case is" if case.lack == "row" else "no case that differs from it in one fact is on the other side"
        yield f"    {none}: nothing to collect"
    elif case.status == "undecided":
        yield "    the solver took too long to find one (--seconds gives it longer)"
    else:
        yield f"    {case.verdict} by {', '.join(case.deciding)}: {'; '.join(case.facts) or 'whatever the facts are'}"
        if case.nearest:
            yield f"    nearest: {case.nearest}" + (f", if {'; '.join(case.changes)}" if case.changes else "")


def _as_json(found: Preview) -> dict[str, Any]:
    random = {(goal.kind, goal.name): goal.rows for goal in found.random}
    table = found.table.model_dump(mode="json")
    for goal in table["goals"]:
        goal["random"] = random[goal["kind"], goal["name"]]
    return {
        "items": found.counts.items,
        "left_out": dict(sorted(found.counts.left_out.counts.items())),
        "candidates": found.candidates,
        "rows": len(found.selection.chosen),
        "short": found.selection.short,
        **table,
        "ways": [way.model_dump(mode="json") for way in found.selection.ways],
    }
