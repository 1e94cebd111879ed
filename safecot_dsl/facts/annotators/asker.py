"""Who answers a model annotator's questions, and how its answers are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from safecot_dsl.facts.annotators.caching import digest_key
from safecot_dsl.facts.annotators.settings import Model
from safecot_dsl.models import (
    Asker,
    Counts,
    Endpoint,
    Failure,
    LocalAsker,
    ModelError,
    Question,
    Reply,
    load_model,
    model_digest,
)
from safecot_dsl.storage import Cache, Progress, sha256_bytes

_CHUNK = 16  # questions whose answers are kept together: what a kill can lose


def open_asker(settings: Model, base_dir: Path, cache: Cache | None, asker: Asker | None) -> Asker:
    """The model that the settings name, else `asker`, whose answers are kept in the cache too.

    Raises :class:`ModelError` where there is nobody to ask.
    """
    if settings.endpoint is not None:
        return Endpoint(settings.endpoint, cache=cache)
    if settings.local is not None:
        folder = base_dir / settings.local
        model = str(folder) if folder.is_dir() else settings.local
        return KeptAsker(_LocalLater(model, settings.max_tokens), cache)
    if asker is None:
        raise ModelError("a model annotator has nobody to ask: give it an `endpoint`, or a `local` model")
    # An endpoint keeps its answers itself.
    return asker if isinstance(asker, Endpoint) else KeptAsker(asker, cache)


class _LocalLater:
    """A local model that is loaded when it is first asked, and named by what it is."""

    def __init__(self, model: str, max_new_tokens: int) -> None:
        self.model, self.name = model, Path(model).name
        self.counts = Counts()
        self._max_new_tokens = max_new_tokens
        self._opened: LocalAsker | None = None

    @property
    def version(self) -> str:
        """Names the weights and the length of the answers, for the cache."""
        return f"{model_digest(self.model)}/{self._max_new_tokens}"

    def ask(self, questions: Sequence[Question], *, progress: Progress | None = None) -> list[Reply | Failure]:
        if self._opened is None:
            self._opened = LocalAsker(load_model(self.model), self.name, max_new_tokens=self._max_new_tokens)
            self._opened.counts = self.counts
        return self._opened.ask(questions, progress=progress)


class KeptAsker:
    """Asks another asker what the cache does not know, and keeps its replies; failures are asked again next time.

    The other is known by its `name`, and by its `version` where it has one.
    """

    def __init__(self, asker: Asker, cache: Cache | None) -> None:
        self.name = asker.name
        self.counts = asker.counts
        self._asker, self._cache = asker, cache
        self._version: str | None = None

    def ask(self, questions: Sequence[Question], *, progress: Progress | None = None) -> list[Reply | Failure]:
        """One reply or failure a question, in their order; the same question twice is asked once."""
        keys = [self._key(question) for question in questions]
        kept = self._cache.get_many(keys) if self._cache is not None else {}
        found: dict[str, Reply | Failure] = {key: self._reply(text) for key, text in kept.items()}
        self.counts.cached += len(kept)
        if progress is not None:
            progress.advance(len(kept))
        fresh = [(key, question) for key, question in zip(keys, questions, strict=True) if key not in found]
        waiting = list(dict(fresh).items())
        for start in range(0, len(waiting), _CHUNK):
            some = waiting[start : start + _CHUNK]
            answers = self._asker.ask([question for _, question in some], progress=progress)
            made = dict(zip((key for key, _ in some), answers, strict=True))
            found.update(made)
            if self._cache is not None:
                replies = {key: answer for key, answer in made.items() if isinstance(answer, Reply)}
                self._cache.put_many({key: json.dumps([a.text, a.model, a.cut]) for key, a in replies.items()})
        return [found[key] for key in keys]

    def _key(self, question: Question) -> str:
        if self._version is None:
            self._version = str(getattr(self._asker, "version", ""))
        images = [sha256_bytes(image) for image in question.images]
        schema = dict(question.schema) if question.schema is not None else None
        told = [question.system, question.prompt, images, schema, question.seed]
        return digest_key("asked", 1, self.name, self._version, told)

    def _reply(self, text: str) -> Reply:
        answer, model, cut = json.loads(text)
        return Reply(answer, model, cached=True, cut=cut)
