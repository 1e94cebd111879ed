"""Texts with slots: what stands in braces is found here, and what it may be is the caller's to say."""

from __future__ import annotations

from collections.abc import Callable

from safecot_dsl.artifact import Segment, Template, Text
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Code

#: What a slot is: from what stands in its braces, the text, and where in it the braces begin and end. None, and an
#: error that has been reported, where it is none.
ReadSlot = Callable[[str, t.String, int, int], Segment | None]


def read_template(text: t.String, module: Module, slot: ReadSlot) -> Template:
    """A text with its slots; `{{` is a brace. Faults are reported and left out."""
    segments: list[Segment] = []
    plain: list[str] = []
    position = 0
    content = text.text
    while position < len(content):
        char = content[position]
        if content.startswith("{{", position):
            plain.append("{")
            position += 2
        elif char == "{":
            end = content.find("}", position)
            if end < 0:
                message = "the slot is not closed: `}` is missing"
                slot_error(message, text, position, len(content), module, "`{{` is a brace")
                break
            read = slot(content[position + 1 : end], text, position, end + 1)
            if read is not None:
                if plain:
                    segments.append(Text(text="".join(plain)))
                    plain = []
                segments.append(read)
            position = end + 1
        else:
            plain.append(char)
            position += 1
    if plain:
        segments.append(Text(text="".join(plain)))
    return tuple(segments)


def slot_error(message: str, text: t.String, begin: int, end: int, module: Module, help: str | None) -> None:
    """Report a slot of a text; `begin` and `end` are places in what the text says."""
    module.report.error(Code.UNFILLABLE_SLOT, message, text.offsets[begin], text.offsets[end - 1] + 1, help=help)
