"""Answers drawn from the model as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from safecot_dsl.models import Request
from safecot_dsl.models.chat import Chat
from safecot_dsl.models.sampling import Sampling
from safecot_dsl.models.writing import GeneratedTokens, answer_text, write
from safecot_dsl.training.grpo.settings import GrpoSettings


@dataclass(frozen=True)
class DrawnAnswer:
    """An answer: its tokens, the end of the turn included, and its text. `finished` says that it came to its end; one
    that did not may have no token at all."""

    ids: tuple[int, ...]
    text: str
    finished: bool


def draw_answers(
    model: Any,
    chat: Chat,
    requests: Sequence[Request],
    keys: Sequence[str],
    settings: GrpoSettings,
    *,
    seed: int,
    at_once: int,
) -> list[DrawnAnswer]:
    """One answer for each request, in their order.

    What is drawn hangs on the seed, the answer's key and the weights: neither the batch nor the number of processes
    changes it, but for rounding. An answer is cut where it writes a token that steers the conversation (an image, a
    turn of the user's): what stands after it would be no answer.
    """
    drawn: dict[int, DrawnAnswer] = {}
    steering = chat.control_ids - chat.stop_ids
    was_training = model.training
    model.eval()
    for number, written in write(
        model,
        chat,
        requests,
        max_new_tokens=settings.max_completion_length,
        batch_size=at_once,
        sampling=Sampling(settings.temperature, settings.top_p, seed),
        keys=keys,
    ):
        place = next((i for i, token in enumerate(written.ids) if token in steering), None)
        kept = written if place is None else GeneratedTokens(written.ids[:place], ended=False)
        drawn[number] = DrawnAnswer(kept.ids, answer_text(chat, requests[number], kept), kept.ended)
    model.train(was_training)
    return [drawn[number] for number in range(len(requests))]
