"""Rows whose answer somebody else began: the model learns to reason all the same.

Who writes the first words of an answer decides much of the rest: tuning for safety reaches a few tokens deep, and is
repaired by rows that go back on a beginning (Qi et al. 2025, "Safety Alignment Should Be Made More Than Just a Few
Tokens Deep", ICLR). Here a beginning carries no loss, so that nobody learns to write it; what is learnt is the row's
own text after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.training.errors import TrainingError

if TYPE_CHECKING:
    from safecot_dsl.models.chat import Chat
    from safecot_dsl.training.rows import Row

#: None of them says whether a request is answered: the attacks that suites make begin answers that do.
NEUTRAL = (
    "Before anything else,",
    "First of all, it is worth knowing that",
    "I have to say",
    "In the picture",
    "Let me look at this.",
    "Only one thing:",
    "Thank you for your question.",
    "That depends on",
    "The short version is that",
    "What matters here is that",
)


class BegunAnswers(Frozen):
    """How many rows are trained with an answer that somebody else began, and with which words."""

    share: float = Field(gt=0, le=1, description="The share of rows that are trained so, drawn by their id.")
    texts: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)] = Field(
        default=NEUTRAL,
        description="What the answers begin with, one drawn for each row. By default words that say nothing of whether "
        "the request is answered.",
    )


def begun_rows(rows: Iterable[Row], begun: BegunAnswers | None, seed: int) -> Iterator[Row]:
    """The rows, of which a share has an answer that was begun; its text follows on a line of its own."""
    from safecot_dsl.dataset.selection import draw

    for row in rows:
        if begun is None or int.from_bytes(draw(seed, "begun", row.id)[:8], "big") >= begun.share * 2**64:
            yield row
            continue
        number = int.from_bytes(draw(seed, "begun text", row.id)[:8], "big") % len(begun.texts)
        request = replace(row.request, begun=begun.texts[number])
        yield replace(row, request=request, completion=f"\n{row.completion}")


def check_may_begin(chat: Chat, rows: Iterable[Row]) -> None:
    """Raise :class:`TrainingError` where the model's template begins the answer itself: what somebody else begins would
    stand inside of its reasoning."""
    for row in rows:
        if row.request.begun:
            opened = chat.opened(row.request).strip()
            if opened:
                raise TrainingError(
                    f"`begun`: the model's chat template begins each answer with `{opened}` itself, and nobody else "
                    "can: leave `begun` out"
                )
            return
