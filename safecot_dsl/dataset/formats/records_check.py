"""The rules that LLaMA-Factory and ms-swift share: records with turns, textual placeholders and images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats.images import ImageChecks, image_list
from safecot_dsl.dataset.formats.lengths import split_answer
from safecot_dsl.dataset.formats.lines import FIRST_BLOCK, Record, UnreadableError, read_records
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
    placeholder_faults,
    role_faults,
)


@dataclass(frozen=True)
class Conversation:
    """What a record says, whatever its tool calls things. `answers` are the chosen and the rejected answer of a pair;
    where they are empty, the last turn is the answer."""

    turns: tuple[Turn, ...]
    images: Any
    answers: tuple[str, ...] = ()


class NotAConversationError(ValueError):
    """A record that the tool cannot take apart; `mend` says what to write."""

    def __init__(self, fault: str, mend: str, rule: FormatRule = FormatRule.COLUMNS) -> None:
        super().__init__(fault)
        self.mend = mend
        self.rule = rule


def check_records(
    file: Path,
    name: str,
    read: Callable[[Mapping[str, Any]], Conversation],
    options: CheckOptions,
    *,
    root: Path,
    ids: Ids,
    placeholder: str,
) -> Iterator[FormatFault]:
    """What is wrong with a file of records. `read` takes one apart, or raises :class:`NotAConversationError`; `root` is
    where image paths start from where the options name no other folder."""
    columns = _ColumnTypes() if file.suffix in (".json", ".jsonl") else None
    images = ImageChecks(options.image_root or root, decode=options.decode)
    rows = 0
    try:
        for record in read_records(file):
            rows += 1
            options.seen()
            id = record.value.get("id")
            if record.fault is not None:
                yield from faults_of(
                    name, record.row, id, [Violation(FormatRule.READABLE, record.fault, "write the line anew")]
                )
                continue
            if columns is not None:
                yield from faults_of(name, record.row, id, columns.faults(record))
            yield from faults_of(name, record.row, id, ids.faults(id, name, record.row))
            yield from faults_of(name, record.row, id, _row_faults(record, read, options, images, placeholder))
    except UnreadableError as error:
        yield file_fault(name, Violation(FormatRule.READABLE, str(error), "write the file again"))
        return
    if not rows:
        yield file_fault(name, Violation(FormatRule.READABLE, "it holds no rows", "leave the file out"))


def _row_faults(
    record: Record,
    read: Callable[[Mapping[str, Any]], Conversation],
    options: CheckOptions,
    checks: ImageChecks,
    placeholder: str,
) -> Iterator[Violation]:
    try:
        conversation = read(record.value)
    except NotAConversationError as error:
        yield Violation(error.rule, str(error), error.mend)
        return
    turns, answers = conversation.turns, conversation.answers
    yield from role_faults(turns, last=USER if answers else ASSISTANT)
    images = image_list(conversation.images)
    # A pair is two conversations with one request: either has to have its placeholders.
    for said in [(*turns, Turn(ASSISTANT, answer)) for answer in answers] or [turns]:
        found = list(placeholder_faults(said, len(images), placeholder))
        yield from found
        if found:
            break
    yield from marker_faults((*turns, *(Turn(ASSISTANT, answer) for answer in answers)), placeholder)
    yield from _learnt(turns, answers, options)
    for fault, mend in checks.faults(images):
        yield Violation(FormatRule.IMAGES, fault, mend)
    if options.lengths is not None:
        asked, answer = (turns, answers) if answers else split_answer(turns)
        plain = [turn._replace(text=turn.text.replace(placeholder, "")) for turn in asked]
        yield from options.lengths.faults(plain, checks.read(images), answer)


def _learnt(turns: Sequence[Turn], answers: Sequence[str], options: CheckOptions) -> Iterator[Violation]:
    if answers:
        for name, answer in zip(("the chosen answer", "the rejected answer"), answers, strict=True):
            yield from learnt_faults(answer, options.tags, name)
        yield from pair_faults(answers[0], answers[1])
        return
    for number, turn in enumerate(turns):
        if turn.role == ASSISTANT and (turn.text.strip() or number == len(turns) - 1):
            yield from learnt_faults(turn.text, options.tags, "the answer" if turn is turns[-1] else f"turn {number}")


class _ColumnTypes:
    """The types that a JSON file's columns were seen with: the tools read such files by `datasets`, which infers them
    from the first block and cannot change them later."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, int]] = {}
        self._told: set[str] = set()

    def faults(self, record: Record) -> Iterator[Violation]:
        for name, value in record.value.items():
            kind = _kind(value)
            if kind is None:
                continue
            known = self._seen.setdefault(name, (kind, record.row))
            if known[0] != kind and name not in self._told:
                self._told.add(name)
                yield Violation(
                    FormatRule.COLUMNS,
                    f"`{name}` is {kind} here and {known[0]} in row {known[1]}: the file does not load",
                    "write one type throughout",
                )
            elif known[1] == record.row and record.start >= FIRST_BLOCK:
                yield Violation(
                    FormatRule.FIRST_BLOCK,
                    f"`{name}` has a value here for the first time, {record.start >> 20} MiB into the file: "
                    "its type was inferred without one, and the file does not load",
                    "move this row to the front",
                )


def _kind(value: Any) -> str | None:
    """The type of a value by which a column is typed; None for one that leaves it open."""
    match value:
        case None | []:
            return None
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"
