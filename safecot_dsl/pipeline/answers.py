"""The stage that asks an arm, and what the arms are held against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.artifact import canonical_json
from safecot_dsl.dataset.conditioning import system_turn
from safecot_dsl.evaluation import EvalItem, ask, comply_with_everything, refuse_everything
from safecot_dsl.models import load_model
from safecot_dsl.models.folder import model_digest
from safecot_dsl.pipeline.stages import MEANING, digest_of_stage
from safecot_dsl.pipeline.unseen import told
from safecot_dsl.storage import sha256_bytes

if TYPE_CHECKING:
    from safecot_dsl.pipeline.run import Run

#: What is asked beside the arms, and looks at nothing: each is made of the policy.
BASELINES = {"refuse_everything": refuse_everything, "comply_with_everything": comply_with_everything}


def make_answers(run: Run, arm: str) -> Path:
    """The raw answers of an arm, in `arms/ARM/answers`; the arm is trained first where it is a trained one."""
    items, adapter = run.items, run.train(arm).adapter if arm in run.recipe.arms else None
    model, system = None if arm in BASELINES else run.model, _system(run, arm)

    def work(folder: Path) -> None:
        run.ask(arm, items, folder, "answering")

    inputs = {
        "items": digest_of_stage(run.out / "items"),
        "model": model_digest(model) if model is not None else arm,
        "policy": run.policy.digest if model is None else "",
        "adapter": digest_of_stage(adapter) if adapter is not None else "",
        "settings": canonical_json(run.answer_settings),
        "system": sha256_bytes(system.encode()) if system else "",
        "meaning": MEANING,
    }
    return run.stage(run.out / "arms" / arm / "answers", inputs, work).directory / "answers.jsonl"


def ask_arm(run: Run, arm: str, items: Sequence[EvalItem], folder: Path, doing: str) -> dict[str, str]:
    """The answers of an arm that is trained already, by item, kept in the folder's `answers.jsonl`."""
    system = _system(run, arm)
    data = run.recipe.data_of(arm) if arm in run.recipe.arms else None
    adapter = run.out / "arms" / arm / "adapter" if arm in run.recipe.arms else None
    asked = [told(item, run.policy, data, system) for item in items]
    if run.recipe.evaluation.clean_requests:
        asked = [item.cleaned((data or run.recipe.data).tags) for item in asked]
    return ask(
        BASELINES[arm](run.policy) if arm in BASELINES else load_model(run.model, adapter),
        asked,
        folder / "answers.jsonl",
        batch_size=run.recipe.evaluation.batch_size,
        max_new_tokens=run.recipe.evaluation.max_new_tokens,
        progress=run.progress,
        description=f"{arm}: {doing}",
    )


def _system(run: Run, arm: str) -> str:
    """What an arm's system turn holds where an item has none of its own: what its training rows had there."""
    data = run.recipe.data_of(arm) if arm in run.recipe.arms else None
    return system_turn(run.policy, data) if data is not None else ""
