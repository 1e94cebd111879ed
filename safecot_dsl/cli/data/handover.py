"""`safecotc data handover`: the training run of a recipe, for those who train with another tool."""

from __future__ import annotations

from pathlib import Path

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, console, write_json
from safecot_dsl.cli.recipe import ONE_ARM, OUT, OVERRIDE, RECIPE, arms_of, open_run, show_progress


def handover(
    recipe: str = RECIPE,
    for_: str = typer.Option(..., "--for", metavar="TOOL", help="trl or llamafactory."),
    to: Path = typer.Option(..., "--to", help="The folder to write; an older handover is replaced."),
    out: Path | None = OUT,
    arm: str | None = ONE_ARM,
    set_: list[str] = OVERRIDE,
    format: OutputFormat = FORMAT,
) -> None:
    """Write the rows of a recipe and its training settings in another trainer's words, with the command to run.

    The rows are made first, if they are not there. Nothing is trained.
    """
    from safecot_dsl.export.trainers import hand_over

    with show_progress() as progress:
        run = open_run(recipe, out, set_, progress, training=True)
        name = arms_of(run, arm)[0]
        rows, _ = run.generate(name)
        settings = run.recipe.training_of(name).model_copy(update={"seed": run.recipe.seed})
        handed = hand_over(for_, rows, run.model, settings, to, progress=progress)
    if format is OutputFormat.JSON:
        write_json({"path": str(handed.path), "command": handed.command, "otherwise": handed.otherwise})
        return
    say = console()
    say.print(f"{handed.path}: in this folder, {handed.command}")
    for each in handed.otherwise:
        say.print(f"otherwise than here: {each}")
