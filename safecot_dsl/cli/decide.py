"""`safecotc decide`: cases one by one to standard output, or a file of them into a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.cli.opening import PATH, POLICY, SET, open_compiled
from safecot_dsl.cli.output import Exit, OutputFormat, check_target, complain, console, fail, read_text, write_json
from safecot_dsl.extras import require

if TYPE_CHECKING:
    from safecot_dsl.artifact import Decision
    from safecot_dsl.facts.cases.columns import CaseColumns
    from safecot_dsl.facts.cases.file import CaseRow

_NAMED = 8  # columns that a note names


def decide(
    policy: Path = POLICY,
    table: Path | None = typer.Argument(
        None, metavar="[TABLE]", help="A file of cases, as for --cases, to decide into --out."
    ),
    case: Path | None = typer.Option(None, "--case", help="A file with one case as JSON; `-` for standard input."),
    cases: Path | None = typer.Option(
        None, "--cases", help="JSONL, CSV, TSV, XLSX, Parquet or Arrow, a case a row; `-`: JSONL from standard input."
    ),
    sheet: str | None = typer.Option(None, "--sheet", metavar="NAME", help="The sheet of an .xlsx file of cases."),
    out: Path | None = typer.Option(None, "--out", "-o", metavar="PARQUET", help="Where TABLE's decisions go."),
    columns: str | None = typer.Option(
        None, "--columns", metavar="NAME,NAME", help="The parts of TABLE's decisions that are wanted; without it all."
    ),
    masks: bool = typer.Option(False, "--masks", help="Lists of rules and facts in --out as bit masks."),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: OutputFormat | None = typer.Option(
        None, "--format", "-f", help="How to write decisions (json unless given), or what became of TABLE (text)."
    ),
) -> None:
    """Decide cases: {"facts": {"image.objects": ["bleach"], "query.harm": null}} a line, or a column for each fact.

    With --cases, a case that is wrong gives {"error": ...} in its place, and exit code 1 at the end. Of a TABLE that is
    wrong anywhere all faults are shown, and nothing is written.
    """
    if table is not None:
        if out is None or case is not None or cases is not None:
            fail("a TABLE of cases needs --out FILE.parquet, and neither --case nor --cases")
        compiled = open_compiled(policy, set_, path)
        decide_table(compiled, table, out, sheet, columns=columns, masks=masks, format=format or OutputFormat.TEXT)
        return
    if out is not None or columns is not None or masks:
        fail("--out, --columns and --masks are for a TABLE of cases; --case and --cases write to standard output")
    if (case is None) == (cases is None):
        fail("give one of --case FILE, --cases FILE, and a TABLE with --out FILE")
    compiled = open_compiled(policy, set_, path)
    if not decide_rows(compiled, case, cases, sheet, format or OutputFormat.JSON):
        raise typer.Exit(Exit.ERRORS)


def one_case(path: Path) -> Any:
    """The JSON value of a file, or of standard input for `-`; what is none ends the command."""
    from safecot_dsl.facts.cases.file import is_table
    from safecot_dsl.storage.json_text import parse_json

    if str(path).lstrip().startswith("{"):
        fail("`--case` names a file: write the case into one, or pass it on standard input with `--case -`")
    if path.is_file() and is_table(path):
        fail(f"{path} is a file of many cases: `safecotc decide POLICY --cases {path}`")
    try:
        return parse_json(read_text(path))
    except ValueError as error:
        fail(f"{path}: not JSON: {error}", Exit.ERRORS)


def decide_rows(
    policy: CompiledPolicy, case: Path | None, cases: Path | None, sheet: str | None, format: OutputFormat
) -> bool:
    """Decide a case, or a file of them, and write each decision as it is made, what is wrong with a case in its place.
    Whether all were right."""
    from safecot_dsl.diagnostics.show import visible
    from safecot_dsl.engine import Interpreter
    from safecot_dsl.facts.cases.file import json_row

    interpreter = Interpreter(policy)
    if case is not None:
        only = json_row(policy, one_case(case), 1)
        named = "standard input" if str(case) == "-" else str(case)
        rows = iter([replace(only, faults=(f"{named}: {'; '.join(only.faults)}",)) if only.faults else only])
    else:
        rows = _rows(policy, cases or Path("-"), sheet)
    right = True
    screen = console()
    for row in rows:
        decision = None if row.case is None else interpreter.decide(row.case)
        right = right and decision is not None
        error = "; ".join(row.faults)
        if format is OutputFormat.TEXT:
            said = f"error: {visible(error)}" if decision is None else _in_words(decision)
            screen.print(f"{row.place}: {said}")
        else:
            write_json({"error": error} if decision is None else decision.model_dump(mode="json"))
    return right


def _rows(policy: CompiledPolicy, path: Path, sheet: str | None) -> Iterator[CaseRow]:
    """The rows of a file of cases; one that cannot be read, or whose columns are no facts, ends the command."""
    from safecot_dsl.facts import FactsError
    from safecot_dsl.facts.cases.faults import CasesError
    from safecot_dsl.facts.cases.file import is_table, open_cases
    from safecot_dsl.facts.cases.lines import case_lines

    try:
        if not is_table(path):
            if sheet is not None:
                fail(f"{path} has no sheets: only an .xlsx file has")
            yield from case_lines(policy, path)
            return
        opened = open_cases(policy, path, sheet=sheet)
        if opened.columns is not None:
            _note(opened.columns, opened.name)
        for row in opened.rows():
            where = f"{opened.table.unit} {row.place}: {'; '.join(row.faults)}"
            yield replace(row, faults=(where,)) if row.faults else row
    except CasesError as error:
        fail(str(error), Exit.ERRORS)
    except FactsError as error:
        fail(str(error))


def _note(columns: CaseColumns, name: str, *, kept: bool = False) -> None:
    """Say which columns were taken for which facts where their names differ, which are probably misspelt, and which
    hold no facts, unless these are `kept` beside the decisions."""
    taken = [f"`{column}` is read as `{fact}`" for column, fact in columns.renamed]
    rest = [] if kept else [f"`{column}`" for column in columns.others if column != "id"]
    for column, fact in columns.alike:
        complain(
            f"{name}: the column `{column}` is no fact; did you mean `{fact}`? As it is, no case has that", "warning"
        )
    if not columns.facts:
        complain(f"{name}: no column is a fact of the policy: nothing is known of any case", "warning")
    elif taken or rest:
        said = _some(taken) + ("; " if taken and rest else "") + (f"no facts: {_some(rest)}" if rest else "")
        complain(f"{name}: {said}", "note")


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _in_words(decision: Decision) -> str:
    names = ", ".join(decision.deciding or (decision.speaker,))
    if decision.certain:
        return f"{decision.verdict} by {names}"
    bounds = f"between {decision.lower} and {decision.upper}"
    return f"{decision.verdict} by {names} ({bounds}; unsettled: {', '.join(decision.unsettled)})"


def decide_table(
    policy: CompiledPolicy,
    table: Path,
    out: Path,
    sheet: str | None,
    *,
    columns: str | None,
    masks: bool,
    format: OutputFormat,
) -> None:
    """Decide a file of cases into a Parquet file, and say how many got which verdict.

    Where cells do not fit the policy's facts, all of them are shown, and nothing is written.
    """
    require(["data", *["xlsx"] * (table.suffix.lower() == ".xlsx")])
    from safecot_dsl.diagnostics import no_such_file
    from safecot_dsl.engine.columnar import COLUMNS, ColumnarPolicy, FrameError
    from safecot_dsl.facts import FactsError
    from safecot_dsl.facts.cases.frames import case_tables, count_cases
    from safecot_dsl.storage import Progress

    if not table.is_file():
        fail(f"{table}: {no_such_file(table)}")
    if out.suffix.lower() != ".parquet":
        fail(f"{out}: decisions are written as Parquet; let the file's name end in .parquet")
    check_target(out, table)
    wanted = [name.strip() for name in columns.split(",")] if columns else list(COLUMNS)
    columnar = ColumnarPolicy(policy)
    try:
        with Progress("deciding", total=count_cases(table), unit="cases") as progress:
            tables = case_tables(columnar.layout, table, sheet, told=lambda found: _note(found, str(table), kept=True))
            count = columnar.decide_tables(tables, out, columns=wanted, masks=masks, advance=progress.advance)
    except (FrameError, FactsError) as error:
        fail(str(error), Exit.ERRORS)
    verdicts = _verdicts(out) if "verdict" in wanted else {}
    if format is OutputFormat.JSON:
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
