"""What the tokens of a completion weigh in the loss: those of the reasoning, and those of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from safecot_dsl.render import Tags
from safecot_dsl.training.errors import TrainingError

#: The key of the weights among a row's tensors, (1, tokens): 0 before the completion.
LOSS_WEIGHTS = "loss_weights"


@dataclass(frozen=True)
class Weighting:
    """Weights by part. The reasoning is what stands between the tags, with the tags; the rest is the answer."""

    reasoning: float = 1.0
    answer: float = 1.0
    tags: Tags = Tags()  # noqa: RUF009  (it is frozen)

    @property
    def is_even(self) -> bool:
        """Whether all tokens weigh the same, so that the plain mean is the loss."""
        return self.reasoning == self.answer

    def of(self, tokenizer: Any, text: str, ids: list[int], row: str) -> list[float]:
        """One weight for each token of the completion `text`; `ids` are its tokens.

        A token that reaches over the border counts where it begins. Raises :class:`TrainingError` for a tokenizer that
        does not say where its tokens stand in the text.
        """
        if self.is_even:
            return [self.answer] * len(ids)
        if not tokenizer.is_fast:
            raise TrainingError(
                f"row `{row}`: `reasoning_weight` and `answer_weight` differ, and a {type(tokenizer).__name__} does "
                "not say where its tokens stand: use a model with a fast tokenizer, or equal weights"
            )
        start, end = self._reasoning(text)
        spans = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        return [self.reasoning if start <= begin < end else self.answer for begin, _ in spans]

    def _reasoning(self, text: str) -> tuple[int, int]:
        """Where the reasoning stands; a template may have written its opening tag already."""
        close = text.find(self.tags.close)
        if close < 0:
            return 0, 0
        opened = text.find(self.tags.open)
        return (opened if 0 <= opened < close else 0), close + len(self.tags.close)
