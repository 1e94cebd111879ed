"""Run by a Python that has verl: rewards answers by its own reward managers, as its trainer sets them up.

    python verl_managers.py FILE MODEL ANSWERS SETTING…

FILE is an export's Parquet, MODEL a folder with a processor, ANSWERS a JSON list of texts, one for each row; a SETTING
is what stands behind verl's own command. Prints one JSON line: of each row the score and the parts by either manager,
and whether the score stands on the answer's last token.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import numpy as np
import torch
import verl
from hydra import compose, initialize_config_dir
from transformers import AutoProcessor
from verl import DataProto
from verl.experimental.reward_loop import migrate_legacy_reward_impl
from verl.trainer.ppo.reward import get_custom_reward_fn, load_reward_manager
from verl.trainer.ppo.utils import create_rl_dataset
from verl.utils.dataset.rl_dataset import collate_fn
from verl.workers.reward_manager.naive import NaiveRewardManager

LENGTH = 1024


def batch(rows, answers: list[str], tokenizer) -> DataProto:
    """The rows with their answers as a rollout leaves them: prompts padded on the left, answers on the right."""
    prompts, responses, masks = [], [], []
    for row, answer in zip(rows, answers, strict=True):
        texts = tokenizer.apply_chat_template(row["raw_prompt"], add_generation_prompt=True, tokenize=False)
        asked = tokenizer(texts, add_special_tokens=False)["input_ids"][-LENGTH:]
        said = [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        pad = tokenizer.pad_token_id
        prompts.append([pad] * (LENGTH - len(asked)) + asked)
        responses.append(said + [pad] * (LENGTH - len(said)))
        masks.append([0] * (LENGTH - len(asked)) + [1] * (len(asked) + len(said)) + [0] * (LENGTH - len(said)))
    tensors = {"prompts": prompts, "responses": responses, "attention_mask": masks}
    held = {name: value for name, value in collate_fn(list(rows)).items() if isinstance(value, np.ndarray)}
    return DataProto.from_dict({name: torch.tensor(value) for name, value in tensors.items()}, held)


async def by_the_loop(manager, data: DataProto) -> list[dict]:
    """All rows at once, as the workers of the reward loop do."""
    return await asyncio.gather(*(manager.run_single(data[i : i + 1]) for i in range(len(data))))


def main(file: str, model: str, answers: str, *settings: str) -> None:
    folder = str(Path(verl.__file__).parent / "trainer" / "config")
    with initialize_config_dir(folder, version_base=None):
        own = [f"data.train_files={file}", "data.image_key=images", "data.filter_overlong_prompts=false"]
        config = migrate_legacy_reward_impl(compose("ppo_trainer", [*own, *settings]))
    processor = AutoProcessor.from_pretrained(model)
    rows = create_rl_dataset(config.data.train_files, config.data, processor.tokenizer, processor)
    data = batch([rows[i] for i in range(len(rows))], json.loads(answers), processor.tokenizer)
    ends = data.batch["attention_mask"][:, LENGTH:].sum(dim=1) - 1

    manager = load_reward_manager(config, processor.tokenizer)
    looped = manager.loop.run_until_complete(by_the_loop(manager, data))
    placed = manager.assemble_rm_scores(data, [each["reward_score"] for each in looped])
    older = NaiveRewardManager(processor.tokenizer, 0, get_custom_reward_fn(config))(data, return_dict=True)

    lines = torch.arange(len(data))
    said = {
        "manager": f"{type(manager).__module__}.{type(manager).__name__}",
        "loop": [each["reward_extra_info"] for each in looped],
        "older": [dict(zip(older["reward_extra_info"], each, strict=True)) for each in zip(
            *older["reward_extra_info"].values(), strict=True)],
        "at_the_end": [tensor[lines, ends].tolist() for tensor in (placed, older["reward_tensor"])],
        "elsewhere": [float(tensor.sum() - tensor[lines, ends].sum()) for tensor in (placed, older["reward_tensor"])],
    }  # fmt: skip
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
