"""`safecotc data trace`: a row back to its rule, a rule to its rows, and the check that no sentence is without one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, console, fail, write_json
from safecot_dsl.extras import require

if TYPE_CHECKING:
    from safecot_dsl.dataset import Dataset


def trace(
    row: str | None = typer.Argument(
        None, metavar="ROW", help="A row's id, the first digits of it (4 or more), or `source/id` of its item."
    ),
    data: Path | None = typer.Option(
        None, "--data", metavar="FOLDER", help="The data set. Default: the folder here, or the only one below runs/."
    ),
    rule: str | None = typer.Option(None, "--rule", metavar="NAME", help="The rows that a rule has to do with."),
    check: bool = typer.Option(
        False, "--check", help="Exit with 1 where a sentence of a row comes from no rule or line of its policy."
    ),
    limit: int = typer.Option(20, "--limit", min=0, help="Show so many rows of a rule, or faults; all are counted."),
    format: OutputFormat = FORMAT,
) -> None:
    """Trace a row to the policy's lines, the facts and the checks that made it; or a rule to its rows.

    With --rule and `-f json`, each row is a line of JSON, whatever the limit.
    """
    if (row is not None) + (rule is not None) + check != 1:
        fail("give a row, or `--rule NAME`, or `--check`")
    dataset = _open(data)
    if row is not None:
        _row(dataset, row, format)
    elif rule is not None:
        _rule(dataset, rule, limit, format)
    else:
        _check(dataset, limit, format)


def _open(path: Path | None) -> Dataset:
    require(["data"])
    from safecot_dsl.dataset import open_dataset
    from safecot_dsl.dataset.store import data_files

    if path is not None:
        return open_dataset(path)
    if data_files(Path()):
        return open_dataset(Path())
    found = [folder for folder in sorted(Path("runs").glob("*/arms/*/data")) if data_files(folder)]
    if len(found) == 1:
        return open_dataset(found[0])
    there = f"there are {', '.join(map(str, found))}" if found else "there is none below runs/"
    return fail(f"which data set? {there}: name one with `--data FOLDER`")


def _row(dataset: Dataset, row: str, format: OutputFormat) -> None:
    from safecot_dsl.cli.data.trace_text import show_row
    from safecot_dsl.dataset.tracing import trace_row
    from safecot_dsl.dataset.tracing_model import TraceError

    try:
        found = trace_row(dataset, row)
    except TraceError as error:
        fail(str(error), Exit.ERRORS)
    if format is OutputFormat.JSON:
        write_json(found.model_dump(mode="json"))
    else:
        show_row(found, console())


def _rule(dataset: Dataset, rule: str, limit: int, format: OutputFormat) -> None:
    from safecot_dsl.cli.data.trace_text import show_rule
    from safecot_dsl.dataset.tracing_model import TraceError
    from safecot_dsl.dataset.tracing_rules import rows_of_rule

    try:
        found = rows_of_rule(dataset, rule)
    except TraceError as error:
        fail(str(error), Exit.ERRORS)
    if format is OutputFormat.JSON:
        for one in found:
            write_json(one.model_dump(mode="json"))
    else:
        show_rule(found, len(dataset), limit, console())


def _check(dataset: Dataset, limit: int, format: OutputFormat) -> None:
    from dataclasses import asdict

    from safecot_dsl.dataset.tracing_rules import TraceCheck, Untraced, check_traces

    counts = TraceCheck()
    shown: list[Untraced] = []
    for fault in check_traces(dataset, counts):
        if len(shown) < limit:
            shown.append(fault)
    if format is OutputFormat.JSON:
        write_json(
            {
                **asdict(counts),
                "rules": sorted(counts.rules),
                "faults": [fault.model_dump(mode="json") for fault in shown],
            }
        )
    else:
        from safecot_dsl.cli.data.trace_text import show_check

        show_check(counts, shown, console())
    if counts.untraced:
        raise typer.Exit(Exit.ERRORS)
