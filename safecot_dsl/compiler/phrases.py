"""Phrases: texts that stand within a sentence that is built around them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from safecot_dsl.artifact.consistency import LINE_BREAKS
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Code

ONE_LINE = "a step of the reasoning is one line"
_SLOT = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True)
class PhraseKind:
    """What phrases are there for, what they may not end in, and what to do in place of an empty one."""

    what: str
    ends: str
    instead: str


_IN_WORDS = "leave it out, and the name is said in words"
VALUE = PhraseKind("what a value is called within a sentence", ".", _IN_WORDS)
GROUP = PhraseKind('what completes "X counts as ..."', ".?!", _IN_WORDS)
ASKED = PhraseKind('what completes "I cannot tell ..."', ".?!", "leave `ask` out where nobody can be asked")


def check_phrase(text: t.String, kind: PhraseKind, module: Module) -> None:
    """Report a phrase that would break the sentence around it."""
    shown = text.text.strip()
    slot = _SLOT.search(text.text)
    message = help = None
    if not shown:
        message, help = "the phrase is empty", kind.instead
    elif any(character in text.text for character in LINE_BREAKS):
        message, help = "a line break stands in the phrase", ONE_LINE
    elif shown.endswith(tuple(kind.ends)):
        message, help = f"the phrase ends in `{shown[-1]}`", f"it is {kind.what}, and no sentence of its own"
    elif slot is not None and kind is not VALUE:
        module.report.error(
            Code.UNFILLABLE_SLOT,
            f"`{slot[0]}` has no place in a phrase",
            text.offsets[slot.start()],
            text.offsets[slot.end() - 1] + 1,
            help=f"it is {kind.what}, and the same whatever is seen",
        )
    if message is not None:
        module.report.error(Code.MALFORMED_SENTENCE, message, text.start, text.end, help=help)
