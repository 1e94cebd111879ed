"""What a command made, as tables on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from safecot_dsl.dataset import DatasetReport


def show_dataset(arm: str, path: Path, report: DatasetReport, out: Console) -> None:
    """How many rows each rule got, and what was left out for which reason."""
    out.print(f"{arm}: {report.rows} rows of {report.items} items: {path}")
    table = Table(box=None, pad_edge=False)
    for column in ("verdict", "rows"):
        table.add_column(column, justify="left" if column == "verdict" else "right")
    for verdict, count in report.verdicts.items():
        table.add_row(verdict, str(count))
    out.print(table)
    left_out = [entry for entry in report.left_out if entry.count]
    if left_out:
        out.print("left out:")
    for entry in left_out:
        such = f", such as {entry.examples[0]}" if entry.examples else ""
        out.print(f"  {entry.count:>6}  {entry.reason}{such}")
    for what, count in report.short.items():
        out.print(f"  short of {count}: {what}")
    for note in report.notes:
        out.print(f"  note: {note}")
