"""What a data set of our own says, held against itself: columns, completions, policies, provenance."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.formats.images import ImageChecks
from safecot_dsl.dataset.formats.model import CheckOptions, FormatFault, FormatRule
from safecot_dsl.dataset.formats.reporting import Ids, faults_of, file_fault
from safecot_dsl.dataset.formats.turns import (
    ASSISTANT,
    USER,
    Turn,
    Violation,
    learnt_faults,
    marker_faults,
    pair_faults,
)
from safecot_dsl.dataset.rows import content_id
from safecot_dsl.dataset.schema import canonical_schema
from safecot_dsl.dataset.store import PREFERENCES, PROVENANCE, Dataset, DatasetError, open_dataset
from safecot_dsl.facts import image_placeholder
from safecot_dsl.render import Problem, Tags, parse_target

RULES: dict[FormatRule, str] = {
    FormatRule.READABLE: "files are Parquet, in `data/`",
    FormatRule.COLUMNS: "there are the columns of training rows",
    FormatRule.IMAGES: "every image can be decoded, and is the one that the row was made from",
    FormatRule.PLACEHOLDERS: "no text holds an image placeholder",
    FormatRule.MARKERS: "no text holds a chat template's marker",
    FormatRule.TAGS: "reasoning is opened once and closed once",
    FormatRule.LABELS: "the completion is not empty",
    FormatRule.CONTENT: "the completion says what the columns say: reasoning, answer, verdict, rules",
    FormatRule.POLICY: "the policy is there, and has the rules that the row names",
    FormatRule.IDS: "the id is that of the content, and stands once",
    FormatRule.PAIRS: "the answers of a preference pair differ, and its row is there",
    FormatRule.PROVENANCE: "each row has its record, and each record its row",
}
_REMAKE = "make the data set again with `safecotc generate`"
PAIR_COLUMNS = ("id", "images", "prompt", "system", "chosen", "rejected", "kind", "row", "policy")


def check(path: Path, options: CheckOptions) -> Iterator[FormatFault]:
    """What is wrong with a data set's folder, or one of its files. The tags are those of its recipe."""
    try:
        dataset = open_dataset(path, image_root=options.image_root)
        policies = dataset.policies
    except (DatasetError, ValueError) as error:
        yield FormatFault(path.name, None, None, FormatRule.READABLE, str(error), "name the folder of a data set")
        return
    look = _Look(dataset.tags, options.seen, policies, Ids(), ImageChecks(dataset.image_root, decode=options.decode))
    whole = path.is_dir()
    for file in dataset.files:
        name = file.relative_to(dataset.path).as_posix()
        read = yield from _check_file(replace(dataset, files=(file,)), name, look)
        whole = whole and read
    if whole:  # or every pair and record would be said to miss its row
        yield from _check_pairs(dataset, look)
        yield from _check_provenance(dataset, look.ids)


@dataclass(frozen=True)
class _Look:
    """What the rows of a data set are held against, and the ids of those that were seen."""

    tags: Tags
    seen: Callable[[], object]
    policies: Mapping[str, CompiledPolicy]
    ids: Ids
    images: ImageChecks


def _check_file(dataset: Dataset, name: str, look: _Look) -> Generator[FormatFault, None, bool]:
    """What is wrong with a file; returned is whether its rows could be read."""
    try:
        missing = [column for column in canonical_schema().names if column not in dataset.columns]
        if missing:
            listed = ", ".join(f"`{column}`" for column in missing)
            yield file_fault(name, Violation(FormatRule.COLUMNS, f"there is no column {listed}", _REMAKE))
            return False
        for number, row in enumerate(dataset.rows()):
            look.seen()
            yield from faults_of(name, number, row["id"], look.ids.faults(row["id"], name, number))
            yield from faults_of(name, number, row["id"], _row_faults(dataset, row, look))
    except DatasetError as error:
        yield file_fault(name, Violation(FormatRule.READABLE, str(error), _REMAKE))
        return False
    return True


def _row_faults(dataset: Dataset, row: Mapping[str, Any], look: _Look) -> Iterator[Violation]:
    images = yield from _images(dataset, row, look)
    yield from _text_faults(Turn(USER, row["prompt"]), Turn(ASSISTANT, row["completion"]))
    yield from learnt_faults(row["completion"], look.tags, "the completion")
    cited = [rule["name"] for rule in row["rules"]]
    for fault in _content_faults(row, look.tags, cited):
        yield Violation(FormatRule.CONTENT, fault, _REMAKE)
    policy = look.policies.get(row["policy"])
    if policy is None:
        yield Violation(
            FormatRule.POLICY, f"no policy at hand has the digest {row['policy']}", "put it there as `policy.json`"
        )
    else:
        names = policy.rule_index.keys() | {"default", "unsure"}
        for name in cited:
            if name not in names:
                yield Violation(FormatRule.POLICY, f"the policy has no rule `{name}`", _REMAKE)
    if images is not None and row["id"] != _id_of(row, images):
        yield Violation(FormatRule.IDS, "the id is not that of the content", _REMAKE)


def _id_of(row: Mapping[str, Any], images: list[bytes]) -> str:
    digests = [hashlib.sha256(data).hexdigest() for data in images]
    return content_id(row["prompt"], digests, row["facts"], row["completion"], row["system"])


