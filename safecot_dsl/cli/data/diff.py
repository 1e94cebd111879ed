"""`safecotc data diff`: what became of the rows of one data set in another."""

from __future__ import annotations

from pathlib import Path

import typer

from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, console, write_json
from safecot_dsl.extras import require


def diff(
    old: Path = typer.Argument(..., metavar="OLD", help="The folder of a data set."),
    new: Path = typer.Argument(..., metavar="NEW", help="The folder of another, such as one made under a new policy."),
    limit: int = typer.Option(10, "--limit", min=0, help="Show so many of the rows that changed; all are counted."),
    exit_code: bool = typer.Option(False, "--exit-code", help="Exit with 1 where a row changed, came or went."),
    format: OutputFormat = FORMAT,
) -> None:
    """Say which rows of two data sets differ, and why: facts, verdict, deciding rules, or which rule's sentence.

    Rows are the same row where they were made from the same item. With `-f json` the counts are the first line, and
    each row that changed is a line after it. `safecotc diff` compares policies.
    """
    require(["data"])
    from safecot_dsl.cli.data.changes_text import show_changes, show_rows
    from safecot_dsl.dataset import open_dataset
    from safecot_dsl.dataset.incremental import compare_datasets

    changes, rows = compare_datasets(open_dataset(old), open_dataset(new))
    if format is OutputFormat.JSON:
        write_json(changes.model_dump(mode="json"))
        for row in rows:
            write_json(row.model_dump(mode="json", exclude_defaults=True))
    else:
        out = console()
        show_changes(changes, out)
        show_rows(rows, limit, out)
        if changes.changed > limit:
            out.print(f"and {changes.changed - limit:,} more: --limit shows more of them, `-f json` all")
    if exit_code and changes.changed:
        raise typer.Exit(Exit.ERRORS)
