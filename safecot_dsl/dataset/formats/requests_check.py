"""The rules on rows whose answers a model writes and a policy rewards: TRL's, verl's and ms-swift's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats import swift, trl, verl
from safecot_dsl.dataset.formats.images import ImageChecks, image_list
from safecot_dsl.dataset.formats.lines import UnreadableError, read_records
from safecot_dsl.dataset.formats.model import CheckOptions, FormatFault, FormatRule
from safecot_dsl.dataset.formats.reporting import Ids, faults_of, file_fault, nothing_there
from safecot_dsl.dataset.formats.turns import USER, Turn, Violation, marker_faults, placeholder_faults, role_faults
from safecot_dsl.facts import image_placeholder


@dataclass(frozen=True)
class _Kind:
    """Where a tool looks: its files, the columns that have to be there, that of the turns, that of the facts, and what
    stands in a text for an image (None: nothing may)."""

    files: Callable[[Path], Iterator[Path]]
    columns: tuple[str, ...]
    turns: str
    facts: tuple[str, ...]
    placeholder: str | None


def check_trl(path: Path, options: CheckOptions) -> Iterator[FormatFault]:
    """What keeps `GRPOTrainer`, or the rewards that it calls, from using the rows as they are meant."""
    return _check(path, options, _TRL)


def check_verl(path: Path, options: CheckOptions) -> Iterator[FormatFault]:
    """What keeps verl's `RLHFDataset`, or `compute_score`, from using the rows as they are meant."""
    return _check(path, options, _VERL)


def check_swift(path: Path, options: CheckOptions) -> Iterator[FormatFault]:
    """What keeps ms-swift, or its reward plugin, from using the rows as they are meant."""
    return _check(path, options, _SWIFT)


def _swift_files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        found = (file for pattern in ("*", "*/*.parquet") for file in sorted(path.glob(pattern)))
        yield from (file for file in found if file.suffix in (".jsonl", ".json", ".parquet"))


_TRL = _Kind(trl.iter_files, tuple(trl.GRPO), "prompt", ("facts",), None)
_VERL = _Kind(trl.iter_files, tuple(verl.ROWS), "prompt", ("reward_model", "ground_truth"), verl.PLACEHOLDER)
_SWIFT = _Kind(_swift_files, tuple(swift.GRPO), "messages", ("facts",), swift.PLACEHOLDER)


def _check(path: Path, options: CheckOptions, kind: _Kind) -> Iterator[FormatFault]:
    root = path if path.is_dir() else path.parent
    files = list(kind.files(path))
    if not files:
        yield nothing_there(path, "rows")
    ids, images = Ids(), ImageChecks(options.image_root or root, decode=options.decode)
    for file in files:
        name = file.relative_to(root).as_posix()
        try:
            for record in read_records(file):
                options.seen()
                if record.fault is not None:
                    fault = Violation(FormatRule.READABLE, record.fault, "write the line anew")
                    yield from faults_of(name, record.row, None, [fault])
                    continue
                id = record.value.get("id")
                yield from faults_of(name, record.row, id, ids.faults(id, name, record.row))
                yield from faults_of(name, record.row, id, _row_faults(record.value, kind, images))
        except UnreadableError as error:
            yield file_fault(name, Violation(FormatRule.READABLE, str(error), "write the file again"))


def _row_faults(row: Mapping[str, Any], kind: _Kind, checks: ImageChecks) -> Iterator[Violation]:
    missing = [name for name in kind.columns if name not in row]
    turns = _turns(row.get(kind.turns))
    if missing or turns is None:
        fault = f"there is no column `{missing[0]}`" if missing else f"`{kind.turns}` is no list of messages"
        yield Violation(FormatRule.COLUMNS, fault, "write the columns as `safecotc data export` does")
        return
    images = image_list(row["images"])
    yield from role_faults(turns, last=USER)
    if kind.placeholder is not None:
        yield from placeholder_faults(turns, len(images), kind.placeholder)
        yield from marker_faults(turns, kind.placeholder)
    else:
        for turn in turns:
            found = image_placeholder(turn.text)
            if found:
                mend = "take it out: the trainer puts the images before the first user turn"
                yield Violation(FormatRule.PLACEHOLDERS, f"the {turn.role} turn holds `{found}`", mend)
            else:
                yield from marker_faults([turn])
    for fault, mend in checks.faults(images):
        yield Violation(FormatRule.IMAGES, fault, mend)
    yield from _facts_faults(row, kind.facts)


def _turns(messages: Any) -> list[Turn] | None:
    if not isinstance(messages, list) or not messages:
        return None
    turns: list[Turn] = []
    for message in messages:
        role, text = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if not isinstance(role, str) or not isinstance(text, str):
            return None
        turns.append(Turn(role, text))
    return turns


def _facts_faults(row: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[Violation]:
    held: Any = row
    for name in place:
        held = held.get(name) if isinstance(held, Mapping) else None
    try:
        case = json.loads(held) if isinstance(held, str) else None
    except (ValueError, RecursionError):
        case = None
    if not isinstance(case, dict):
        where = ".".join(place)
        yield Violation(
            FormatRule.POLICY,
            f"`{where}` is no case as JSON: an answer to it has no reward, or the run stops",
            'write it as `safecotc decide` takes it: {"facts": {…}}',
        )
