"""The costly look at selected candidates: images are opened, answers checked, and asked for where missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from safecot_dsl.artifact import canonical_json
from safecot_dsl.dataset.candidates import Candidate, Judge, LeftOut, Rejected
from safecot_dsl.facts import Item
from safecot_dsl.models.images import ImageError, ImageFault, open_image
from safecot_dsl.storage import Progress, sha256_bytes

#: The answers of a model before tuning, to requests with their encoded images: one each, in their order.
Answerer = Callable[[list[tuple[str, tuple[bytes, ...]]]], list[str]]


class GenerateError(ValueError):
    """No data set can be made: nothing usable in the sources, or (with `strict`) a row that cannot be used."""


@dataclass
class Examiner:
    """Remembers what it has seen: `digests` of the images of every sound candidate, and the model's `answers`, by the
    candidate's key."""

    judge: Judge
    left_out: LeftOut
    strict: bool
    answerer: Answerer | None
    progress: Progress | None
    digests: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    answers: dict[str, str] = field(default_factory=dict[str, str])
    _signatures: dict[str, str] = field(default_factory=dict[str, str])

    def examine(self, candidates: Sequence[Candidate]) -> set[str]:
        """The keys of the candidates that cannot become rows; the reasons are counted. The others are in `digests`.

        Raises :class:`GenerateError` for a broken image where `strict`, and for a model that loses answers.
        """
        failed: set[str] = set()
        asking: list[Candidate] = []
        if self.progress is not None and candidates:
            self.progress.start("checking images and answers", len(candidates), unit="items")
        for candidate in candidates:
            rejected = self._source_answer(candidate) or self._images(candidate)
            if rejected is not None:
                self.left_out.add(rejected)
                failed.add(candidate.key)
            elif candidate.needs_answer and candidate.item.answer is None:
                asking.append(candidate)
            if self.progress is not None:
                self.progress.advance()
        return failed | self._ask(asking)

    def answer(self, candidate: Candidate) -> str | None:
        """The answer of a row that needs one: the source's, else the model's."""
        if not candidate.needs_answer:
            return None
        return self.answers.get(candidate.key, candidate.item.answer)

    def images(self, candidate: Candidate) -> tuple[bytes, ...]:
        """The images of a sound candidate, which must be those that were opened."""
        images = _read(candidate.item)
        if tuple(map(sha256_bytes, images)) != self.digests[candidate.key]:
            raise GenerateError(f"{candidate.item.key}: an image changed while the data set was made; run it again")
        return images

    def _source_answer(self, candidate: Candidate) -> Rejected | None:
        answer = candidate.item.answer
        return self.judge.answer_problem(candidate, answer) if candidate.needs_answer and answer is not None else None

    def _images(self, candidate: Candidate) -> Rejected | None:
        item = candidate.item
        try:
            images = _read(item)
            for data in images:
                open_image(data)
        except ImageError as error:
            if self.strict:
                raise GenerateError(f"{item.key}: {error} (`strict: true`)") from error
            return Rejected(f"image_{error.fault.name.lower()}", f"{item.key}: {error}")
        digests = tuple(map(sha256_bytes, images))
        signature = canonical_json([item.prompt, digests, item.case.to_json()])
        first = self._signatures.setdefault(signature, candidate.key)
        if first != candidate.key:
            return Rejected("duplicate", f"{candidate.key} is {first} again")
        self.digests[candidate.key] = digests
        return None

    def _ask(self, candidates: Sequence[Candidate]) -> set[str]:
        """Ask the model; the keys of the candidates whose answers cannot be used."""
        if not candidates or self.answerer is None:
            return set()
        replies = self.answerer([(candidate.item.prompt, self.images(candidate)) for candidate in candidates])
        if len(replies) != len(candidates):
            raise GenerateError(f"the model gave {len(replies)} answers to {len(candidates)} requests")
        failed: set[str] = set()
        for candidate, reply in zip(candidates, replies, strict=True):
            rejected = self.judge.answer_problem(candidate, reply)
            if rejected is not None:
                self.left_out.add(rejected)
                failed.add(candidate.key)
            else:
                self.answers[candidate.key] = reply
        return failed


def _read(item: Item) -> tuple[bytes, ...]:
    images: list[bytes] = []
    for image in item.images:
        try:
            images.append(image.read())
        except OSError as error:
            raise ImageError(ImageFault.BROKEN, f"{image.name}: {error.strerror or error}") from error
    return tuple(images)
