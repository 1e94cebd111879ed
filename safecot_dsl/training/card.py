"""The adapter's card: what it was made from, and how it is loaded."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from safecot_dsl.training.metrics import Line
from safecot_dsl.training.objective import UNITS
from safecot_dsl.training.recipe import TrainingRecipe


def _learnt(record: Mapping[str, Any], recipe: TrainingRecipe) -> str:
    """What was learnt from, in numbers."""
    counted = f"{record['rows']} {UNITS[recipe.objective]}"
    if recipe.objective == "grpo":
        return counted
    tokens = f"{record['labelled_tokens']} tokens with loss"
    if recipe.objective == "sft":
        about = record.get("group_rows")
        return f"{counted}{f' ({about} of them on groups, in `group_rows.jsonl`)' if about else ''}, {tokens}"
    kinds = ", ".join(f"{count} {kind}" for kind, count in record["kinds"].items() if kind)
    return f"{counted}{f' ({kinds})' if kinds else ''}, {tokens}"


def _base(record: Mapping[str, Any]) -> tuple[str, str]:
    """The base's folder or hub id, and the commit of the hub's that was loaded (empty for a folder)."""
    digest = record["base_digest"]
    if not digest.startswith("hub:"):
        return record["base"], ""
    source, _, commit = digest.removeprefix("hub:").rpartition("@")
    return source, commit


def _start(record: Mapping[str, Any], recipe: TrainingRecipe) -> str:
    digest = f"`{record['start']}`"
    return digest if recipe.start_from is None else f"`{recipe.start_from}` ({digest})"


def _objective(recipe: TrainingRecipe) -> str:
    if recipe.objective == "dpo":
        losses = ", ".join(f"{weight:g} × {name}" for name, weight in recipe.dpo.weighted_losses)
        return f"preference pairs (`dpo`): {losses}; beta {recipe.dpo.beta:g}; the reference is where it started"
    if recipe.objective == "grpo":
        return "answers of its own, rewarded by the policy (`grpo`)"
    return "the completions (`sft`): mean over their tokens"


def write_card(record: Mapping[str, Any], recipe: TrainingRecipe, recipe_json: str, lines: list[Line]) -> str:
    """The text of `README.md` beside the adapter; `record` is what `training.json` holds."""
    base, revision = _base(record)
    at = f", revision={revision!r}" if revision else ""
    served = [base, *(["--revision", revision] if revision else [])]
    header = ["---", f"base_model: {json.dumps(base)}", "library_name: peft", "tags: [lora, safecot]", "---"]
    first, last = lines[0], lines[-1]
    unit = "answers" if recipe.objective == "grpo" else UNITS[recipe.objective]
    rows_a_step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
    return "\n".join(
        [
            *header,
            "",
            "# A LoRA adapter trained by SafeCoT-DSL",
            "",
            "It was trained on what a compiled safety policy wrote. The digests say which: whoever has the policy, the",
            "recipe and the base model can make the data and this adapter again.",
            "",
            "| made from | |",
            "|---|---|",
            f"| policy | `{record['policy']}` |",
            f"| data | `{record['data']}` ({_learnt(record, recipe)}) |",
            f"| base model | `{base}` (`{record['base_digest']}`) |",
            *([f"| starts from | {_start(record, recipe)} |"] if "start" in record else []),
            "",
            "| training | |",
            "|---|---|",
            f"| objective | {_objective(recipe)} |",
            f"| steps | {last['step']} of {rows_a_step} {unit} |",
            f"| loss | {first['loss']:.4f} at step {first['step']}, {last['loss']:.4f} at step {last['step']} "
            "(`metrics.jsonl` has all) |",
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
            "# Where it asks for torchvision: install that, or take safecot_dsl.models.load_processor(base).",
            f"processor = AutoProcessor.from_pretrained(base{at})",
            f"model = AutoModelForImageTextToText.from_pretrained(base{at})",
            'model = PeftModel.from_pretrained(model, "path/to/this/folder")',
            "```",
            "",
            "Served by vLLM, where it knows the base's family:",
            "",
            "```text",
            f"vllm serve {shlex.join(served)} --enable-lora --max-lora-rank {max(8, recipe.r)} "
            "--lora-modules safecot=path/to/this/folder",
            "```",
            "",
            "As a model of its own, without an adapter: `safecotc serve merge path/to/this/folder --out merged`.",
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
