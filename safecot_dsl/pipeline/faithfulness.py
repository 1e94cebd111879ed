"""The stage that says whether an arm's answers come from its reasoning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.artifact import canonical_json
from safecot_dsl.evaluation import FaithfulnessRecipe, read_answers, write_items
from safecot_dsl.evaluation.asking.folder import PolicyNamed
from safecot_dsl.evaluation.faithfulness import ReasoningEffects
from safecot_dsl.evaluation.faithfulness.asking import change, conclude
from safecot_dsl.evaluation.faithfulness.record import ChangeSettings, Faithfulness, FaithfulnessError, read_record
from safecot_dsl.storage import sha256_file

if TYPE_CHECKING:
    from safecot_dsl.pipeline.run import Run


def examine_arms(run: Run, answers: Mapping[str, Path]) -> dict[str, Path]:
    """The folders of the stages `arms/ARM/faithfulness`, where the recipe wants them. `answers` are the arms' finished
    answers; what they were made from is in their digests."""
    settings = run.recipe.evaluation.faithfulness
    return {arm: _examine(run, arm, path, settings) for arm, path in answers.items()} if settings is not None else {}


def _examine(run: Run, arm: str, answers: Path, settings: FaithfulnessRecipe) -> Path:
    style, tags, reasoning = run.reasoning_of(arm)
    held_out = run.held_out()
    policy, items = run.policy, run.out / "items"
    record = Faithfulness(
        policy=PolicyNamed(name=policy.header.name, version=policy.header.version, digest=policy.digest),
        items_digest=sha256_file(items / "items.parquet"),
        answers_digest=sha256_file(answers),
        settings=ChangeSettings(
            reasonings=settings.reasonings,
            seed=run.recipe.seed,
            whose=settings.whose,
            style=style,
            tags=tags,
            reasoning=reasoning,
        ),
    )

    def work(folder: Path) -> None:
        asked = [item for item in run.items if item.split in held_out]
        made = change(policy, asked, read_answers(answers), record.settings, run.progress)
        write_items(folder / "items.parquet", made.items)
        changed = run.ask(arm, made.items, folder, "reasonings changed") if made.items else {}
        conclude(policy, asked, made, changed, folder, record)

    inputs = {
        "answers": sha256_file(answers.parent / "stage.json"),  # model, adapter and generation are in its inputs
        "held out": canonical_json(list(held_out)),
        "record": canonical_json(record.model_dump(mode="json")),
    }
    directory = run.out / "arms" / arm / "faithfulness"
    return run.stage(directory, inputs, work).directory


def effects_in(stage: Path) -> ReasoningEffects:
    """The figures of a finished stage. Raises :class:`FaithfulnessError` where it holds none."""
    record = read_record(stage)
    if record is None or record.effects is None:
        raise FaithfulnessError(f"{stage} holds no figures: remove it, and run again")
    return record.effects
