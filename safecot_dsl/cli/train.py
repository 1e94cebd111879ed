"""`safecotc train`: the LoRA adapters of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, console, fail, write_json
from safecot_dsl.cli.pushing import PUBLIC, PUSH, check_push, push_folder
from safecot_dsl.cli.recipe import ARM, OUT, OVERRIDE, RECIPE, arms_of, open_run, show_progress

if TYPE_CHECKING:
    from safecot_dsl.pipeline import Run


def train(
    recipe: str = RECIPE,
    out: Path | None = OUT,
    arm: str | None = ARM,
    show_batch: bool = typer.Option(False, "--show-batch", help="Show which tokens carry loss, and train nothing."),
    set_: list[str] = OVERRIDE,
    push_to_hub: str | None = PUSH,
    public: bool = PUBLIC,
    format: OutputFormat = FORMAT,
) -> None:
    """Train the LoRA adapters of a recipe. A run that was killed goes on from its last checkpoint."""
    check_push(push_to_hub)
    with show_progress() as progress:
        run = open_run(recipe, out, set_, progress, training=True)
        arms = arms_of(run, arm)
        if push_to_hub is not None and len(arms) > 1:
            fail(f"--push-to-hub takes one adapter, and the recipe has {len(arms)} arms: name one with --arm")
        rows = run.generate(arms[0])[0] if show_batch else None
        made = {name: run.train(name) for name in arms} if rows is None else {}
    if rows is not None:
        _show_batch(run, arms[0], rows)
        return
    from safecot_dsl.training.objective import UNITS
    from safecot_dsl.training.processes import is_first

    if not is_first():
        return
    for result in made.values():
        push_folder(result.adapter, push_to_hub, "model", public=public)
    if format is OutputFormat.JSON:
        results = {
            name: {"adapter": str(r.adapter), "rows": r.rows, "steps": r.steps, "loss": r.loss, "seconds": r.seconds}
            for name, r in made.items()
        }
        write_json(results)
        return
    out_ = console()
    for name, result in made.items():
        done = "trained" if result.ran else "up to date"
        unit = UNITS[run.recipe.training_of(name).objective]
        out_.print(
            f"{name}: {done}: {result.rows} {unit}, {result.steps} steps, loss {result.loss:.4f}: {result.adapter}"
        )


def _show_batch(run: Run, arm: str, rows: Path) -> None:
    from safecot_dsl.cli.batch_text import show_rows
    from safecot_dsl.training.begun import begun_rows
    from safecot_dsl.training.rows import read_rows
    from safecot_dsl.training.sft import rows_on_groups
    from safecot_dsl.training.show import look_at_batch
    from safecot_dsl.training.weighting import Weighting

    settings = run.recipe.training_of(arm).model_copy(update={"seed": run.recipe.seed})  # as the training has it
    weighting = Weighting(settings.reasoning_weight, settings.answer_weight, run.recipe.data_of(arm).tags)
    if settings.objective == "dpo":
        from safecot_dsl.training.dpo.pairs import read_pairs, texts_of

        texts = texts_of(read_pairs(rows, settings.dpo.kinds).pairs[:1])
        show_rows(look_at_batch(texts, run.model, weighting=weighting))
        return
    data = run.recipe.data_of(arm)
    learnt = list(begun_rows(read_rows(rows), settings.begun, settings.seed, data.tags))
    # One that somebody else began, and one on groups, where there are such, are among the few that are shown.
    learnt.sort(key=lambda row: not row.request.begun)
    shown = [*learnt[:1], *learnt[-1:]] if settings.begun else learnt[:2]
    shown += [each.row for each in rows_on_groups(run.policy, settings, data.tags, data.reasoning)[:1]]
    show_rows(look_at_batch(shown, run.model, count=len(shown), weighting=weighting))
