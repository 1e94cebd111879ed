"""Commands on recipes: generate, train, eval, run."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import FORMAT, Exit, Format, console, fail, write_json

if TYPE_CHECKING:
    from safecot_dsl.pipeline import Run
    from safecot_dsl.storage import Progress

RECIPE = typer.Argument(..., metavar="RECIPE", help="A recipe file, or the name of one that ships (demo, figstep).")
OUT = typer.Option(None, "--out", "-o", help="The run's folder. Default: runs/ and the recipe's name.")
ARM = typer.Option(None, "--arm", help="One arm of the recipe; default: all.")
OVERRIDE = typer.Option(
    [], "--set", metavar="KEY=VALUE", help="Change a value of the recipe, such as data.rows=100; may be repeated."
)

#: The modules that each extra brings; `train` comes with `data`, `miniature` with both.
_EXTRAS = {
    "editor": ("pygls", "lsprotocol"),
    "test": ("hypothesis", "pytest"),
    "data": ("pyarrow", "PIL"),
    "train": ("torch", "transformers", "peft", "accelerate", "safetensors"),
    "miniature": ("tokenizers", "qtawesome"),
}


def register(app: typer.Typer) -> None:
    app.command()(generate)
    app.command()(train)
    app.command(name="eval")(evaluate)
    app.command()(run)


def is_expected(error: Exception) -> bool:
    """Is this an exception of ours, whose message is meant for the user?"""
    return type(error).__module__.split(".", 1)[0] == "safecot_dsl"


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """What to install where a module of an extra is missing."""
    module = (error.name or "").split(".", 1)[0]
    for extra, modules in _EXTRAS.items():
        if module in modules:
            return f"this needs `{module}`, which is not installed: pip install 'safecot-dsl[{extra}]'"
    return None


def _require(run: Run, *, training: bool) -> None:
    """End the command before its first hour of work where a later step would find a module missing."""
    sources = [source.kind for arm in run.recipe.arms for source in run.recipe.data_of(arm).sources]
    in_miniature = "miniature" in sources or (training and run.recipe.miniature is not None)
    wanted = ["data", *["train"] * training, *["miniature"] * in_miniature]
    for extra in wanted:
        for module in _EXTRAS[extra]:
            if find_spec(module) is None:
                raise ModuleNotFoundError(name=module)


def _prepare(name: str, out: Path | None, overrides: list[str], progress: Progress, *, training: bool = True) -> Run:
    """The run of a recipe; a policy with errors is shown and ends the command, as does what is not installed."""
    from safecot_dsl.diagnostics import DiagnosticsError, render_text
    from safecot_dsl.pipeline import Run, find_recipe, load_recipe
    from safecot_dsl.workspace import open_policy

    pairs: dict[str, str] = {}
    for pair in overrides:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            fail(f"`--set {pair}`: write KEY=VALUE, such as `--set data.rows=100`")
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
    _require(run, training=training)
    return run


def _arms(run: Run, arm: str | None) -> list[str]:
    if arm is None:
        return list(run.recipe.arms)
    if arm not in run.recipe.arms:
        fail(f"the recipe has no arm `{arm}`; it has {', '.join(run.recipe.arms)}")
    return [arm]


def _progress() -> Progress:
    """Progress goes to standard error, results to standard output."""
    from safecot_dsl.storage import Progress

    return Progress()


def generate(
    recipe: str = RECIPE,
    out: Path | None = OUT,
    arm: str | None = ARM,
    set_: list[str] = OVERRIDE,
    format: Format = FORMAT,
) -> None:
    """Make the training rows of a recipe: Parquet, the same for TRL, a card, and a report of what was left out."""
    with _progress() as progress:
        run = _prepare(recipe, out, set_, progress, training=False)
        made = {name: run.generate(name) for name in _arms(run, arm)}
    if format is Format.JSON:
        write_json(
            {name: {"path": str(path), **report.model_dump(mode="json")} for name, (path, report) in made.items()}
        )
        return
    from safecot_dsl.cli.results import show_dataset

    for name, (path, report) in made.items():
        show_dataset(name, path, report, console())


def train(
    recipe: str = RECIPE,
    out: Path | None = OUT,
    arm: str | None = ARM,
    show_batch: bool = typer.Option(False, "--show-batch", help="Show which tokens carry loss, and train nothing."),
    set_: list[str] = OVERRIDE,
    format: Format = FORMAT,
) -> None:
    """Train the LoRA adapters of a recipe. A run that was killed goes on from its last checkpoint."""
    with _progress() as progress:
        run = _prepare(recipe, out, set_, progress)
        arms = _arms(run, arm)
        if show_batch:
            from safecot_dsl.training import show_batch as show

            rows, _ = run.generate(arms[0])
            typer.echo(show(rows / "train.parquet", run.model))
            return
        made = {name: run.train(name) for name in arms}
    if format is Format.JSON:
        results = {
            name: {"adapter": str(r.adapter), "rows": r.rows, "steps": r.steps, "loss": r.loss, "seconds": r.seconds}
            for name, r in made.items()
        }
        write_json(results)
        return
    out_ = console()
    for name, result in made.items():
        done = "trained" if result.ran else "up to date"
        out_.print(
            f"{name}: {done}: {result.rows} rows, {result.steps} steps, loss {result.loss:.4f}: {result.adapter}"
        )


def evaluate(recipe: str = RECIPE, out: Path | None = OUT, set_: list[str] = OVERRIDE, format: Format = FORMAT) -> None:
    """Ask every arm of a recipe the same questions, and write summary.json and report.html."""
    run(recipe, out, set_, format)


def run(recipe: str = RECIPE, out: Path | None = OUT, set_: list[str] = OVERRIDE, format: Format = FORMAT) -> None:
    """Do everything in a recipe. A second run does nothing; a run after a kill continues."""
    with _progress() as progress:
        prepared = _prepare(recipe, out, set_, progress)
        summary = prepared.evaluate()
    if format is Format.JSON:
        write_json(summary.model_dump(mode="json"))
        return
    from rich.console import Console

    from safecot_dsl.evaluation import table

    Console(highlight=False, emoji=False).print(table(summary))  # as wide as the terminal
    out_ = console()
    out_.print(f"report: {prepared.out / 'report.html'}")
    out_.print(f"summary: {prepared.out / 'summary.json'}")
