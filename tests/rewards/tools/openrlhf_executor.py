"""Run by a Python that has OpenRLHF: loads an export's rows, and rewards answers to them as its rollout does.

    python openrlhf_executor.py FILE MODEL REWARDS ANSWERS

FILE is an export's JSON Lines, whose images are found from the working directory; MODEL a folder with a processor;
REWARDS the file that `--reward.remote_url` names; ANSWERS a JSON list of texts, one for each row. The engine that
generates (vLLM, which needs a GPU) is one that says these answers, token by token; all else is the tool's. Prints one
JSON line: of each row the reward, the score, the parts that are logged, and whether its text begins with its prompt.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from types import SimpleNamespace

from datasets import load_dataset
from openrlhf.datasets.prompts_dataset import PromptDataset
from openrlhf.utils.agent import SingleTurnAgentExecutor
from transformers import AutoProcessor


class Saying:
    """An engine whose answer is known."""

    def __init__(self, tokens: list[int]) -> None:
        self.tokens = tokens

    async def generate(self, prompt_token_ids, sampling_params, multi_modal_data=None):
        return SimpleNamespace(outputs=[SimpleNamespace(token_ids=self.tokens, finish_reason="stop", logprobs=None)])


async def main(file: str, model: str, rewards: str, answers: str) -> None:
    processor = AutoProcessor.from_pretrained(model)
    tokenizer = processor.tokenizer
    keys = {"input_key": "messages", "label_key": "facts", "image_key": "images", "apply_chat_template": True}
    strategy = SimpleNamespace(args=SimpleNamespace(data=SimpleNamespace(**keys)), is_rank_0=lambda: True)
    rows = PromptDataset(load_dataset("json", data_files=file, split="train"), processor, strategy)
    executor = SingleTurnAgentExecutor([rewards])
    found = []
    for i, answer in enumerate(json.loads(answers)):
        _, prompt, label, images = rows[i]
        said = [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        sampling = SimpleNamespace(max_tokens=len(said), logprobs=None)
        made = await executor.execute(prompt, label, sampling, 8192, processor, Saying(said), images=images)
        found.append(
            {
                "reward": None if made["reward"] is None else float(made["reward"]),
                "score": None if made["scores"] is None else float(made["scores"]),
                "logged": {name: float(value) for name, value in made["extra_logs"].items()},
                "begins": tokenizer.decode(made["observation_tokens"]).startswith(prompt),
                "images": len(images or []),
            }
        )
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(*sys.argv[1:]))
