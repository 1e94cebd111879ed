"""The adapter's card: what it was made from, and how it is loaded."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from safecot_dsl.training.metrics import Line
from safecot_dsl.training.recipe import TrainingRecipe


def write_card(record: Mapping[str, Any], recipe: TrainingRecipe, recipe_json: str, lines: list[Line]) -> str:
    """The text of `README.md` beside the adapter; `record` is what `training.json` holds."""
    base = record["base"]
    header = ["---", f"base_model: {json.dumps(base)}", "library_name: peft", "tags: [lora, safecot]", "---"]
    first, last = lines[0], lines[-1]
    rows_a_step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
    return "\n".join(
        [
            *header,
            "",
            "# A LoRA adapter trained by SafeCoT-DSL",
            "",
            "It was trained on rows that a compiled safety policy wrote. The digests say which: whoever has the",
            "policy, the recipe and the base model can make the rows and this adapter again.",
            "",
            "| made from | |",
            "|---|---|",
            f"| policy | `{record['policy']}` |",
            f"| data | `{record['data']}` ({record['rows']} rows, {record['labelled_tokens']} tokens with loss) |",
            f"| base model | `{base}` (`{record['base_digest']}`) |",
            "",
            "| training | |",
            "|---|---|",
            f"| steps | {last['step']} of {rows_a_step} rows |",
            f"| loss | {first['loss']:.4f} at step {first['step']}, {last['loss']:.4f} at step {last['step']} "
            "(mean of the completion's tokens; `metrics.jsonl` has all) |",
            f"| time | {last['seconds']:.0f} s on `{record['device']}` |",
            f"| adapted | linear layers of: {', '.join(recipe.adapt)}; all else is the base's |",
            "",
            "## Loading it",
            "",
            "```python",
            "from peft import PeftModel",
            "from transformers import AutoModelForImageTextToText, AutoProcessor",
            "",
            f"base = {base!r}",
            "processor = AutoProcessor.from_pretrained(base)  # some families: with torchvision installed",
            "model = AutoModelForImageTextToText.from_pretrained(base)",
            'model = PeftModel.from_pretrained(model, "path/to/this/folder")',
            "```",
            "",
            "Served by vLLM, where it knows the base's family:",
            "",
            "```text",
            f"vllm serve {shlex.quote(base)} --enable-lora --max-lora-rank {max(8, recipe.r)} "
            "--lora-modules safecot=path/to/this/folder",
            "```",
            "",
            "As a model of its own, without an adapter: `safecotc merge path/to/this/folder --out merged`.",
            "",
            "## Training settings",
            "",
            "```json",
            json.dumps(recipe.model_dump(mode="json"), indent=2),
            "```",
            "",
            "## Recipe",
            "",
            "```json",
            recipe_json.strip(),
            "```",
            "",
        ]
    )
