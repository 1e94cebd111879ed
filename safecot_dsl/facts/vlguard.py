"""Reader of VLGuard's `train.json`: images labelled safe or harmful, with instructions and responses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.facts.item import FactsError, Item, LazyImage, Skipped
from safecot_dsl.facts.mapping import case_of, check_mapping
from safecot_dsl.facts.rows import check_where, inside, selected
from safecot_dsl.facts.sources import VLGuard

_ROLES = ("instruction", "safe_instruction", "unsafe_instruction")
_COLUMNS = ("role", "safe", "harmful_category", "harmful_subcategory", "image", "prompt")
_LICENCE = "research use (VLGuard)"


def read_vlguard(source: VLGuard, policy: CompiledPolicy, base_dir: Path) -> Iterator[Item | Skipped]:
    """One item an instruction, in the order of the file. Raises :class:`FactsError` where file or mapping is unfit."""
    root = base_dir / source.root
    check_mapping(policy, source.facts, _COLUMNS, where="vlguard")
    check_where(source.where, _COLUMNS, "vlguard")
    seen: dict[str, int] = {}
    for number, record in enumerate(_load(root / "train.json")):
        problem = _problem(record)
        if problem is not None:
            yield Skipped(f"record_{number}", "vlguard", "malformed", f"record {number} of train.json: {problem}")
            continue
        # An id stands twice in the published file (Ads_303871, with two different pairs of instructions).
        record_id = str(record["id"])
        seen[record_id] = seen.get(record_id, 0) + 1
        if seen[record_id] > 1:
            record_id = f"{record_id}#{seen[record_id]}"
        for pair in record["instr-resp"]:
            role = next(role for role in _ROLES if role in pair)
            yield _item(source, policy, root, record, f"{record_id}/{role}", role, pair)


def _item(
    source: VLGuard,
    policy: CompiledPolicy,
    root: Path,
    record: dict[str, Any],
    item_id: str,
    role: str,
    pair: dict[str, str],
) -> Item | Skipped:
    name: str = record["image"]
    row = {column: record.get(column) for column in _COLUMNS[1:5]} | {"role": role, "prompt": pair[role]}
    left_out = selected(source.where, row, item_id, "vlguard")
    if left_out is not None:
        return left_out
    path = inside(root / "images", name)
    if path is None:
        return Skipped(item_id, "vlguard", "path_outside", f"the image path {name!r} leaves {root / 'images'}")
    present = path.is_file()
    if not present and source.images == "required":
        return Skipped(item_id, "vlguard", "image_absent", f"{path} does not exist")
    return Item(
        id=item_id,
        source="vlguard",
        licence=_LICENCE,
        prompt=pair[role],
        images=(LazyImage.of_file(path, name),) if present else (),
        absent_images=() if present else (name,),
        case=case_of(policy, source.facts, row, has_image=present, where=f"vlguard row {item_id}"),
        answer=pair["response"],
        meta={column: str(record[column]) for column in _COLUMNS[2:4] if record.get(column)} | {"role": role},
    )


def _load(path: Path) -> list[Any]:
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise FactsError(f"cannot read {path}: {error.strerror}; set the source's `root` to VLGuard's folder") from None
    except (ValueError, RecursionError) as error:
        raise FactsError(f"{path} is not JSON: {error}") from None
    if not isinstance(data, list):
        raise FactsError(f"{path} is not a list of records")
    return data


def _problem(record: Any) -> str | None:
    """What keeps a record from being read, or None."""
    if not isinstance(record, dict):
        return "not an object"
    for key in ("id", "image"):
        if not isinstance(record.get(key), str):
            return f"`{key}` is not a text"
    if not isinstance(record.get("safe"), bool):
        return "`safe` is neither true nor false"
    pairs = record.get("instr-resp")
    if not isinstance(pairs, list) or not pairs:
        return "`instr-resp` is not a list of pairs"
    for pair in pairs:
        if not isinstance(pair, dict) or not all(isinstance(value, str) for value in pair.values()):
            return "a pair in `instr-resp` is not an object of texts"
        if "response" not in pair or sum(role in pair for role in _ROLES) != 1:
            return f"a pair in `instr-resp` needs `response` and one of {', '.join(_ROLES)}"
    return None
