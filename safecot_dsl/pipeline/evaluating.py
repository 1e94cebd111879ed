"""The stage that scores what the arms answered, and reports it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl import __version__
from safecot_dsl.artifact import canonical_json
from safecot_dsl.evaluation import (
    EvaluationSummary,
    Scored,
    read_answers,
    read_curve,
    read_summary,
    summarise,
    write_markdown,
    write_report,
    write_summary,
)
from safecot_dsl.models.folder import model_digest
from safecot_dsl.pipeline.answers import BASELINES
from safecot_dsl.pipeline.faithfulness import effects_in, examine_arms
from safecot_dsl.pipeline.held_back import held_back_splits
from safecot_dsl.pipeline.recipe import RecipeError
from safecot_dsl.pipeline.stages import MEANING, digest_of_stage, write_changed
from safecot_dsl.pipeline.suites import suite_name
from safecot_dsl.storage import sha256_file

if TYPE_CHECKING:
    from safecot_dsl.pipeline.run import Run


def evaluate_arms(run: Run) -> EvaluationSummary:
    """Ask every arm, score the answers, write `summary.json`, `report.html` and `report.md`."""
    arms = ("base", *run.recipe.arms, *BASELINES)
    paths = {arm: run.answers(arm) for arm in arms}
    settings = run.recipe.evaluation
    examined = examine_arms(run, {arm: path for arm, path in paths.items() if arm not in BASELINES})
    held_out = run.held_out()
    report = run.out / "report"

    def work(folder: Path) -> None:
        run.progress.start("scoring", len(arms), unit="arms")
        scored: dict[str, Scored] = {}
        for arm, path in paths.items():
            scored[arm] = run.scored(arm, read_answers(path))
            run.progress.advance()
        summary = summarise(
            run.policy,
            run.items,
            scored,
            held_out=held_out,
            hypothesis_split=_hypothesis_split(run),
            reasoning_effects={arm: effects_in(stage) for arm, stage in examined.items()},
            provenance={arm: _origin(run, arm, path) for arm, path in paths.items() if arm not in BASELINES},
        )
        write_summary(folder / "summary.json", summary)
        shown: dict[str, Any] = {
            "policy": run.policy,
            "summary": summary,
            "scored": scored,
            "items": run.items,
            "command": run.command("run"),
            "created": datetime.now(UTC).date().isoformat(),
        }
        curves = {arm: read_curve(run.out / "arms" / arm / "adapter" / "metrics.jsonl") for arm in run.recipe.arms}
        write_report(folder / "report.html", curves=curves, examples=settings.examples, worst=settings.worst, **shown)
        write_markdown(folder / "report.md", worst_of_rule=min(settings.worst, 3), **shown)

    inputs = {
        **{f"answers of {arm}": digest_of_stage(path.parent) for arm, path in paths.items()},
        **{f"adapter of {arm}": digest_of_stage(run.out / "arms" / arm / "adapter") for arm in run.recipe.arms},
        **{f"faithfulness of {arm}": digest_of_stage(stage) for arm, stage in examined.items()},
        "policy": run.policy.digest,
        "evaluation": canonical_json(settings.model_dump(mode="json")),
        "version": __version__,
        "meaning": MEANING,
    }
    run.stage(report, inputs, work)
    for name in ("summary.json", "report.html", "report.md"):
        write_changed(run.out / name, (report / name).read_bytes())
    return read_summary(run.out / "summary.json")


def held_out_splits(run: Run) -> tuple[str, ...]:
    """The splits that the headline pools: those of the miniature world, else those of the requests that are held
    back, else those of the suites."""
    settings = run.recipe.evaluation
    if run.world is not None:
        return settings.held_out
    if settings.sources:
        return held_back_splits(run.items)
    wanted = {suite_name(entry, run.base_dir) for entry in settings.suites if entry.held_out}
    return tuple(dict.fromkeys(item.split for item in run.items if item.suite in wanted))


def _hypothesis_split(run: Run) -> str | None:
    """The split on which the hypothesis is judged; None where it is one of a miniature world that is not there."""
    named = run.recipe.evaluation.hypothesis_split
    present = sorted({item.split for item in run.items})
    if "/" in named and named not in present:
        raise RecipeError(f"{run.path}: `evaluation.hypothesis_split` is `{named}`; there are {', '.join(present)}")
    return named if named in present else None


def _origin(run: Run, arm: str, answers: Path) -> dict[str, str]:
    """Where an arm's answers come from, for people."""
    model = run.recipe.model
    origin = {
        "Model": model if isinstance(model, str) else "the miniature base of this run",
        "Digest of the model": model_digest(run.model),
        "Items": sha256_file(run.out / "items" / "items.parquet"),
        "Answers": sha256_file(answers),
        "Settings": canonical_json(run.answer_settings),
    }
    if arm in run.recipe.arms:
        # Not the stage's: its card says how long training took, and equal runs have equal summaries.
        origin["Adapter"] = sha256_file(run.out / "arms" / arm / "adapter" / "adapter_model.safetensors")
    return origin
