"""What is asked of a model, and what everything that answers has in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from safecot_dsl.storage import Progress


@dataclass(frozen=True)
class Request:
    """One user turn: encoded images (PNG, JPEG, WebP or GIF), in order, and the text that follows them.

    `system` stands before it, such as a policy prompt; empty for none. `begun` is what the answer begins with, whoever
    wrote it: the model goes on from there, and its answer holds it.
    """

    prompt: str
    images: tuple[bytes, ...] = ()
    system: str = ""
    begun: str = ""


class VisionLanguageModel(Protocol):
    """Answers requests, in their order, with the text of one assistant turn each."""

    def generate(
        self,
        requests: Sequence[Request],
        *,
        max_new_tokens: int,
        batch_size: int,
        progress: Progress | None = None,
    ) -> list[str]:
        """One answer a request. `progress` is advanced by the requests answered; its phase is the caller's."""
        ...


class ScriptedModel:
    """Answers by a function: the baselines of a comparison ("refuse everything"), and tests."""

    def __init__(self, answer: Callable[[Request], str]) -> None:
        self._answer = answer

    def generate(
        self,
        requests: Sequence[Request],
        *,
        max_new_tokens: int,
        batch_size: int,
        progress: Progress | None = None,
    ) -> list[str]:
        """The function's answers; `max_new_tokens` and `batch_size` have no meaning here."""
        answers: list[str] = []
        for request in requests:
            answers.append(self._answer(request))
            if progress is not None:
                progress.advance()
        return answers
