"""The costly look at candidates: images are opened, answers checked, and asked for where missing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from safecot_dsl.artifact import canonical_json
from safecot_dsl.dataset.candidates import Candidate, Rejected
from safecot_dsl.dataset.errors import GenerateError
from safecot_dsl.dataset.rows import RowImage
from safecot_dsl.dataset.setup import Worker
from safecot_dsl.facts import LazyImage
from safecot_dsl.models.images import ImageError, ImageFault, open_image

#: The answers of a model before tuning, to requests with their encoded images: one each, in their order.
Answerer = Callable[[list[tuple[str, tuple[bytes, ...]]]], list[str]]

#: Requests that a model is asked at once. It is fixed, since what stands in a batch can change the last bits of what a
#: local model computes, and a run that goes on after a kill must ask in the same batches.
ASKED_AT_ONCE = 64
#: Files whose digests are remembered, where rows name images and do not hold them.
_REMEMBERED = 1 << 16


@dataclass(frozen=True)
class SeenImage:
    """An image that was opened. `path` is where its file is from the image root, None where the row must hold the
    bytes; `sha256` is the hexadecimal digest of its bytes."""

    image: LazyImage
    sha256: str
    path: str | None
    _data: bytes | None = None

    def of_row(self) -> RowImage:
        """The image as a row has it."""
        return RowImage(self.path or self.image.name, self.sha256, None if self.path is not None else self.read())

    @property
    def held(self) -> int:
        """How many bytes are held in memory for it."""
        return len(self._data) if self._data is not None else 0

    def let_go(self) -> SeenImage:
        """The same image, whose bytes are read again when they are asked for."""
        return replace(self, _data=None)

    def read(self) -> bytes:
        """Its bytes.

        Raises :class:`GenerateError` where they are no longer those that were opened.
        """
        if self._data is not None:
            return self._data
        data = _read(self.image)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise GenerateError(f"{self.image.name}: the image changed while the data set was made; run it again")
        return data


class ImageOpener:
    """Opens images, and remembers the files that several requests are about."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._by_reference = worker.recipe.images == "reference"
        self._root = worker.setup.base_dir.resolve()
        self._files: dict[str, SeenImage | ImageError] = {}

    def examine(self, candidate: Candidate) -> tuple[SeenImage, ...] | Rejected:
        """The images of a candidate, opened, or why it cannot become a row."""
        item, judge = candidate.item, self._worker.judge
        if candidate.needs_answer and item.answer is not None:
            rejected = judge.answer_problem(candidate, item.answer)
            if rejected is not None:
                return rejected
        try:
            return tuple(map(self._see, item.images))
        except ImageError as error:
            return Rejected(f"image_{error.fault.name.lower()}", f"{item.key}: {error}")

    def _see(self, image: LazyImage) -> SeenImage:
        if not self._by_reference or image.path is None:
            data = _read(image)
            open_image(data)
            return SeenImage(image, hashlib.sha256(data).hexdigest(), None, data)
        file = str(image.path)
        seen = self._files.get(file)
        if seen is None:
            if len(self._files) >= _REMEMBERED:
                self._files = {}
            seen = self._files[file] = self._opened(image, image.path)
        if isinstance(seen, ImageError):
            raise seen
        return seen

    def _opened(self, image: LazyImage, path: Path) -> SeenImage | ImageError:
        try:
            data = _read(image)
            open_image(data)
        except ImageError as error:
            return error
        from_root = Path(os.path.relpath(path.resolve(), self._root)).as_posix()
        return SeenImage(image, hashlib.sha256(data).hexdigest(), from_root)


def signature(prompt: str, images: Iterable[str], facts: str, under: str = "") -> bytes:
    """16 bytes that two rows share where one teaches what the other does: the same words, images (their SHA-256) and
    facts, as they stand in the rows, under the same policy (`under`: see :class:`PolicyRows`)."""
    content = "\0".join((prompt, *images, facts, *((under,) if under else ())))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).digest()[:16]


def ask(worker: Worker, asked: Sequence[tuple[Candidate, tuple[SeenImage, ...]]]) -> list[str | Rejected]:
    """The model's answers to requests that the source leaves open, or why one cannot be used; one each, in order.

    Answers are kept by content, so that neither a run that was killed nor one under another policy asks again.

    Raises :class:`GenerateError` for a model that loses answers.
    """
    answers: list[str | Rejected] = []
    for start in range(0, len(asked), ASKED_AT_ONCE):
        some = asked[start : start + ASKED_AT_ONCE]
        replies = _asked_once(worker, some)
        for (candidate, _), reply in zip(some, replies, strict=True):
            answers.append(worker.judge.answer_problem(candidate, reply) or reply)
    return answers


def _asked_once(worker: Worker, asked: Sequence[tuple[Candidate, tuple[SeenImage, ...]]]) -> list[str]:
    """The answers to a few requests, each kept by its own content: what else was asked may change with the policy."""
    if worker.answerer is None:
        raise GenerateError("there is no model to ask")  # the judge lets nothing through that would need one
    keys = [_answer_key(worker, one, images) for one, images in asked]
    kept = worker.cache.get_many(keys)
    missing = {key: request for key, request in zip(keys, asked, strict=True) if key not in kept}
    if missing:
        replies = worker.answerer(
            [(one.item.prompt, tuple(i.read() for i in images)) for one, images in missing.values()]
        )
        if len(replies) != len(missing):
            raise GenerateError(f"the model gave {len(replies)} answers to {len(missing)} requests")
        # As JSON: an answer may hold half a surrogate pair, which has no UTF-8 form.
        fresh = {key: json.dumps(reply) for key, reply in zip(missing, replies, strict=True)}
        worker.cache.put_many(fresh)
        kept |= fresh
    return [json.loads(kept[key]) for key in keys]


def _answer_key(worker: Worker, candidate: Candidate, images: Sequence[SeenImage]) -> str:
    request = [candidate.item.prompt, [image.sha256 for image in images]]
    content = canonical_json(["answer", worker.setup.answers, request])
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _read(image: LazyImage) -> bytes:
    try:
        return image.read()
    except OSError as error:
        raise ImageError(ImageFault.BROKEN, f"{image.name}: {error.strerror or error}") from error
