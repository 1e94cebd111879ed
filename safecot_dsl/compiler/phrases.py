"""Phrases: texts that stand within a sentence that is built around them."""

from __future__ import annotations

from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.syntax import tree as t

ONE_LINE = "a step of the reasoning is one line"
#: What the phrase of a value or a node is, as a message says it.
VALUE = "what a value is called within a sentence"
#: What the phrase of a group is, and what a fact is asked for by.
COUNTS_AS = 'what completes "X counts as ..."'
CANNOT_TELL = 'what completes "I cannot tell ..."'


def check_phrase(text: t.String, what: str, ends: str, module: Module) -> None:
    """Is a text a part of a sentence, which another text goes around? An error where it breaks that sentence."""
    message = help = None
    if not text.text.strip():
        message, help = "the phrase is empty", "leave it out, and the name is said in words"
    elif "\n" in text.text:
        message, help = "a line break stands in the phrase", ONE_LINE
    elif text.text.rstrip().endswith(tuple(ends)):
        message, help = f"the phrase ends in `{text.text.rstrip()[-1]}`", f"it is {what}, and no sentence of its own"
    if message is not None:
        module.report.error("SC0404", message, text.start, text.end, help=help)