def _text_faults(*turns: Turn) -> Iterator[Violation]:
    for turn in turns:
        placeholder = image_placeholder(turn.text)
        if placeholder is not None:
            yield Violation(
                FormatRule.PLACEHOLDERS,
                f"the {turn.role} turn holds `{placeholder}`, which a processor takes for an image",
                "write it with a round bracket in the place of its first character",
            )
        else:
            yield from marker_faults([turn])


def _content_faults(row: Mapping[str, Any], tags: Tags, cited: list[str]) -> Iterator[str]:
    target = parse_target(row["completion"], tags)
    if row["style"] == "none":
        if row["completion"] != row["answer"] or Problem.NO_BLOCK not in target.problems:
            yield "the completion is not the answer alone"
        return
    unread = {Problem.NO_BLOCK, Problem.NO_DERIVATION, Problem.NO_ANSWER, Problem.TEXT_AROUND}
    yield from (f"the completion: {problem}" for problem in target.problems if problem in unread)
    if "\n".join(target.lines) != row["reasoning"]:
        yield "the reasoning in the completion is not that of the column"
    if target.answer != row["answer"]:
        yield "the answer in the completion is not that of the column"
    if target.verdict is None or target.verdict.value != row["verdict"]:
        yield f"the completion concludes {target.verdict}, the column says {row['verdict']}"
    if list(target.cited) != cited:
        yield f"the completion cites {', '.join(target.cited)}, the column {', '.join(cited)}"


def _images(dataset: Dataset, row: Mapping[str, Any], look: _Look) -> Generator[Violation, None, list[bytes] | None]:
    """The bytes of a row's images (returned; None where one is not to be had), and what is wrong with them."""
    images = row["images"] or []
    digests = row.get("image_sha256") or [None] * len(images)
    if len(digests) != len(images):
        yield Violation(
            FormatRule.IMAGES, f"{len(images)} images have {len(digests)} digests in `image_sha256`", _REMAKE
        )
        return None
    read: list[bytes] = []
    for number, (image, digest) in enumerate(zip(images, digests, strict=True)):
        try:
            read.append(dataset.image(image, digest))
        except DatasetError as error:
            yield Violation(FormatRule.IMAGES, f"image {number}: {error}", "bring it back, or leave the row out")
            continue
        if digest is not None and hashlib.sha256(read[-1]).hexdigest() != digest:
            yield Violation(FormatRule.IMAGES, f"image {number} is not the one that `image_sha256` names", _REMAKE)
    for fault, mend in look.images.faults([{"bytes": data} for data in read]):
        yield Violation(FormatRule.IMAGES, fault, mend)
    return read if len(read) == len(images) else None


def _check_pairs(dataset: Dataset, look: _Look) -> Iterator[FormatFault]:
    ids = Ids()
    for file in sorted((dataset.path / PREFERENCES).glob("*.parquet")):
        name = file.relative_to(dataset.path).as_posix()
        try:
            missing = [column for column in PAIR_COLUMNS if column not in replace(dataset, files=(file,)).columns]
            if missing:
                yield file_fault(name, Violation(FormatRule.COLUMNS, f"there is no column `{missing[0]}`", _REMAKE))
                continue
            for number, pair in enumerate(replace(dataset, files=(file,)).rows(PAIR_COLUMNS)):
                yield from faults_of(name, number, pair["id"], ids.faults(pair["id"], name, number))
                yield from faults_of(name, number, pair["id"], _pair_faults(dataset, pair, look))
        except DatasetError as error:
            yield file_fault(name, Violation(FormatRule.READABLE, str(error), _REMAKE))


def _pair_faults(dataset: Dataset, pair: Mapping[str, Any], look: _Look) -> Iterator[Violation]:
    yield from _images(dataset, pair, look)
    chosen, rejected = Turn(ASSISTANT, pair["chosen"]), Turn(ASSISTANT, pair["rejected"])
    yield from _text_faults(Turn(USER, pair["prompt"]), chosen, rejected)
    yield from learnt_faults(chosen.text, look.tags, "the chosen answer")
    yield from learnt_faults(rejected.text, look.tags, "the rejected answer")
    yield from pair_faults(chosen.text, rejected.text)
    if pair["row"] and pair["row"] not in look.ids:
        yield Violation(FormatRule.PAIRS, f"there is no row {pair['row']}, which the pair is made from", _REMAKE)


def _check_provenance(dataset: Dataset, rows: Ids) -> Iterator[FormatFault]:
    """Records and rows name each other; a data set without provenance has none to check."""
    records = Ids()
    try:
        for number, record in enumerate(dataset.provenance(("id",))):
            found = list(records.faults(record["id"], PROVENANCE, number))
            if record["id"] not in rows:
                found.append(Violation(FormatRule.PROVENANCE, "there is no row of this id", _REMAKE))
            yield from faults_of(PROVENANCE, number, record["id"], found)
    except DatasetError as error:
        yield file_fault(PROVENANCE, Violation(FormatRule.READABLE, str(error), _REMAKE))
        return
    if records:
        for id, (file, row) in rows.items():
            if id not in records:
                yield FormatFault(file, row, id, FormatRule.PROVENANCE, "there is no record of this row", _REMAKE)
