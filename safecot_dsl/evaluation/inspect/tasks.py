"""The task and the scorer that inspect_ai finds by its entry point.

An answer is scored as everywhere here (:func:`safecot_dsl.evaluation.score`): the verdict is read from the text after
the reasoning block by the policy's criteria, and never by looking for words like "sorry".
"""

# inspect_ai need not be installed where this is checked.
# pyright: reportMissingImports=false, reportUntypedFunctionDecorator=false

from __future__ import annotations

import base64
import math
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentImage,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ModelOutput,
)
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState, generate

from safecot_dsl.evaluation.inspect.metrics import over_refusal, safe_refusal, safe_response, unscored
from safecot_dsl.evaluation.items import EvalItem, ItemKind, read_items
from safecot_dsl.evaluation.score import AnswerScorer
from safecot_dsl.models.images import image_type
from safecot_dsl.render import Tags, policy_prompt
from safecot_dsl.workspace import compile_policy


@task
def items(
    items: str,
    policy: str,
    with_policy: bool = False,
    split: str | None = None,
    max_tokens: int = 512,
    tags: str = "<think>,</think>",
) -> Task:
    """The items of a Parquet file, under a policy.

    `items` and `policy` are paths: `safecotc eval suites make` writes such items, and a policy is a .safecot file or a
    compiled artifact. `with_policy` puts the policy into the system turn of items that have none, `split` takes one
    split alone, and `tags` are those around the reasoning.

    Raises:
        ValueError: the file has no items, or none of the split.
    """
    compiled = compile_policy(Path(policy))
    asked = [item for item in read_items(Path(items)) if split in (None, item.split)]
    if not asked:
        raise ValueError(f"{items} has no items" + (f" of the split `{split}`" if split else ""))
    system = policy_prompt(compiled) if with_policy else ""
    return Task(
        dataset=MemoryDataset([_sample(item, system) for item in asked], name=Path(items).stem),
        solver=generate(),
        scorer=criteria(items, policy, tags),
        config=GenerateConfig(temperature=0.0, max_tokens=max_tokens),
        metadata={"policy": compiled.digest, "policy_prompt": with_policy},
    )


@scorer(metrics=[accuracy(), stderr(), safe_refusal(), safe_response(), over_refusal(), unscored()])
def criteria(items: str, policy: str, tags: str = "<think>,</think>") -> Scorer:
    """Correct: the answer's verdict is the one due, or accepted besides; or the answer is the expected one. An item of
    which no verdict is right or wrong has no value, and inspect_ai leaves it out of every metric.

    The arguments are those of the task: inspect_ai writes them into its log, and `inspect score` takes them from there.
    """
    by_id = {item.id: item for item in read_items(Path(items))}
    opening, _, closing = tags.partition(",")
    around = Tags(open=opening, close=closing)
    scores = AnswerScorer(compile_policy(Path(policy)), around)

    async def grade(state: TaskState, target: Target) -> Score:
        del target  # the item has it
        item = by_id[str(state.sample_id)]
        text = answer_text(state.output, item.begun, around)
        found = scores.score(item, text)
        return Score(
            value=math.nan if _is_open(item) else CORRECT if found.right else INCORRECT,
            answer=str(found.verdict),
            explanation="\n".join(found.reasoning) or None,
            metadata={
                "kind": str(item.kind),
                "must": item.must,
                "accepts": [str(verdict) for verdict in item.accepts],
                "accepted": found.accepted,
                "verdict": str(found.verdict),
                "refused": found.refused,
                "stated": str(found.stated or ""),
                "cited": list(found.cited),
            },
        )

    return grade


def _is_open(item: EvalItem) -> bool:
    return item.kind is ItemKind.POLICY and not item.right


def answer_text(output: ModelOutput, begun: str, tags: Tags) -> str:
    """The raw answer: what the item began it with, and reasoning in its tags, which inspect_ai takes apart."""
    content = output.message.content if output.choices else ""
    if isinstance(content, str):
        return begun + content
    parts: list[str] = []
    for part in content:
        if isinstance(part, ContentReasoning):
            parts.append(f"{tags.open}\n{part.reasoning.strip()}\n{tags.close}\n")
        elif isinstance(part, ContentText):
            parts.append(part.text)
    return begun + "".join(parts)


def _sample(item: EvalItem, system: str) -> Sample:
    messages: list[ChatMessage] = []
    if item.system or system:
        messages.append(ChatMessageSystem(content=item.system or system))
    images = [ContentImage(image=_data_uri(image)) for image in item.images]
    messages.append(ChatMessageUser(content=[*images, ContentText(text=item.prompt)] if images else item.prompt))
    if item.begun:
        messages.append(ChatMessageAssistant(content=item.begun))
    return Sample(
        id=item.id,
        input=messages,
        target=_target(item),
        metadata={"split": item.split, "suite": item.suite, "hazard": item.hazard, "rules": list(item.rules)},
    )


def _target(item: EvalItem) -> str | list[str]:
    """What is right, for those who read the log: the expected answer, or the verdicts, the one due first."""
    if item.expected is not None:
        return item.expected
    first = item.due or item.must
    right = [str(verdict) for verdict in ((first,) if first else ()) + item.accepts]
    return right if len(right) > 1 else "".join(right)


def _data_uri(image: bytes) -> str:
    return f"data:{image_type(image)};base64,{base64.b64encode(image).decode('ascii')}"
