"""How every command on a recipe opens it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import Exit, console, fail
from safecot_dsl.datafiles import is_packaged_model
from safecot_dsl.extras import require

if TYPE_CHECKING:
    from safecot_dsl.dataset import DataRecipe
    from safecot_dsl.pipeline import Run
    from safecot_dsl.pipeline.recipe import Recipe
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
    extras: Collection[str] = (),
) -> Run:
    """The run of a recipe; a policy with errors is shown and ends the command, as does what is not installed: of
    `extras` or of those that the recipe's own sections need."""
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
    base = training and is_packaged_model(str(recipe.model), run.base_dir)
    require([*_extras_of(recipe, training), *extras], vectors=any(map(_by_meaning, _data_of(recipe))), base=base)
    return run


def _data_of(recipe: Recipe) -> list[DataRecipe]:
    return [recipe.data_of(arm) for arm in recipe.arms]


def _extras_of(recipe: Recipe, training: bool) -> Iterator[str]:
    """The extras that the recipe's rows need, and with `training` its model, too."""
    yield "data"
    for data in _data_of(recipe):
        if any(source.kind == "miniature" for source in data.sources):
            yield "miniature"
        if data.writing.mode == "prompted":
            yield "endpoint"
        for one in data.annotators:
            if one.kind == "model":
                yield "endpoint" if one.local is None else "train"
            elif one.kind != "pattern":
                yield "annotate"
        if _by_meaning(data):
            yield "annotate"
    if training:
        yield "miniature" if recipe.miniature is not None else "train"
        for name in dict.fromkeys(name for arm in recipe.arms for name in recipe.training_of(arm).report_to):
            yield "watch" if name == "tensorboard" else name


def _by_meaning(data: DataRecipe) -> bool:
    """Whether texts are compared by sentence vectors."""
    near = data.near_duplicates
    return any(one.kind == "embedding" for one in data.annotators) or (near is not None and near.text == "meaning")


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
