"""`safecotc check`: every fault of policies, and what else looks wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.opening import PATH, SET, policy_files
from safecot_dsl.cli.output import (
    CHECK_FORMAT,
    CheckFormat,
    Exit,
    fail,
    settings,
    write_diagnostics,
)

if TYPE_CHECKING:
    from safecot_dsl.storage import Progress
    from safecot_dsl.workspace.check import Watch

_LONG = 400  # steps of proofs (100 rules, some seconds) from which on a bar shows how far they have come


def check(
    files: list[Path] = typer.Argument(..., metavar="FILES...", help="Policies, libraries, or folders of them."),
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
    from safecot_dsl.diagnostics import Code, Severity
    from safecot_dsl.workspace import check_files

    if quick and coverage:
        fail("`--quick` looks at no cases, and `--coverage` samples them: give one of the two")
    limits = Limits(seconds_in_all=time_limit)
    params = settings(set_)
    named = list(policy_files(files))
    with ExitStack() as stack:
        found, sources = check_files(
            named, params, path, proofs=not quick, limits=limits, coverage=coverage, watching=_bars(stack)
        )
    # On rules that never apply or never decide: the policy contradicts itself there.
    contradictions = (Code.NEVER_APPLIES, Code.NEVER_DECIDES)
    without_effect = [diagnostic for diagnostic in found if diagnostic.code in contradictions]
    if strict:  # then they stop a build, and are shown as what does
        found = [d.model_copy(update={"severity": Severity.ERROR}) if d.code in contradictions else d for d in found]
    errors = sum(d.severity is Severity.ERROR for d in found)
    warnings = sum(d.severity is Severity.WARNING for d in found)
    files_word = f"{len(named)} file{'s' * (len(named) != 1)}"
    notes = sum(d.severity is Severity.NOTE for d in found)
    summary = f"{files_word} checked: {_count(errors, 'error')}, {_count(warnings, 'warning')}"
    summary += f", {_count(notes, 'note')}" if notes else ""
    if without_effect and not strict:
        summary += f"; {_count(len(without_effect), 'rule')} without effect, an error with --strict"
    write_diagnostics(found, sources, format, summary)
    if errors or (strict and warnings):
        raise typer.Exit(Exit.ERRORS)


def _bars(stack: ExitStack) -> Callable[[Path], Watch] | None:
    """A bar for the proofs on a policy that is long, on a terminal."""
    if not sys.stderr.isatty():
        return None

    def watching(file: Path) -> Watch:
        bars: list[Progress] = []

        def watch(done: int, total: int) -> None:
            if total < _LONG:
                return
            if not bars:
                from safecot_dsl.storage import Progress

                bars.append(stack.enter_context(Progress(f"proofs on {file}", total, unit="steps")))
            bars[0].advance()
            if done == total:
                stack.close()

        return watch

    return watching


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'s' * (number != 1)}"
