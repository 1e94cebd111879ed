"""Training by reward: answers of the model's own, held against the policy.

TRL's `GRPOTrainer` (1.16) is not used for it; the page on rewards says what was compared.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.models.chat import Chat
from safecot_dsl.render import Reasoning, Tags
from safecot_dsl.rewards import Rewarder, RewardError
from safecot_dsl.storage import Progress
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.grpo.requests import Prompts, read_requests
from safecot_dsl.training.lora import check_causal
from safecot_dsl.training.objective import Trained
from safecot_dsl.training.processes import process_count
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.rows import Row, encode_row
from safecot_dsl.training.weighting import Weighting


def train_grpo(
    folder: Path,
    rows: Path,
    model: Any,
    chat: Chat,
    policy: CompiledPolicy,
    recipe: TrainingRecipe,
    tags: Tags,
    reasoning: Reasoning,
    *,
    progress: Progress,
) -> Trained:
    """Take the recipe's steps on answers that `model`, the base with its adapter, draws for the requests of `rows`.

    An answer is rewarded by what the policy decides of its row's case; the row's own completion is not learnt from.
    Metrics, checkpoints, samples and the rows of a fault are written in `folder`. A run that goes on after a kill comes
    to the same weights as one that was left alone.

    Raises:
        TrainingError: rows without facts, a run that diverges, has too little memory, or has nothing to learn from.
    """
    from transformers import GenerationConfig

    from safecot_dsl.training.grpo.answers import Asking, Rounds
    from safecot_dsl.training.grpo.learner import Learner
    from safecot_dsl.training.grpo.steps import take_steps

    settings = recipe.grpo
    asked, policies = read_requests(rows, policy)
    first = asked[0]
    check_causal(model, encode_row(chat, Row(first.id, first.request, first.due.own)))
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    room = None if positions is None else positions - settings.max_completion_length
    prompts = Prompts(chat, asked, room=room, progress=progress)
    # A penalty for repetition, or whatever else the model's settings have, would draw other answers than are learnt.
    model.get_base_model().generation_config = GenerationConfig()
    rewarders = {digest: Rewarder(own, settings.reward, tags, reasoning) for digest, own in policies.items()}
    try:
        for one in asked:
            rewarders[one.policy].check(one.due)
    except RewardError as error:
        raise TrainingError(str(error)) from error
    weighting = Weighting(recipe.reasoning_weight, recipe.answer_weight, tags)
    rounds = Rounds(recipe, [one.pair for one in asked], process_count())
    asking = Asking(model, chat, asked, prompts, rewarders, recipe, weighting)
    learner = Learner(model, recipe, rounds.steps, chat.pad_id)
    state = take_steps(folder, asked, asking, rounds, learner, recipe, progress)
    return Trained(len(asked), state.learnt, prompts.unknown, {"reward": settings.reward.parts})
