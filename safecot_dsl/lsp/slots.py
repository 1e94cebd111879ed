"""The slots of a text: `{image.objects}`, `{image.objects among corrosive}`, `{hazard}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from safecot_dsl.compiler.syntax import tree as t

WORDS = {
    "hazard": "The phrase of the rule's hazard.",
    "title": "The rule's title, else its name in words.",
    "unknown facts": "The facts that leave the case open, as one asks for them; in `unsure` only.",
}
#: The one slot in what a fact or a group says of itself.
VALUE = "value"
VALUE_MEANING = "The phrases of the values that the sentence is about."
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Slot:
    """`start` and `end` are offsets into the file, of what stands between the braces; `words` are its words with
    theirs."""

    start: int
    end: int
    words: tuple[tuple[str, int, int], ...]


def slots(text: t.String) -> Iterator[Slot]:
    """The slots that are closed; `{{` is a brace."""
    content, position = text.text, 0
    while position < len(content):
        if content.startswith("{{", position):
            position += 2
        elif content[position] == "{":
            end = content.find("}", position)
            if end < 0:
                return
            yield _slot(text, position + 1, end)
            position = end + 1
        else:
            position += 1


def _slot(text: t.String, begin: int, end: int) -> Slot:
    words = tuple(
        (found.group(), text.offsets[begin + found.start()], text.offsets[begin + found.end() - 1] + 1)
        for found in _WORD.finditer(text.text[begin:end])
    )
    return Slot(text.offsets[begin], text.offsets[end], words)


def open_slot(before: str) -> str | None:
    """What of a slot stands before the cursor, given the text from its opening quotes to there; None outside slots."""
    position, opened = 0, None
    while position < len(before):
        if opened is None and before.startswith("{{", position):
            position += 1
        elif opened is None and before[position] == "{":
            opened = position
        elif before[position] == "}":
            opened = None
        position += 1
    return None if opened is None else before[opened + 1 :]
