"""How every command on a recipe opens it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.extras import require
from safecot_dsl.cli.output import Exit, console, fail

if TYPE_CHECKING:
    from safecot_dsl.pipeline import Run
    from safecot_dsl.storage import Progress

RECIPE = typer.Argument(..., metavar="RECIPE", help="A recipe file, or the name of one that ships (demo, figstep).")
OUT = typer.Option(None, "--out", "-o", help="The run's folder. Default: runs/ and the recipe's name.")
ARM = typer.Option(None, "--arm", help="One arm of the recipe; default: all.")
ONE_ARM = typer.Option(None, "--arm", help="The arm of the recipe to look at; default: the first.")
OVERRIDE = typer.Option(
    [], "--set", metavar="KEY=VALUE", help="Change a value of the recipe, such as data.rows=100; may be repeated."
)


def open_run(
    name: str,
    out: Path | None,
    overrides: list[str],
    progress: Progress,
    *,
    training: bool = False,
    option: str = "--set",
) -> Run:
    """The run of a recipe; a policy with errors is shown and ends the command, as does what is not installed."""
    from safecot_dsl.diagnostics import DiagnosticsError, render_text
    from safecot_dsl.pipeline import Run, find_recipe, load_recipe
    from safecot_dsl.workspace import open_policy

    pairs: dict[str, str] = {}
    for pair in overrides:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            fail(f"`{option} {pair}`: write KEY=VALUE, such as `{option} data.rows=100`")
        pairs[key.strip()] = value
    path = find_recipe(name)
    recipe = load_recipe(path, pairs)
    run = Run(recipe, path, out or Path("runs") / recipe.name, progress, pairs)
    try:
        _ = run.policy
    except DiagnosticsError as error:
        # Opened again for the sources, which the excerpts are taken from.
        opened = open_policy(run.policy_path, recipe.params)
        console(error=True).print(render_text(error.diagnostics, opened.sources), end="")
        raise typer.Exit(Exit.ERRORS) from None
    sources = [source.kind for arm in recipe.arms for source in recipe.data_of(arm).sources]
    in_miniature = "miniature" in sources or (training and recipe.miniature is not None)
    require(["data", *["train"] * training, *["miniature"] * in_miniature])
    return run


def arms_of(run: Run, arm: str | None) -> list[str]:
    """The arm that was asked for, or all; wrong usage ends the command."""
    if arm is None:
        return list(run.recipe.arms)
    if arm not in run.recipe.arms:
        fail(f"the recipe has no arm `{arm}`; it has {', '.join(run.recipe.arms)}")
    return [arm]


def show_progress() -> Progress:
    """Progress goes to standard error, results to standard output."""
    from safecot_dsl.storage import Progress

    return Progress()
