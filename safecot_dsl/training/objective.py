"""What every objective is given a folder for, and what it says when its steps are taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

METRICS = "metrics.jsonl"
FAULT = "fault.json"  # the rows of the step that a run could not take
CHECKPOINTS = ".checkpoints"

#: What is learnt from is counted in, by objective.
UNITS = {"sft": "rows", "dpo": "preference pairs", "grpo": "requests"}


@dataclass(frozen=True)
class Trained:
    """What a run was trained on.

    `rows` are the units that a batch counts: completions, preference pairs or requests. `record` is what
    `training.json` says besides, by key.
    """

    rows: int
    labelled_tokens: int
    unknown_in_prompts: int  # prompt tokens that the tokenizer does not know
    record: Mapping[str, Any] = field(default_factory=dict[str, Any])


class EncodedExamples(Protocol):
    """Encoded rows, or pairs of them, as a trainer takes them; each list has one entry an example."""

    names: list[str]
    images: list[int]
    lengths: list[int]  # tokens

    @property
    def is_even(self) -> bool:
        """Whether the loss is the plain mean over labelled tokens."""
        ...

    @property
    def in_memory(self) -> bool: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...
