"""Run by a Python that has nemoguardrails: loads a configuration as the tool does, and drives its rails.

    python nemo_load.py FOLDER

Prints one JSON line: the tasks of the prompts, the prompt that the input rail sent, with its request in it, and what
the user gets where the judge says Yes and where it says No. The model is the tool's own test double, with scripted
answers.
"""

from __future__ import annotations

import asyncio
import json
import sys

from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.testing import FakeLLMModel


class Recording(FakeLLMModel):
    """Keeps the prompts that it is sent."""

    def __init__(self, responses: list[str]) -> None:
        super().__init__(responses=responses)
        self.prompts: list[str] = []

    async def generate_async(self, prompt, *, stop=None, **kwargs):
        self.prompts.append(str(prompt))
        return await super().generate_async(prompt, stop=stop, **kwargs)


async def main(folder: str) -> None:
    config = RailsConfig.from_path(folder)
    said = {}
    prompt = ""
    for name, answers in {"blocked": ["Yes"], "allowed": ["No", "Here it is.", "No"]}.items():
        model = Recording(answers)
        reply = await LLMRails(config, llm=model).generate_async(messages=[{"role": "user", "content": "REQUEST"}])
        said[name], prompt = reply["content"], model.prompts[0]
    tasks = [each.task for each in config.prompts]
    sys.stdout.write(json.dumps({"tasks": tasks, "prompt": prompt, **said}) + "\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
