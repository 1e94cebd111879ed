"""Rows whose answer somebody else began: the model learns to reason all the same.

Who writes the first words of an answer decides much of the rest: tuning for safety reaches a few tokens deep, and is
repaired by rows that go back on a beginning (Qi et al. 2025, "Safety Alignment Should Be Made More Than Just a Few
Tokens Deep", ICLR). Here a beginning carries no loss, so that nobody learns to write it; what is learnt is the row's
own text after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.render import Tags, parse_target
from safecot_dsl.training.errors import TrainingError

if TYPE_CHECKING:
    from safecot_dsl.models.chat import Chat
    from safecot_dsl.training.rows import Row

#: The most words of another row's answer that one begins with.
MOST_WORDS = 8


class BegunAnswers(Frozen):
    """How many rows are trained with an answer that somebody else began, and with which words."""

    share: float = Field(gt=0, le=1, description="The share of rows that are trained so, drawn by their id.")
    texts: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)] | None = Field(
        default=None,
        description="What the answers begin with, one drawn for each row. Default: the first words, up to eight, of "
        "another row's answer, so that a refusal may follow where somebody began to comply.",
    )


def begun_rows(rows: Sequence[Row], begun: BegunAnswers | None, seed: int, tags: Tags) -> Iterator[Row]:
    """The rows, of which a share has an answer that was begun; its text follows on a line of its own.

    `tags` stand around the reasoning in the rows' completions.

    Raises:
        TrainingError: no row has an answer to take words of.
    """
    if begun is None:
        yield from rows
        return
    answers = begun.texts or tuple(sorted({parse_target(row.completion, tags).answer for row in rows} - {""}))
    if not answers:
        raise TrainingError("`begun`: no row has an answer whose first words another could begin with: give `texts`")
    for row in rows:
        if _drawn(seed, "begun", row) >= begun.share * 2**64:
            yield row
            continue
        text = answers[_drawn(seed, "begun text", row) % len(answers)]
        if begun.texts is None:
            words = text.split()
            most = min(MOST_WORDS, max(1, len(words) - 1))  # never all of them, but where there is one
            text = " ".join(words[: 1 + _drawn(seed, "begun words", row) % most])
        yield replace(row, request=replace(row.request, begun=text), completion=f"\n{row.completion}")


def check_may_begin(chat: Chat, rows: Sequence[Row]) -> None:
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


def _drawn(seed: int, purpose: str, row: Row) -> int:
    from safecot_dsl.dataset.selection import draw

    return int.from_bytes(draw(seed, purpose, row.id)[:8], "big")
