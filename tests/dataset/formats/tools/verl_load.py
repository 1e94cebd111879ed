"""Run by a Python that has verl: loads a file of an export as its trainer does, and rewards an answer to each row.

    python verl_load.py FILE MODEL POLICY REWARDS

MODEL is a folder with a processor, REWARDS the file that `custom_reward_function.path` names. Prints one JSON line: for
each row the number of images in the prompt that the tool built, its text, and what the row's own text earns by the
function that the tool loaded.
"""

from __future__ import annotations

import json
import sys

from omegaconf import OmegaConf
from transformers import AutoProcessor
from verl.trainer.ppo.reward import get_custom_reward_fn
from verl.utils.dataset.rl_dataset import RLHFDataset


def main(file: str, model: str, policy: str, rewards: str) -> None:
    processor = AutoProcessor.from_pretrained(model)
    config = OmegaConf.create({"cache_dir": "cache", "filter_overlong_prompts": False, "image_key": "images"})
    rows = RLHFDataset(file, processor.tokenizer, config, processor)
    function = {"path": rewards, "name": "compute_score", "reward_kwargs": {"policy": policy, "weights": "cited=1"}}
    score = get_custom_reward_fn(OmegaConf.create({"reward": {"custom_reward_function": function}}))
    found = []
    for row in rows:
        contents = [message["content"] for message in row["raw_prompt"]]
        lists = [[{"type": "text", "text": each}] if isinstance(each, str) else each for each in contents]
        parts = [part for each in lists for part in each]
        earned = score(
            data_source=row["data_source"],
            solution_str=row["extra_info"]["own"],
            ground_truth=row["reward_model"]["ground_truth"],
            extra_info=row["extra_info"],
        )
        found.append(
            {
                "images": sum(part["type"] == "image" for part in parts),
                "text": "".join(part["text"] for part in parts if part["type"] == "text"),
                "score": earned["score"],
            }
        )
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
