"""Questions to a model that is not the one being trained: a writer, an annotator, a judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from safecot_dsl.models.interface import Request, VisionLanguageModel
from safecot_dsl.storage import Progress


@dataclass(frozen=True)
class Question:
    """One system turn and one user turn: the encoded images in order, then the text.

    `schema` is a JSON Schema that the reply is to fit; the endpoint is asked to enforce it, and the caller checks it
    all the same. `seed` tells repeated draws of one question apart, in the sampler and in the cache. `begun` is what
    the answer begins with: the model goes on from there, and the reply holds it.
    """

    prompt: str
    system: str | None = None
    images: tuple[bytes, ...] = ()
    schema: Mapping[str, Any] | None = None
    seed: int | None = None
    begun: str = ""


@dataclass(frozen=True)
class Reply:
    """A model's text. `cached` says that it was not asked again; `cut` that it ended at the token limit."""

    text: str
    model: str
    cached: bool = False
    cut: bool = False
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True)
class Failure:
    """A question that got no text. `reason` is what failures are counted by: `timeout`, `http 503`, `empty`, …"""

    reason: str
    detail: str = ""


@dataclass
class Counts:
    """What asking came to so far; `cost` is in the currency of the settings' prices, None without prices."""

    asked: int = 0
    cached: int = 0
    retried: int = 0
    failed: dict[str, int] = field(default_factory=dict[str, int])
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None


class Asker(Protocol):
    """What questions are put to. `name` identifies the model in provenance."""

    name: str
    counts: Counts

    def ask(self, questions: Sequence[Question], *, progress: Progress | None = None) -> list[Reply | Failure]:
        """One reply or failure a question, in their order; never raises for a single question's fault."""
        ...


class LocalAsker:
    """A local model as an asker; a schema is not enforced."""

    def __init__(
        self, model: VisionLanguageModel, name: str, *, max_new_tokens: int = 512, batch_size: int = 8
    ) -> None:
        self.name = name
        self.counts = Counts()
        self._model = model
        self._max_new_tokens = max_new_tokens
        self._batch_size = batch_size

    def ask(self, questions: Sequence[Question], *, progress: Progress | None = None) -> list[Reply | Failure]:
        """One reply a question; a model that loses answers raises `RuntimeError`."""
        requests = [Request(each.prompt, each.images, each.system or "", each.begun) for each in questions]
        texts = self._model.generate(
            requests, max_new_tokens=self._max_new_tokens, batch_size=self._batch_size, progress=progress
        )
        if len(texts) != len(questions):
            raise RuntimeError(f"the model gave {len(texts)} answers to {len(questions)} questions")
        self.counts.asked += len(questions)
        found: list[Reply | Failure] = []
        for text in texts:
            if text.strip():
                found.append(Reply(text, self.name))
            else:
                self.counts.failed["empty"] = self.counts.failed.get("empty", 0) + 1
                found.append(Failure("empty"))
        return found
