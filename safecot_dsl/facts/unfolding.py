"""From one record to its requests: prompts, answers and pictures, before any fact is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.facts.description import Description, RequestField, SourcePart
from safecot_dsl.facts.item import LazyImage, Skipped
from safecot_dsl.facts.rows import Where, selected
from safecot_dsl.facts.tables.columnar import StoredBytes
from safecot_dsl.facts.tables.members import MemberBytes
from safecot_dsl.facts.tables.places import FileBytes, FileStore
from safecot_dsl.facts.tables.record import Broken, Record, StoredImage, column, columns_of, filled, is_template
from safecot_dsl.facts.tables.texts import text_problem

_PLACEHOLDER = "<image>"


@dataclass(frozen=True)
class Raw:
    """A request as its source has it: `columns` are what facts are made of, `where` names the row in messages, and
    `place` is where it stands in its file (see :class:`~safecot_dsl.facts.tables.file.TableFile`)."""

    id: str
    prompt: str
    answer: str | None
    images: tuple[LazyImage, ...]
    absent: tuple[str, ...]
    columns: Mapping[str, Any]
    split: str
    where: str
    place: int = 0


@dataclass(frozen=True)
class _Record:
    """A record on its way, with what is known of its place."""

    part: SourcePart
    places: Sequence[FileStore]
    id: str
    row: int
    where: str
    place: int


@dataclass(frozen=True)
class Unfolder:
    """Makes the requests of a source's records. Only those that `wanted` selects are looked at further than that; an
    image may be absent where they are `optional`."""

    description: Description
    root: Path
    wanted: Where
    optional: bool

    def requests(
        self,
        part: SourcePart,
        places: Sequence[FileStore],
        columns: Record,
        record_id: str,
        row: int,
        where: str,
        place: int,
    ) -> Iterator[Raw | Skipped]:
        """The requests of a record, in the order of the description, and why one or all of them are none.

        They are called by the record's id and the request's name; the second member of a list gets `/2`, and so on.
        """
        record = _Record(part, places, record_id, row, where, place)
        given: Counter[str] = Counter()
        for request in self.description.requests_of(part):
            item_id = f"{record_id}/{request.name}" if request.name else record_id
            for unfolded in _unfolded(request, columns):
                prompt = None if isinstance(unfolded, Broken) else _prompt(request, unfolded, row)
                if prompt is None and not isinstance(unfolded, Broken):
                    continue
                given[item_id] += 1
                own_id = item_id if given[item_id] == 1 else f"{item_id}/{given[item_id]}"
                if isinstance(unfolded, Broken):
                    yield self._skipped(own_id, unfolded, where)
                else:
                    yield self._request(record, request, unfolded, prompt, own_id)
        if not given:
            asked = ", ".join(f"`{request.prompt}`" for request in self.description.requests_of(part))
            yield self._skipped(record_id, Broken("malformed", f"there is no request in {asked}"), where)

    def _request(
        self, record: _Record, request: RequestField, columns: Record, prompt: Any, item_id: str
    ) -> Raw | Skipped:
        problem = _text_problem(prompt, "the request")
        if problem is not None:
            return self._skipped(item_id, problem, record.where)
        columns = {**columns, "request": request.name, "prompt": prompt}
        left_out = selected(self.wanted, columns, item_id, self.description.name)
        if left_out is not None:
            return left_out
        answer = column(columns, request.answer) if request.answer is not None else None
        problem = _text_problem(answer, "the answer") if answer is not None else None
        images = self._images(record, request, columns, item_id)
        if problem is not None or isinstance(images, Broken):
            return self._skipped(item_id, problem or images, record.where)  # pyright: ignore[reportArgumentType]
        present, absent = images
        # The LLaVA convention writes a placeholder for each image into the prompt; a chat template puts its own there.
        if 0 < len(present) + len(absent) == prompt.count(_PLACEHOLDER):
            prompt = prompt.replace(_PLACEHOLDER, "").strip()
            if not prompt:
                nothing = Broken("malformed", "the request is nothing but placeholders of images")
                return self._skipped(item_id, nothing, record.where)
        answer = answer if answer is None or answer.strip() else None
        split, where = record.part.split, record.where
        return Raw(item_id, prompt, answer, tuple(present), tuple(absent), columns, split, where, record.place)

    def _images(
        self, record: _Record, request: RequestField, columns: Record, item_id: str
    ) -> tuple[list[LazyImage], list[str]] | Broken:
        """The pictures of a request, and the names of those that are not there and need not be."""
        present: list[LazyImage] = []
        absent: list[str] = []
        for spec in request.images:
            value = filled(spec, columns) if is_template(spec) else column(columns, spec)
            if value is None and is_template(spec):
                return Broken("malformed", f"the image path {spec!r} needs {', '.join(columns_of(spec))}")
            for image in value if isinstance(value, list) else [value]:
                if image is None or image == "":
                    continue
                found = self._image(record, image, spec, f"{item_id}-{len(present) + 1}")
                if isinstance(found, LazyImage):
                    present.append(found)
                elif found.reason == "image_absent" and self.optional:
                    absent.append(str(image.get("path") if isinstance(image, dict) else image))
                else:
                    return found
        return present, absent

    def _image(self, record: _Record, image: Any, spec: str, name: str) -> LazyImage | Broken:
        if isinstance(image, StoredImage):
            name = image.name or name
            return _text_problem(name, "the image's name") or LazyImage(name, StoredBytes(image))
        path = image.get("path") if isinstance(image, dict) else image
        if not isinstance(path, str):
            return Broken("malformed", f"`{spec}` is no path of an image")
        found = _text_problem(path, "the image's path") or self._find(record, path)
        if isinstance(found, Broken):
            return found
        return LazyImage(path, found, Path(found.path) if isinstance(found, FileBytes) else None)

    def _find(self, record: _Record, path: str) -> FileBytes | MemberBytes | Broken:
        """The first place that has the image; where none has, what the worst of them says."""
        problem: Broken | None = None
        for place in record.places:
            found = place.find(path)
            if not isinstance(found, Broken):
                return found
            if problem is None or problem.reason == "image_absent":
                problem = found
        looked = ", ".join(name or "." for name in record.part.images)
        return problem or Broken("image_absent", f"{path}: there is no {looked} in {self.root}")

    def _skipped(self, item_id: str, problem: Broken, where: str) -> Skipped:
        return Skipped(item_id, self.description.name, problem.reason, f"{where}: {problem.detail}")


def _unfolded(request: RequestField, columns: Record) -> Iterator[Record | Broken]:
    if request.each is None:
        yield columns
        return
    members = column(columns, request.each)
    if members is None:
        return
    if not isinstance(members, list):
        yield Broken("malformed", f"`{request.each}` is {type(members).__name__}, not a list")
        return
    for member in members:
        yield {**columns, **member} if isinstance(member, dict) else {**columns, request.each: member}


def _prompt(request: RequestField, columns: Record, row: int) -> Any:
    """What is asked, None where nothing is."""
    if request.prompts:
        return request.prompts[row % len(request.prompts)]
    prompt = column(columns, request.prompt or "")
    return None if isinstance(prompt, str) and not prompt.strip() else prompt


def _text_problem(text: Any, what: str) -> Broken | None:
    if not isinstance(text, str):
        return Broken("malformed", f"{what} is {type(text).__name__}, not a text")
    return text_problem(text, what)
