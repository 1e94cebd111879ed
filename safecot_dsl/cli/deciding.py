"""`safecotc decide POLICY TABLE -o OUT`: a file of cases decided into a Parquet file."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.cli.output import Exit, Format, console, fail, write_json


def decide_table(
    policy: CompiledPolicy, table: Path, out: Path, *, columns: str | None, masks: bool, format: Format
) -> None:
    """Decide the cases of a Parquet, Arrow, CSV or JSONL file, and say how many got which verdict.

    A case that does not fit the policy's facts ends the command with its row, and nothing is written.
    """
    from safecot_dsl.engine.columnar import COLUMNS, ColumnarPolicy, FrameError, count_cases
    from safecot_dsl.storage import Progress

    if not table.is_file():
        fail(f"{table}: there is no such file")
    if out.suffix.lower() != ".parquet":
        fail(f"{out}: decisions are written as Parquet; let the file's name end in .parquet")
    if out.resolve() == table.resolve():
        fail(f"{out} is the file of cases itself; name another with --out")
    wanted = [name.strip() for name in columns.split(",")] if columns else list(COLUMNS)
    try:
        with Progress("deciding", total=count_cases(table), unit="cases") as progress:
            count = ColumnarPolicy(policy).decide_file(
                table, out, columns=wanted, masks=masks, advance=progress.advance
            )
    except FrameError as error:
        fail(str(error), Exit.ERRORS)
    verdicts = _verdicts(out) if "verdict" in wanted else {}
    if format is Format.JSON:
        write_json({"cases": count, "out": str(out), "verdicts": verdicts, "policy": policy.digest})
        return
    shown = ", ".join(f"{verdict} {number:,}" for verdict, number in verdicts.items() if number)
    console().print(f"{out}: {count:,} cases decided{f': {shown}' if shown else ''}")


def _verdicts(out: Path) -> dict[str, int]:
    """How many cases got each verdict, from the laxest."""
    import polars as pl

    counted = pl.scan_parquet(out).group_by("verdict").len().collect()
    found = dict(zip(counted["verdict"].cast(pl.String), counted["len"], strict=True))
    return {verdict.value: found.get(verdict.value, 0) for verdict in Verdict}
