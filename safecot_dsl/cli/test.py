"""`safecotc test`: run the examples, properties and laws of policies."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from safecot_dsl.cli.opening import PATH, SET
from safecot_dsl.cli.output import fail
from safecot_dsl.extras import is_installed, missing_extra


class TestFormat(StrEnum):
    """How `test` writes what came of it."""

    __test__ = False  # not a test of pytest's own

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


def test(
    policies: list[Path] = typer.Argument(
        ..., metavar="POLICIES...", help="Policies, compiled artifacts, or folders of policies."
    ),
    name: str = typer.Option("", "-k", metavar="TEXT", help="Only what has this in its kind or name."),
    examples: int = typer.Option(
        200, "--examples", metavar="N", min=0, help="How many cases each property and law is tried on."
    ),
    time_limit: float = typer.Option(
        10.0, "--time-limit", metavar="SECONDS", min=0, help="How long the proof of each property and law may take."
    ),
    no_proofs: bool = typer.Option(False, "--no-proofs", help="Try properties and laws on drawn cases only."),
    seed: int = typer.Option(0, "--seed", help="Draws other cases."),
    strict: bool = typer.Option(False, "--strict", help="A claim that is not decided fails too."),
    watch: bool = typer.Option(False, "--watch", help="Run again whenever a policy, or what it imports, changes."),
    coverage: bool = typer.Option(
        False, "--coverage", help="Say what of the rules the examples exercise, and write an example for the rest."
    ),
    fail_under: float | None = typer.Option(
        None, "--fail-under", metavar="PERCENT", min=0, max=100, help="With --coverage: exit code 1 if it is lower."
    ),
    junit: Path | None = typer.Option(None, "--junit", metavar="FILE", help="Write JUnit XML to a file as well."),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: TestFormat = typer.Option(TestFormat.TEXT, "--format", "-f", help="How to write what came of it."),
) -> None:
    """Run every example, property and law of policies.

    A property or law is proved, and tried on drawn cases besides. Where one fails, a case shows why, as an example to
    paste. Exit code 3 where the two ways of testing contradict each other, which is an error of this program.
    """
    from safecot_dsl.cli.testing_run import TestPlan, run_once
    from safecot_dsl.cli.testing_watch import run_again_and_again
    from safecot_dsl.testing.runner import TestSettings

    if no_proofs and not examples:
        fail("`--no-proofs --examples 0` leaves nothing to test properties and laws by")
    if watch and format is TestFormat.JUNIT:
        fail("`--watch` has no end, and an XML document has: write it with `--junit FILE`")
    if examples and not is_installed("hypothesis"):
        wanted = missing_extra(ModuleNotFoundError(name="hypothesis"))
        fail(f"{wanted}; or give `--examples 0`, so that properties and laws are proved only")
    if fail_under is not None and not coverage:
        fail("`--fail-under` is about rule coverage: give `--coverage` too")
    plan = TestPlan(
        paths=policies,
        name=name,
        settings=TestSettings(examples, not no_proofs, time_limit, seed),
        strict=strict,
        params=set_,
        search=path,
        format=format,
        junit=junit,
        coverage=coverage,
        fail_under=fail_under,
    )
    if watch:
        run_again_and_again(plan)
    elif code := run_once(plan):
        raise typer.Exit(code)
