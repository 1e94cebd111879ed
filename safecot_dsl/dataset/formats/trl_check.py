"""TRL's own rules on a file of prompts and answers."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safecot_dsl.dataset.formats.images import ImageChecks
from safecot_dsl.dataset.formats.lines import UnreadableError, read_records
from safecot_dsl.dataset.formats.model import CheckOptions, FormatFault, FormatRule
from safecot_dsl.dataset.formats.reporting import Ids, faults_of, file_fault, nothing_there
from safecot_dsl.dataset.formats.tables import IMAGES, features_of
from safecot_dsl.dataset.formats.trl import iter_files
from safecot_dsl.dataset.formats.turns import (
    ASSISTANT,
    SYSTEM,
    USER,
    Turn,
    Violation,
    learnt_faults,
    marker_faults,
    pair_faults,
    role_faults,
)
from safecot_dsl.facts import image_placeholder

#: Columns beside which the trainer takes rows for another kind, or other images.
_ELSEWHERE = {
    "messages": "the trainer then learns the whole conversation, or refuses",
    "image": "the trainer then drops `images`",
    "label": "the trainer then takes the rows for unpaired preferences",
}


def check_sft(path: Path, options: CheckOptions) -> Iterator[FormatFault]:
    """What keeps `SFTTrainer` from training on the rows as they are meant."""
    return _check(path, options, ("completion",))


def check_preference(path: Path, options: CheckOptions) -> Iterator[FormatFault]:
    """What keeps `DPOTrainer` from training on the pairs as they are meant."""
    return _check(path, options, ("chosen", "rejected"))


def _check(path: Path, options: CheckOptions, answers: tuple[str, ...]) -> Iterator[FormatFault]:
    files = list(iter_files(path))
    if not files:
        yield nothing_there(path, "Parquet files, in `data/` or by themselves")
    ids, images = Ids(), ImageChecks(Path(), decode=options.decode)
    for file in files:
        name = file.relative_to(path).as_posix() if file != path else file.name
        try:
            wrong = list(_column_faults(file, answers))
            yield from (file_fault(name, found) for found in wrong)
            if any("no column" in found.fault for found in wrong):
                continue
            for record in read_records(file):
                options.seen()
                id = record.value.get("id")
                yield from faults_of(name, record.row, id, ids.faults(id, name, record.row))
                yield from faults_of(name, record.row, id, _row_faults(record.value, answers, options, images))
        except UnreadableError as error:
            yield file_fault(name, Violation(FormatRule.READABLE, str(error), "write the file again"))


def _column_faults(file: Path, answers: tuple[str, ...]) -> Iterator[Violation]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file)
    except (OSError, pa.ArrowException) as error:
        raise UnreadableError(f"it cannot be read as Parquet: {error}") from error
    for name in ("prompt", *answers, "images"):
        if name not in schema.names:
            yield Violation(
                FormatRule.COLUMNS,
                f"there is no column `{name}` (there are {', '.join(schema.names) or 'none'})",
                "name the columns as the trainer does",
            )
    for name, consequence in _ELSEWHERE.items():
        if name in schema.names:
            yield Violation(
                FormatRule.COLUMNS, f"there is a column `{name}`: {consequence}", "rename it, or leave it out"
            )
    declared = features_of(schema).get("images")
    if "images" in schema.names and declared != IMAGES:
        yield Violation(
            FormatRule.COLUMNS,
            "`images` is not declared as a list of images, so that the trainer gets dictionaries of bytes",
            "write it with `datasets`, as `Features(images=List(Image()))`",
        )


def _row_faults(
    row: Mapping[str, Any], answers: tuple[str, ...], options: CheckOptions, checks: ImageChecks
) -> Iterator[Violation]:
    if not isinstance(row["images"], list):
        yield Violation(FormatRule.COLUMNS, "`images` is null, which the collator passes on", "write an empty list")
    prompt = yield from _turns(row["prompt"], "prompt")
    if prompt is not None:
        yield from role_faults(prompt.turns, last=USER)
        yield from _text_faults(prompt.turns)
        yield from _image_parts(prompt, len(row["images"] or []))
    texts: list[str] = []
    for name in answers:
        answer = yield from _turns(row[name], name)
        if answer is None:
            continue
        if [turn.role for turn in answer.turns] != [ASSISTANT]:
            roles = ", ".join(f"`{turn.role}`" for turn in answer.turns) or "nothing"
            yield Violation(
                FormatRule.ROLES, f"`{name}` is {roles}, not one `assistant` turn", "move what is asked to the prompt"
            )
            continue
        if answer.parts:
            yield Violation(FormatRule.PLACEHOLDERS, f"`{name}` has an image in it", "images belong to the prompt")
        yield from _text_faults(answer.turns)
        yield from learnt_faults(answer.turns[0].text, options.tags, f"`{name}`")
        texts.append(answer.turns[0].text)
    if len(texts) == 2:
        yield from pair_faults(*texts)
    yield from _image_faults(row["images"] or [], checks)
    if options.lengths is not None and prompt is not None:
        yield from options.lengths.faults(prompt.turns, checks.read(row["images"]), texts)


def _image_faults(images: list[dict[str, Any]], checks: ImageChecks) -> Iterator[Violation]:
    for image in images:
        if not isinstance(image.get("bytes"), bytes):
            yield Violation(
                FormatRule.IMAGES,
                f"the image `{image.get('path')}` is not in the row: its path starts where the trainer is started",
                "embed the images",
            )
            return
    for fault, mend in checks.faults(images):
        yield Violation(FormatRule.IMAGES, fault, mend)


def _text_faults(turns: list[Turn]) -> Iterator[Violation]:
    for turn in turns:
        placeholder = image_placeholder(turn.text)
        if placeholder:
            yield Violation(
                FormatRule.PLACEHOLDERS,
                f"the {turn.role} turn holds `{placeholder}`, for which the processor looks for one more image",
                "take it out: the trainer puts the images before the first user turn",
            )
        else:
            yield from marker_faults([turn])


def _image_parts(prompt: _Conversation, images: int) -> Iterator[Violation]:
    """Where the first user turn is text, the trainer adds a part for each image; else it wants them to be there."""
    expected = prompt.parts + (images if prompt.adds_images else 0)
    if expected != images:
        yield Violation(
            FormatRule.PLACEHOLDERS,
            f"the prompt has parts for {expected} images, and there are {images}",
            "write one image part for each image, or text alone",
        )


class _Conversation(NamedTuple):
    """The turns of a column, how many image parts they have, and whether the trainer adds those that are missing."""

    turns: list[Turn]
    parts: int
    adds_images: bool


def _turns(messages: Any, name: str) -> Generator[Violation, None, _Conversation | None]:
    """The conversation of a column; faults, and None, where it is none."""
    if not isinstance(messages, list):
        yield Violation(
            FormatRule.COLUMNS,
            f"`{name}` is {'null' if messages is None else 'text'}: no chat template can be applied to it",
            "write a list of messages, each with `role` and `content`",
        )
        return None
    turns: list[Turn] = []
    parts, adds = 0, None
    for message in messages:
        role, content = message.get("role"), message.get("content")
        entries = [{"type": "text", "text": content}] if isinstance(content, str) else content
        kinds: list[Any] = [entry.get("type") for entry in entries] if isinstance(entries, list) else [None]
        if role not in (SYSTEM, USER, ASSISTANT) or not set(kinds) <= {"text", "image"}:
            yield Violation(
                FormatRule.COLUMNS,
                f"`{name}` has a message of the role `{role}` whose content is {_described(content)}",
                "write system, user and assistant messages; their content is text, or parts that are text or images",
            )
            return None
        if role == USER and adds is None:
            adds = isinstance(content, str)
        parts += kinds.count("image")
        turns.append(Turn(role, "".join(entry.get("text") or "" for entry in entries)))
    return _Conversation(turns, parts, bool(adds))


def _described(content: Any) -> str:
    return "text" if isinstance(content, str) else "nothing" if content is None else "neither text nor such parts"
