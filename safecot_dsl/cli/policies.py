"""Commands on policies: check, compile, decide, explain, prompt, criteria."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from safecot_dsl.cli.opening import PATH, POLICY, SET, open_compiled
from safecot_dsl.cli.output import (
    CHECK_FORMAT,
    FORMAT,
    CheckFormat,
    Exit,
    Format,
    console,
    fail,
    settings,
    write_diagnostics,
    write_json,
)

#: Findings on rules that never apply or never decide: the policy contradicts itself there.
_WITHOUT_EFFECT = frozenset({"SC1101", "SC1102"})


def register(app: typer.Typer) -> None:
    for command in (check, compile_, decide, explain, prompt, criteria):
        app.command(name=command.__name__.rstrip("_"))(command)


def check(
    files: list[Path] = typer.Argument(..., metavar="FILES...", help="Policies or libraries."),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: CheckFormat = CHECK_FORMAT,
    strict: bool = typer.Option(False, "--strict", help="Warnings fail too, and rules without effect are errors."),
    quick: bool = typer.Option(False, "--quick", help="Without proofs: the text, examples and criteria only."),
    coverage: bool = typer.Option(False, "--coverage", help="Sample which share of cases each verdict gets."),
    time_limit: float = typer.Option(
        60.0, "--time-limit", metavar="SECONDS", min=0.0, help="The most time for the proofs on one policy."
    ),
) -> None:
    """Report every error in policies, every example, property and law that fails, and what else looks wrong."""
    from safecot_dsl.analysis.limits import Limits
    from safecot_dsl.diagnostics import Severity, SourceFile
    from safecot_dsl.workspace import check_policy, open_policy

    if quick and coverage:
        fail("`--quick` looks at no cases, and `--coverage` samples them: give one of the two")
    limits = Limits(seconds_in_all=time_limit)
    params = settings(set_)
    found: dict[tuple[str, Any, str], Any] = {}
    sources: dict[str, SourceFile] = {}
    for file in files:
        opened = open_policy(file, params, path)
        for diagnostic in check_policy(opened, proofs=not quick, limits=limits, coverage=coverage):
            # A library's faults show with every policy that imports it; once is enough.
            found.setdefault((diagnostic.code, diagnostic.span, diagnostic.message), diagnostic)
        sources.update(opened.sources)
    without_effect = [key for key, d in found.items() if d.code in _WITHOUT_EFFECT]
    if strict:  # then they stop a build, and are shown as what does
        found |= {key: found[key].model_copy(update={"severity": Severity.ERROR}) for key in without_effect}
    errors = sum(d.severity is Severity.ERROR for d in found.values())
    warnings = sum(d.severity is Severity.WARNING for d in found.values())
    files_word = f"{len(files)} file{'s' * (len(files) != 1)}"
    notes = sum(d.severity is Severity.NOTE for d in found.values())
    summary = f"{files_word} checked: {_count(errors, 'error')}, {_count(warnings, 'warning')}"
    summary += f", {_count(notes, 'note')}" if notes else ""
    if without_effect and not strict:
        summary += f"; {_count(len(without_effect), 'rule')} without effect, an error with --strict"
    write_diagnostics(found.values(), sources, format, summary)
    if errors or (strict and warnings):
        raise typer.Exit(Exit.ERRORS)


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'s' * (number != 1)}"


def compile_(
    policy: Path = POLICY,
    out: Path | None = typer.Option(
        None, "--out", "-o", help="Where to write the artifact; `-` for standard output. Default: POLICY with .json."
    ),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: Format = FORMAT,
) -> None:
    """Compile a policy into the artifact that everything downstream reads."""
    compiled = open_compiled(policy, set_, path)
    if out is not None and str(out) == "-":
        typer.echo(compiled.to_json(), nl=False)
        return
    from safecot_dsl.storage import write_whole

    target = out or policy.with_suffix(".json")
    if target.resolve() == policy.resolve():
        fail(f"{target} is the artifact itself; name another file with --out")
    if target.is_dir():
        target = target / f"{policy.stem}.json"
    write_whole(target, compiled.to_json())
    facts = {
        "policy": compiled.header.name,
        "version": compiled.header.version,
        "digest": compiled.digest,
        "rules": len(compiled.rules),
        "facts": len(compiled.facts),
        "out": str(target),
    }
    if format is Format.JSON:
        write_json(facts)
    else:
        out_ = console()
        out_.print(f"{target}: {facts['policy']} {facts['version']}, {facts['rules']} rules, {facts['facts']} facts")
        out_.print(f"digest {compiled.digest}")


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
    format: Format | None = typer.Option(
        None, "--format", "-f", help="How to write decisions (json unless given), or what became of TABLE (text)."
    ),
) -> None:
    """Decide cases: {"facts": {"image.objects": ["bleach"], "query.harm": null}} a line, or a column for each fact.

    With --cases, a case that is wrong gives {"error": ...} in its place, and exit code 1 at the end. Of a TABLE that is
    wrong anywhere all faults are shown, and nothing is written.
    """
    if table is not None:
        from safecot_dsl.cli.deciding import decide_table

        if out is None or case is not None or cases is not None:
            fail("a TABLE of cases needs --out FILE.parquet, and neither --case nor --cases")
        compiled = open_compiled(policy, set_, path)
        decide_table(compiled, table, out, sheet, columns=columns, masks=masks, format=format or Format.TEXT)
        return
    if out is not None or columns is not None or masks:
        fail("--out, --columns and --masks are for a TABLE of cases; --case and --cases write to standard output")
    from safecot_dsl.cli.deciding import decide_rows

    if (case is None) == (cases is None):
        fail("give one of --case FILE, --cases FILE, and a TABLE with --out FILE")
    compiled = open_compiled(policy, set_, path)
    if not decide_rows(compiled, case, cases, sheet, format or Format.JSON):
        raise typer.Exit(Exit.ERRORS)


def explain(
    policy: Path = POLICY,
    case: Path = typer.Option(..., "--case", help="A file with one case as JSON; `-` for standard input."),
    style: str = typer.Option("stepwise", "--style", help="How much reasoning: minimal, full or stepwise."),
    seed: str = typer.Option("0", "--seed", help="Draws among alternative texts."),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: Format = FORMAT,
) -> None:
    """Show why a case is decided as it is, rule by rule, and the reasoning that results."""
    from safecot_dsl.cli.deciding import one_case
    from safecot_dsl.engine import Interpreter
    from safecot_dsl.engine import explain as explain_case
    from safecot_dsl.facts.cases.file import json_row
    from safecot_dsl.render import ReasoningStyle, render, write_target

    if style not in list(ReasoningStyle):
        fail(f"`--style {style}`: one of {', '.join(ReasoningStyle)}")
    interpreter = Interpreter(open_compiled(policy, set_, path))
    row = json_row(interpreter.policy, one_case(case), 1)
    if row.case is None:
        fail("\n".join(row.faults), Exit.ERRORS)
    parsed = row.case
    explanation = explain_case(interpreter, parsed)
    rendered = render(interpreter, parsed, style=ReasoningStyle(style), seed=seed)
    text = write_target(rendered)
    if format is Format.JSON:
        write_json({**explanation.model_dump(mode="json"), "rendered": rendered.model_dump(mode="json"), "text": text})
        return
    from safecot_dsl.cli.explaining import show_explanation

    show_explanation(explanation, rendered, text, interpreter.policy, console())


def prompt(policy: Path = POLICY, set_: list[str] = SET, path: list[Path] = PATH, format: Format = FORMAT) -> None:
    """Write what a model is told when it is to follow the policy without training."""
    from safecot_dsl.render import policy_prompt, prompt_warning

    compiled = open_compiled(policy, set_, path)
    text = policy_prompt(compiled)
    warning = prompt_warning(compiled)
    if format is Format.JSON:
        write_json({"policy": compiled.digest, "prompt": text, "warning": warning})
        return
    typer.echo(text)
    if warning:
        console(error=True).print(f"warning: {warning}")


def criteria(
    policy: Path = POLICY,
    judge: bool = typer.Option(False, "--judge", help="Write the prompt for a model that judges a response."),
    request: str = typer.Option("(the request)", "--request", help="With --judge: what was asked."),
    response: str = typer.Option("(the response)", "--response", help="With --judge: what is judged."),
    set_: list[str] = SET,
    path: list[Path] = PATH,
) -> None:
    """Write the criteria of right responses as JSON, or as a judge's prompt."""
    compiled = open_compiled(policy, set_, path)
    if not judge:
        write_json(compiled.criteria.model_dump(mode="json", exclude_none=True))
        return
    from safecot_dsl.criteria import judge_prompt

    typer.echo(judge_prompt(compiled, request, response).text)
