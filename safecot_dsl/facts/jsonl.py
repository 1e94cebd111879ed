"""Reader of a JSONL file of requests with facts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import Case, CaseError, CompiledPolicy, read_case
from safecot_dsl.facts.item import FactsError, Item, LazyImage, Skipped
from safecot_dsl.facts.mapping import Column, case_of, check_mapping, without_image
from safecot_dsl.facts.rows import inside, read_jsonl, selected
from safecot_dsl.facts.sources import Jsonl

_KEYS = frozenset({"id", "prompt", "images", "facts", "answer", "split"})
_PLACEHOLDER = "<image>"


def read_jsonl_items(source: Jsonl, policy: CompiledPolicy, base_dir: Path) -> Iterator[Item | Skipped]:
    """The items in the order of the file. A line that is no request is skipped; facts that do not fit the policy, and
    unknown keys, raise :class:`FactsError`."""
    path = base_dir / source.path
    check_mapping(policy, source.facts, None, where=source.name)
    columns = {origin.column for origin in source.facts.values() if isinstance(origin, Column)} | source.where.keys()
    known_keys = _KEYS | columns | set(source.ignore)
    for line, record in read_jsonl(path):
        where = f"{path.name}:{line}"
        item_id = str(line)
        if isinstance(record, str):
            yield Skipped(item_id, source.name, "malformed", f"{where}: {record}")
            continue
        unknown = sorted(record.keys() - known_keys)
        if unknown:
            raise FactsError(f"{where}: unknown key `{unknown[0]}`; use it in `facts`, or list it under `ignore`")
        item_id = str(record.get("id", line))
        problem = _problem(record)
        if problem is not None:
            yield Skipped(item_id, source.name, "malformed", f"{where}: {problem}")
            continue
        yield selected(source.where, record, item_id, source.name) or _item(
            source, policy, path.parent, record, item_id, where
        )


def _item(
    source: Jsonl, policy: CompiledPolicy, root: Path, record: dict[str, Any], item_id: str, where: str
) -> Item | Skipped:
    names: list[str] = record.get("images", [])
    images: list[LazyImage] = []
    for name in names:
        path = inside(root, name)
        if path is None:
            return Skipped(item_id, source.name, "path_outside", f"{where}: the image path {name!r} leaves {root}")
        if not path.is_file():
            return Skipped(item_id, source.name, "image_absent", f"{where}: {path} does not exist")
        images.append(LazyImage.of_file(path, name))
    prompt: str = record["prompt"]
    # The LLaVA convention writes a placeholder for each image into the prompt; a chat template puts its own there.
    if names and prompt.count(_PLACEHOLDER) == len(names):
        prompt = prompt.replace(_PLACEHOLDER, "").strip()
    return Item(
        id=item_id,
        source=source.name,
        licence=source.licence,
        prompt=prompt,
        images=tuple(images),
        case=_case(source, policy, record, bool(images), where),
        answer=record.get("answer"),
        split=record.get("split", "train"),
    )


def _case(source: Jsonl, policy: CompiledPolicy, record: dict[str, Any], has_image: bool, where: str) -> Case:
    mapped = case_of(policy, source.facts, record, has_image=has_image, where=where)
    facts = record.get("facts", {})
    try:
        given = read_case(policy, {"facts": facts})
    except CaseError as error:
        raise FactsError(f"{where}: {error}") from None
    left = {name: value for name, value in mapped.known.items() if name not in facts}
    cannot_tell = given.cannot_tell | frozenset(name for name in mapped.cannot_tell if name not in facts)
    case = Case({**left, **given.known}, cannot_tell)
    return case if has_image else without_image(policy, case)


def _problem(record: dict[str, Any]) -> str | None:
    if not isinstance(record.get("prompt"), str) or not record["prompt"].strip():
        return "`prompt` is not a text"
    images = record.get("images", [])
    if not isinstance(images, list) or not all(isinstance(name, str) for name in images):
        return "`images` is not a list of paths"
    if not isinstance(record.get("facts", {}), dict):
        return "`facts` is not an object"
    for key in ("answer", "split"):
        if record.get(key) is not None and not isinstance(record[key], str):
            return f"`{key}` is not a text"
    return None
