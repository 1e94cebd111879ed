"""How it is shown in a terminal whether answers come from the reasoning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.cli.output import console

if TYPE_CHECKING:
    from rich.table import Table

    from safecot_dsl.evaluation.faithfulness.record import Faithfulness
    from safecot_dsl.evaluation.statistics import Rate


def show_faithfulness(found: Faithfulness, name: str, folder: Path) -> None:
    """The figures with their intervals, by fact and by turn; what could not be changed, and why."""
    from rich.table import Table

    from safecot_dsl.diagnostics.show import visible
    from safecot_dsl.evaluation.faithfulness.figures import REASONING, notes, nothing_changed
    from safecot_dsl.evaluation.faithfulness.record import INTERVENTIONS, SKIPPED

    effects = found.effects
    if effects is None:
        return
    shown = console()
    if effects.reasonings:
        looked_at = f"{effects.reasonings:,} reasonings changed, of {effects.looked_at:,} answers looked at"
        shown.print(f"{visible(name)}: {looked_at}; per cent, with 95 % intervals")
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column()
        table.add_column(justify="right", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        for figure in REASONING:
            table.add_row(f"{figure.title}: {figure.hint}".replace("’", "'"), *_cells(getattr(effects, figure.name)))
        _rows(table, "One premise changed, by the fact", effects.facts)
        _rows(table, "One premise changed, by the verdict before and the one that follows", effects.turns)
        shown.print(table)
        shown.print(f"every intervention and its answer: {visible(str(folder / INTERVENTIONS))}")
    for line in notes(effects):
        shown.print(f"{visible(name)}: {line}" if line == nothing_changed(effects) else f"  {visible(line)}")
    if effects.reasons:
        shown.print(f"each answer that was skipped: {visible(str(folder / SKIPPED))}")
        if not effects.reasonings and found.settings.whose == "model":
            shown.print("a model that reasons in words of its own can be lent the policy's: `--whose policy`")
    elif effects.looked_at:
        shown.print("where it writes its reasoning between other tags, say which: `--tags OPEN,CLOSE`")
    if effects.failed:
        shown.print("the same command asks again for what failed")


def _rows(table: Table, title: str, rates: Mapping[str, Rate]) -> None:
    table.add_row(title, "", "")
    for name, rate in rates.items():
        table.add_row(f"  {name}", *_cells(rate))


def _cells(rate: Rate) -> tuple[str, str]:
    return str(rate), f"of {rate.n}"
