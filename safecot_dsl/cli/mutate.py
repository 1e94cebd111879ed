"""`safecotc mutate`: would the examples and claims of a policy notice a small slip in it?"""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from safecot_dsl.cli.opening import PATH, POLICY, SET
from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, complain, fail, write_json


def mutate(
    policy: Path = POLICY,
    fail_under: float = typer.Option(
        0.0, "--fail-under", metavar="PERCENT", min=0, max=100, help="Exit code 1 if the score is lower."
    ),
    limit: int | None = typer.Option(None, "--limit", metavar="N", min=1, help="Draw N of the mutants."),
    seed: int = typer.Option(0, "--seed", help="Which N are drawn."),
    time_limit: float = typer.Option(
        5.0, "--time-limit", metavar="SECONDS", min=0, help="For each question to the solver."
    ),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: OutputFormat = FORMAT,
) -> None:
    """Change the policy in many small ways, and see whether its examples, properties and laws notice.

    The score is the percentage of changes that are noticed, of those that make a difference. For each of the others
    there is an example to paste that would notice it.
    """
    from safecot_dsl.cli.mutate_text import as_json, show
    from safecot_dsl.cli.opening import open_whole
    from safecot_dsl.storage.progress import Progress
    from safecot_dsl.testing.mutation import UnsoundBaselineError, mutate
    from safecot_dsl.workspace.places import Places

    opened, compiled = open_whole(policy, set_, path)
    # A bar is for people; where nobody watches, the result is enough.
    with Progress(quiet=not sys.stderr.isatty()) as progress:

        def watch(done: int, of: int) -> None:
            if done == 1:
                progress.start("trying mutants", of, unit="mutants")
            progress.advance()

        try:
            report = mutate(compiled, limit=limit, seed=seed, seconds=time_limit, watch=watch)
        except UnsoundBaselineError as error:
            fail(f"{policy}: {error}: mend that first, `safecotc check` says more", Exit.ERRORS)
    places = Places(opened)
    if format is OutputFormat.JSON:
        write_json(as_json(compiled, places, report))
    else:
        show(places, report)
    if report.score < fail_under:
        complain(f"{policy}: the score is less than {fail_under:g} %")
        raise typer.Exit(Exit.ERRORS)
