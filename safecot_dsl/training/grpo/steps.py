"""The steps of training by reward: draw, reward, learn."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from safecot_dsl.models.memory import is_out_of_memory
from safecot_dsl.storage import Progress, write_whole
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.grpo.answers import Asking, Round, Rounds
from safecot_dsl.training.grpo.learner import Learner, Sums
from safecot_dsl.training.grpo.logs import Logs
from safecot_dsl.training.grpo.requests import RowRequest
from safecot_dsl.training.grpo.state import CheckpointState
from safecot_dsl.training.objective import CHECKPOINTS, FAULT
from safecot_dsl.training.processes import is_first, rank
from safecot_dsl.training.recipe import TrainingRecipe

#: Steps after which a run is stopped in which no answer was ever better than another.
_PATIENCE = 20


def take_steps(
    folder: Path,
    asked: Sequence[RowRequest],
    asking: Asking,
    rounds: Rounds,
    learner: Learner,
    recipe: TrainingRecipe,
    progress: Progress,
) -> CheckpointState:
    """Take all steps, from the last whole checkpoint in `folder` if there is one; what was counted on the way.

    Raises:
        TrainingError: the loss is not finite, memory does not suffice, or no answer is ever better than another.
    """
    settings, fault = recipe.grpo, folder / FAULT
    fault.unlink(missing_ok=True)
    state = CheckpointState(folder / CHECKPOINTS)
    done = state.load(learner.parameters, learner.optimizer, learner.scheduler)
    logs = Logs(folder, asked, recipe, done) if is_first() else None
    names = [one.id for one in asked]
    progress.start("training", rounds.steps, completed=done, unit="steps")
    found: Round | None = None
    better = done > 0
    for step in range(done + 1, rounds.steps + 1):
        number, iteration = divmod(step - 1, settings.num_iterations)
        rows = rounds.of(number, rank())
        try:
            if found is None or iteration == 0:
                found = asking.ask(rows, number)
                state.count(found.tokens, found.learnt)
            sums, norm = learner.look(found, step, first=iteration == 0)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            _save_fault(fault, step, learner.rate, str(error), names, rows, found)
            raise TrainingError(_out_of_memory(step, recipe)) from error
        if not math.isfinite(sums.loss) or not math.isfinite(norm):
            what = f"the loss is {sums.loss}, and the gradient's norm {norm}"
            _save_fault(fault, step, learner.rate, what, names, rows, found)
            raise TrainingError(
                f"{what} at step {step}: the run has diverged; lower `learning_rate` ({recipe.learning_rate:g}), or "
                f"hold the model to its start (`grpo.beta`, {settings.beta:g} now); the rows of that step are in "
                f"`{fault}`"
            )
        numbers = _numbers(found, sums, norm, settings.beta)
        if logs is not None:
            logs.step(step, numbers, learner.rate, state.tokens, found, last=step == rounds.steps)
        better = better or numbers["frac_reward_zero_std"] < 1
        if step == min(_PATIENCE, rounds.steps) and not better:
            raise TrainingError(_nothing_to_learn(step, numbers["reward"]))
        learner.take()
        if step % recipe.save_steps == 0 and step < rounds.steps:
            state.save(step, learner.parameters, learner.optimizer, learner.scheduler)
        progress.advance(1, reward=numbers["reward"], loss=sums.loss)
    return state


def _numbers(found: Round, sums: Sums, norm: float, beta: float) -> Mapping[str, float]:
    """What a step is logged with, under TRL's names where it has them."""
    tokens = max(sums.tokens, 1.0)
    kl = {"kl": sums.divergence / tokens} if beta else {}
    return {
        "loss": sums.loss,
        "grad_norm": norm,
        **found.measures,
        "entropy": sums.entropy / tokens,
        "clip_ratio": sums.clipped / tokens,
        **kl,
    }


def _save_fault(
    path: Path, step: int, rate: float, what: str, names: Sequence[str], rows: Sequence[int], found: Round | None
) -> None:
    answers = (
        [{"row": names[one.row], "tokens": one.length, "text": one.drawn.text} for one in found.own] if found else []
    )
    record = {"step": step, "fault": what, "learning_rate": rate, "rows": [names[row] for row in rows]}
    write_whole(path, json.dumps(record | {"answers": answers}, indent=1) + "\n")


def _out_of_memory(step: int, recipe: TrainingRecipe) -> str:
    size, accumulated = recipe.per_device_train_batch_size, recipe.gradient_accumulation_steps
    settings = recipe.grpo
    drawn = settings.drawn_at_once or size * accumulated
    half = f"per_device_train_batch_size: {size // 2}, gradient_accumulation_steps: {accumulated * 2}"
    learning = f"`{half}` makes the same step in half the memory; " if size > 1 else ""
    return (
        f"out of memory at step {step}, where {drawn} answers are drawn at once and {size} are learnt from at once, of "
        f"up to {settings.max_completion_length} tokens: {learning}`grpo.drawn_at_once: {max(1, drawn // 2)}` draws in "
        "half of it; `gradient_checkpointing: true` and a lower `grpo.max_completion_length` take less"
    )


def _nothing_to_learn(step: int, reward: float) -> str:
    return (
        f"in {step} steps no answer earned more than another to its request (mean reward {reward:.3g}): there is "
        "nothing to learn from; begin with an adapter that writes such answers now and then (`start_from`), draw more "
        "of them (`grpo.num_generations`) or more freely (`grpo.temperature`), or choose other rows"
    )
