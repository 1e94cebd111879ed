"""TRL's run on the same pairs or requests: `python -m benchmarks.objectives.trl_peer SETUP`; prints what it measured.

What TRL is given: the same model object with the same adapter, the rows in our order, no gradient checkpointing, no
truncation, and the optimizer that both have by default. Its rewards are `safecot_dsl.rewards`, as anybody would give
them. A run that finds checkpoints goes on from the last one, by TRL's own means.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.objectives.setup import Clock, Setup, Stopped, digest, measured, started
from safecot_dsl.dataset.store import open_dataset
from safecot_dsl.models import Request
from safecot_dsl.rewards import PolicyRewards
from safecot_dsl.storage import Progress
from safecot_dsl.training.dpo.pairs import EncodedPairs, read_pairs
from safecot_dsl.training.grpo.answers import Rounds
from safecot_dsl.training.rows import row_files
from safecot_dsl.training.schedule import Schedule

LOGGED = {
    "dpo": {"rewards/margins": "margin", "logps/chosen": "logps/chosen"},
    "grpo": {
        "reward": "reward",
        "rewards/verdict/mean": "verdict",
        "completions/mean_length": "length",
        "frac_reward_zero_std": "ties",
    },
}


def main(setup: Setup) -> None:
    from transformers import TrainerCallback

    model, processor, chat = started(setup)
    rows = pairs_in_order(setup, chat) if setup.objective == "dpo" else requests_in_order(setup)
    clock = Clock()

    class Marking(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            clock.mark()

        # After the checkpoint of the step, as ours.
        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            setup.ends_after(state.global_step)

    trainer = (dpo if setup.objective == "dpo" else grpo)(setup, model, processor, rows, Marking())
    there = any(Path(setup.folder).glob("checkpoint-*"))
    try:
        trainer.train(resume_from_checkpoint=True if there else None)
    except Stopped:
        return
    lines = [line for line in trainer.state.log_history if "loss" in line]
    print(measured(clock, lines[-len(clock.marks) :], LOGGED[setup.objective], digest(model)).line)  # noqa: T201


def options(setup: Setup) -> dict[str, Any]:
    """What both trainers are told."""
    recipe = setup.recipe()
    return {
        "output_dir": setup.folder,
        "max_steps": setup.steps,
        "per_device_train_batch_size": setup.batch_size,
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": recipe.lr_scheduler_type,
        "max_grad_norm": recipe.max_grad_norm,
        "save_steps": recipe.save_steps,
        "save_strategy": "steps",
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "report_to": [],
        "logging_steps": 1,
        "disable_tqdm": True,
        "seed": recipe.seed,
    }


def dpo(setup: Setup, model: Any, processor: Any, rows: Any, callback: Any) -> Any:
    from torch.utils.data import SequentialSampler
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    class InOrder(DPOTrainer):
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return SequentialSampler(rows)

    arguments = DPOConfig(**options(setup), max_length=None, **setup.settings)
    return InOrder(model, args=arguments, train_dataset=rows, processing_class=processor, callbacks=[callback])


def grpo(setup: Setup, model: Any, processor: Any, rows: Any, callback: Any) -> Any:
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer

    settings = dict(setup.settings)
    weights: dict[str, float] = settings.pop("reward")
    rewards = PolicyRewards(Path(setup.policy), style="minimal")
    arguments = GRPOConfig(
        **options(setup),
        **settings,
        shuffle_dataset=False,  # they are in order
        reward_weights=[weight / sum(weights.values()) for weight in weights.values()],
    )
    return GRPOTrainer(
        model,
        rewards.functions(*weights),
        args=arguments,
        train_dataset=rows,
        processing_class=processor,
        callbacks=[callback],
    )


def pairs_in_order(setup: Setup, chat: Any) -> Any:
    """The pairs as our batches have them, one after the other, as TRL's own rows."""
    pairs, recipe = read_pairs(Path(setup.data)).pairs, setup.recipe()
    with Progress(quiet=True) as progress:
        encoded = EncodedPairs(chat, pairs, max_tokens=None, progress=progress)
    schedule = Schedule(recipe, encoded.images, encoded.lengths)
    taken = [pairs[i] for batch in schedule for i in batch]
    texts = [{name: [_turn("assistant", getattr(pair, name))] for name in ("chosen", "rejected")} for pair in taken]
    return _dataset([pair.request for pair in taken], texts, ("chosen", "rejected"))


def requests_in_order(setup: Setup) -> Any:
    """The requests as our rounds ask them, with their facts."""
    recipe = setup.recipe()
    found: list[tuple[Request, dict[str, Any]]] = []
    shared: list[str] = []
    for file in row_files(Path(setup.data)):
        dataset = open_dataset(file)
        names = ("id", "images", "prompt", "facts", "completion", *({"image_sha256", "pair"} & set(dataset.columns)))
        for row in dataset.rows(names):
            request = Request(row["prompt"], dataset.images(row))
            found.append((request, {"facts": row["facts"], "own": row["completion"]}))
            shared.append(row.get("pair") or "")
    rounds = Rounds(recipe, shared)
    taken = [found[i] for number in range(rounds.steps) for i in rounds.of(number)]
    return _dataset([request for request, _ in taken], [columns for _, columns in taken], ())


def _dataset(requests: Sequence[Request], columns: Sequence[dict[str, Any]], turns: Sequence[str]) -> Any:
    import datasets

    message = [{"role": datasets.Value("string"), "content": datasets.Value("string")}]
    types = {name: message if name in turns else datasets.Value("string") for name in columns[0]}
    features = datasets.Features({"prompt": message, "images": datasets.List(datasets.Image()), **types})
    records = [
        {
            "prompt": [_turn("user", request.prompt)],
            "images": [{"bytes": image, "path": None} for image in request.images],
            **more,
        }
        for request, more in zip(requests, columns, strict=True)
    ]
    return datasets.Dataset.from_list(records, features=features)


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


if __name__ == "__main__":
    main(Setup(**json.loads(sys.argv[1])))
