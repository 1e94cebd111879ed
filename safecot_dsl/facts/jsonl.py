"""A JSONL file of requests with facts, opened."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import Case, CompiledPolicy, Value
from safecot_dsl.facts.blocks import Block, Checked, cut
from safecot_dsl.facts.cases.columns import meant_fact
from safecot_dsl.facts.cases.faults import CasesError, Faults
from safecot_dsl.facts.cases.file import json_row
from safecot_dsl.facts.item import Item, LazyImage, RowError, Skipped
from safecot_dsl.facts.mapping import ColumnValue, case_of, check_mapping, dropped_facts, without_image
from safecot_dsl.facts.rows import selected
from safecot_dsl.facts.sources import Jsonl
from safecot_dsl.facts.tables.file import Location
from safecot_dsl.facts.tables.ids import Repeated, may_repeat, repeated_ids
from safecot_dsl.facts.tables.lines import Lines, json_object
from safecot_dsl.facts.tables.members import MemberBytes
from safecot_dsl.facts.tables.places import FileBytes, Folder
from safecot_dsl.facts.tables.record import Broken, Record
from safecot_dsl.facts.tables.texts import text_problem

#: A case, and the facts of an image that it lost.
_Read = tuple[Case, tuple[str, ...]]
_NOTHING: tuple[Value, ...] = ("", frozenset())  # what is true of a request without an image, too
_KEYS = frozenset({"id", "prompt", "images", "facts", "answer", "split"})
_PLACEHOLDER = "<image>"
_MAX_ID = 300
#: So many cases and images that come again are kept, and the longest facts (in bytes) of which they are.
_KEPT = 1 << 14
_LONGEST = 2048
# A line that begins with a plain id; most files of requests are written so.
_ID_FIRST = re.compile(rb'\s*\{\s*"id"\s*:\s*(?:"([^"\\]+)"|([1-9][0-9]{0,17}))\s*[,}]')


@dataclass
class JsonlSource:
    """The open source that a :class:`Jsonl` names. An item is called by its `id`, or by the number of its line."""

    source: Jsonl
    policy: CompiledPolicy
    path: Path
    lines: Lines
    repeated: Repeated
    checked: Checked = "files"
    _known: frozenset[str] = field(default=frozenset(), repr=False)
    # Both are worked out from what the lines say alone; whoever gets a case or an image only reads it.
    _cases: dict[tuple[str, bool], _Read] = field(default_factory=dict, init=False, repr=False, compare=False)
    _images: dict[str, LazyImage] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def open(cls, source: Jsonl, policy: CompiledPolicy, base_dir: Path) -> JsonlSource:
        """Raises :class:`FactsError` where the file cannot be read, or the mapping does not fit the policy."""
        check_mapping(policy, source.facts, None, where=source.name)
        path = base_dir / source.path
        lines = Lines.of(Location(str(path)))
        columns = {origin.column.split(".")[0] for origin in source.facts.values() if isinstance(origin, ColumnValue)}
        known = _KEYS | columns | policy.fact_index.keys() | source.where.keys() | set(source.ignore)
        repeated = repeated_ids(lambda: _ids(lines)) if may_repeat(_quick_ids(lines)) else Repeated()
        return cls(source, policy, path, lines, repeated, _known=known)

    def __getstate__(self) -> dict[str, Any]:
        """Another process keeps its own."""
        return {**self.__dict__, "_cases": {}, "_images": {}}

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def licence(self) -> str:
        return self.source.licence

    @property
    def commercial(self) -> bool:
        return self.source.commercial

    def blocks(self) -> Iterable[Block]:
        return cut(self.lines.rows)

    def read(self, block: Block) -> list[Item | Skipped]:
        """Raises :class:`CasesError` for facts that do not fit the policy, and for unknown keys, with all of them that
        the file has."""
        try:
            rows = self.lines.read(block.start, block.stop)
            return [self._entry(line - 1, record) for line, record in rows if record is not None]
        except RowError:
            raise self._all_faults() from None

    def _all_faults(self) -> CasesError:
        faults = Faults(self.path.name)
        for line, record in self.lines.read(0, self.lines.rows):
            try:
                _ = None if record is None else self._entry(line - 1, record)
            except RowError as error:
                for fault in error.faults:
                    faults.add(fault, line)
        return faults.error()

    def _entry(self, row: int, record: Record | Broken) -> Item | Skipped:
        where = f"{self.path.name}:{row + 1}"
        if isinstance(record, Broken):
            return Skipped(str(row + 1), self.name, record.reason, f"{where}: {record.detail}")
        if not record.keys() <= self._known:
            unknown = sorted(record.keys() - self._known)
            raise RowError(where, tuple(_unknown_key(self.policy, key) for key in unknown))
        item_id = _id(record, row)
        if isinstance(item_id, Broken):
            return Skipped(str(row + 1), self.name, item_id.reason, f"{where}: {item_id.detail}")
        if self.repeated:
            item_id += self.repeated.get(row, "")
        problem = _problem(record)
        if problem is not None:
            return Skipped(item_id, self.name, problem.reason, f"{where}: {problem.detail}")
        return selected(self.source.where, record, item_id, self.name) or self._item(record, item_id, where)

    def _item(self, record: Record, item_id: str, where: str) -> Item | Skipped:
        names: list[str] = record.get("images", [])
        images: list[LazyImage] = []
        for name in names:
            image = self._image(name)
            if isinstance(image, Broken):
                return Skipped(item_id, self.name, image.reason, f"{where}: {image.detail}")
            images.append(image)
        prompt: str = record["prompt"]
        # The LLaVA convention writes a placeholder for each image into the prompt; a chat template puts its own there.
        if names and prompt.count(_PLACEHOLDER) == len(names):
            prompt = prompt.replace(_PLACEHOLDER, "").strip()
        read = self._sound_case(record, bool(images), where)
        if isinstance(read, Broken):
            return Skipped(item_id, self.name, read.reason, f"{where}: {read.detail}")
        case, dropped = read
        return Item(
            id=item_id,
            source=self.name,
            licence=self.licence,
            prompt=prompt,
            images=tuple(images),
            case=case,
            answer=record.get("answer"),
            split=record.get("split") or "train",
            commercial=self.commercial,
            dropped=dropped,
        )

    def _image(self, name: str) -> LazyImage | Broken:
        image = self._images.get(name)
        if image is None:
            found = Folder(self.path.parent).find(name)
            if isinstance(found, Broken):
                return found
            if len(self._images) >= _KEPT:
                self._images.clear()
            image = self._images[name] = _image(name, found)
        return image

    def _sound_case(self, record: Record, has_image: bool, where: str) -> _Read | Broken:
        """The case of a record whose texts can be used; equal facts give the same object."""
        # Unlike a comparison, the text tells `1` from `true` and from `1.0`.
        own = self.policy.fact_index.keys() & record.keys()
        key = repr(record.get("facts")) if not self.source.facts and not own else None
        read = self._cases.get((key, has_image)) if key is not None else None
        if read is not None:
            return read
        read = case, _ = self._case(record, own, has_image, where)
        for name, value in case.known.items():
            problem = text_problem(value, f"`{name}`") if isinstance(value, str) else None
            if problem is not None:
                return problem
        if key is not None and len(key) <= _LONGEST:
            if len(self._cases) >= _KEPT:
                self._cases.clear()
            self._cases[key, has_image] = read
        return read

    def _case(self, record: Record, own: Collection[str], has_image: bool, where: str) -> _Read:
        """The case, and the facts of an image that it lost. `own` are the facts that are keys of the record itself."""
        facts: dict[str, Any] = record.get("facts", {})
        given = json_row(self.policy, {"facts": facts}, 0)
        if given.case is None:
            raise RowError(where, given.faults)
        case = given.case
        mapping = {**{name: ColumnValue(column=name) for name in own}, **self.source.facts}
        mapping = {name: origin for name, origin in mapping.items() if name not in facts}
        if mapping:
            mapped = case_of(self.policy, mapping, record, has_image=has_image, where=where)
            case = Case({**mapped.known, **case.known}, case.cannot_tell | mapped.cannot_tell)
        if has_image:
            return case, ()
        lost = [name for name, value in given.case.known.items() if name.startswith("image.") and value not in _NOTHING]
        return without_image(self.policy, case), (*lost, *dropped_facts(self.policy, mapping, record))


def _unknown_key(policy: CompiledPolicy, key: str) -> str:
    meant = meant_fact(policy, key) if key.startswith(("image.", "query.", "context.")) else None
    also = f"did you mean `{meant}`?" if meant else "use it in `facts`, or list it under `ignore`"
    return f"unknown key `{key}`; {also}"


def _image(name: str, found: FileBytes | MemberBytes) -> LazyImage:
    return LazyImage(name, found, Path(found.path) if isinstance(found, FileBytes) else None)


def _quick_ids(lines: Lines) -> Iterator[bytes]:
    """The ids of the lines; where lines are broken, perhaps more. A line that begins with its id is not parsed."""
    for row, line in enumerate(lines.raw()):
        first = _ID_FIRST.match(line)
        # No other key may be called so, not even in escapes (`\\u0069d`).
        if first is not None and line.count(b'"id"') == 1 and b"\\u006" not in line:
            yield first[1] or first[2]
            continue
        record = json_object(line)
        found = _id(record, row) if isinstance(record, dict) else None
        if isinstance(found, str):
            yield found.encode()


def _ids(lines: Lines) -> Iterator[tuple[int, str]]:
    for line, record in lines.read(0, lines.rows):
        if isinstance(record, dict):
            found = _id(record, line - 1)
            if isinstance(found, str):
                yield line - 1, found


def _id(record: Record, row: int) -> str | Broken:
    value = record.get("id")
    if value is None:
        return str(row + 1)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return Broken("malformed", "`id` is neither a text nor a whole number")
    name = str(value)
    if len(name) > _MAX_ID:
        return Broken("malformed", f"`id` has {len(name):,} characters, above the limit of {_MAX_ID}")
    return text_problem(name, "`id`") or name


def _problem(record: Record) -> Broken | None:
    if not isinstance(record.get("prompt"), str) or not record["prompt"].strip():
        return Broken("malformed", "`prompt` is not a text")
    images = record.get("images", [])
    if not isinstance(images, list) or not all(isinstance(name, str) for name in images):
        return Broken("malformed", "`images` is not a list of paths")
    if not isinstance(record.get("facts", {}), dict):
        return Broken("malformed", "`facts` is not an object")
    for key in ("answer", "split"):
        if record.get(key) is not None and not isinstance(record[key], str):
            return Broken("malformed", f"`{key}` is not a text")
    for key, value in (("prompt", record["prompt"]), ("answer", record.get("answer")), ("split", record.get("split"))):
        problem = text_problem(value, f"`{key}`") if isinstance(value, str) else None
        if problem is not None:
            return problem
    return next((problem for name in images if (problem := text_problem(name, "the image's path"))), None)
