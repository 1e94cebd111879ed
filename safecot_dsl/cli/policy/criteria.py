"""`safecotc policy criteria`: what a right response is."""

from __future__ import annotations

from pathlib import Path

import typer

from safecot_dsl.cli.opening import PATH, POLICY, SET, open_compiled
from safecot_dsl.cli.output import (
    write_json,
)


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
