"""A written reasoning aligned with the sentences that are due in it: what is missing, and what is in its own words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from safecot_dsl.reading import ExpectedSentence, KnownSentences

Line = tuple[ExpectedSentence, ...]


@dataclass(frozen=True)
class Free:
    """A sentence in words of its own: the number of its line, and what belongs there that may be said so; None where
    nothing that may."""

    line: int
    text: str
    place: ExpectedSentence | None


@dataclass
class Placed:
    """What is `missing` of a reasoning, what it says in words of its own, and what it says twice."""

    missing: list[ExpectedSentence] = field(default_factory=list[ExpectedSentence])
    free: list[Free] = field(default_factory=list[Free])
    repeated: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


def due_lines(expected: Iterable[ExpectedSentence]) -> list[Line]:
    """What belongs into a reasoning, by line."""
    return [tuple(line) for _, line in groupby(expected, key=lambda part: (part.step, part.rule))]


def placed(lines: Sequence[str], due: Sequence[Line]) -> Placed:
    """`lines` laid against the lines that are `due`, in their order.

    What was said before need not be said again. A line is found by a sentence of its own; one that need have none takes
    the next.
    """
    found = Placed()
    said: set[str] = set()
    at = 0
    for number, line in enumerate(due):
        open_parts = [part for part in line if said.isdisjoint(part.texts)]
        place = _place(lines, at, line, open_parts, due[number + 1 :])
        if place is None:
            found.missing += open_parts
            continue
        found.free += [Free(before + 1, lines[before], None) for before in range(at, place)]
        _read(lines[place], place + 1, line, open_parts, said, found)
        at = place + 1
    found.free += [Free(after + 1, lines[after], None) for after in range(at, len(lines))]
    return found


def _place(
    lines: Sequence[str], at: int, line: Line, open_parts: Sequence[ExpectedSentence], later: Sequence[Line]
) -> int | None:
    """Where the line stands, from `at` on."""
    if not open_parts:
        return at if at < len(lines) and _holds(lines[at], line) else None
    for place in range(at, len(lines)):
        if _holds(lines[place], line):
            return place
    anything = any(part.free for part in open_parts) and not any(part.lookup for part in open_parts)
    if anything and at < len(lines) and not any(_holds(lines[at], other) for other in later):
        return at
    return None


def _holds(text: str, line: Line) -> bool:
    return any(wording in text for part in line for wording in part.texts)


def _read(
    text: str, number: int, line: Line, open_parts: Sequence[ExpectedSentence], said: set[str], found: Placed
) -> None:
    wordings = {wording for part in line for wording in part.texts}
    own: list[str] = []
    for sentence in KnownSentences(wordings).split(text):
        if sentence in said:
            found.repeated.append((number, sentence))
        elif sentence in wordings:
            said.add(sentence)
        else:
            own.append(sentence)
    place = next((part for part in line if part.free), None)
    found.free += [Free(number, sentence, place) for sentence in own]
    found.missing += [part for part in open_parts if said.isdisjoint(part.texts) and not (part.free and own)]
