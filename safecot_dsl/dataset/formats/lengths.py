"""Whether rows fit into as many tokens as a trainer reads: what lies beyond is cut off, and carries no loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from safecot_dsl.dataset.formats.model import FormatRule
from safecot_dsl.dataset.formats.turns import ASSISTANT, SYSTEM, USER, Turn, Violation
from safecot_dsl.models.images import ImageError


class Lengths:
    """Counts the tokens of rows as a model's processor makes them, tokens of images included.

    The conversation is written by the model's own chat template, as TRL does; LLaMA-Factory and ms-swift have templates
    of their own, which differ by a few tokens. Conversations of several turns are not measured.
    """

    def __init__(self, model: str, limit: int) -> None:
        """`limit` is TRL's and ms-swift's `max_length`, LLaMA-Factory's `cutoff_len`.

        Raises:
            ModelError: no model that can be read, or one without a chat template.
        """
        from safecot_dsl.models.local import load_chat

        self._chat: Any = load_chat(model)
        self._limit = limit

    def faults(self, turns: Sequence[Turn], images: Sequence[bytes], answers: Sequence[str]) -> Iterator[Violation]:
        """What does not fit. `turns` end with the request; `answers` are those to it, each measured by itself."""
        from safecot_dsl.models import Request

        if [turn.role for turn in turns if turn.role != SYSTEM] != [USER]:
            return
        request = Request("\n".join(turn.text for turn in turns), tuple(images))
        try:
            asked = self._chat.encode(request)["input_ids"].shape[1]
        except ImageError:
            return  # told by another rule
        mend = f"raise the limit, which is {self._limit}, make the images smaller, or leave the row out"
        if asked >= self._limit:
            yield Violation(
                FormatRule.LENGTH, f"the request alone has {asked} tokens: none of the answer carries loss", mend
            )
            return
        for answer in answers:
            learnt = len(self._chat.token_ids(self._chat.remaining(request, answer))) + len(self._chat.closing_ids)
            if asked + learnt > self._limit:
                yield Violation(
                    FormatRule.LENGTH,
                    f"request and answer have {asked} and {learnt} tokens: the end of the answer is cut off",
                    mend,
                )
                return


def split_answer(turns: Sequence[Turn]) -> tuple[Sequence[Turn], tuple[str, ...]]:
    """The turns up to the last answer, and that answer; no answer where the last turn is none."""
    if turns and turns[-1].role == ASSISTANT:
        return turns[:-1], (turns[-1].text,)
    return turns, ()
