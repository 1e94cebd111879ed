"""The text that an annotator reads: the prompt, or what a text fact says."""

from __future__ import annotations

from safecot_dsl.artifact import CompiledPolicy, TextType
from safecot_dsl.facts.annotators.finding import CannotTell, NotTold, declared_as
from safecot_dsl.facts.item import Item

PROMPT = "prompt"


def check_reads(policy: CompiledPolicy, reads: str, where: str) -> None:
    """Raise :class:`FactsError` unless `reads` is `prompt` or a text fact of the policy."""
    if reads != PROMPT:
        declared_as(policy, reads, where, TextType)


def text_of(item: Item, reads: str) -> str | CannotTell | NotTold:
    """The text, or why there is none: it could not be told, or nobody has looked for it."""
    if reads == PROMPT:
        return item.prompt
    value = item.case.known.get(reads)
    if isinstance(value, str):
        return value
    reason = f"`{reads}` is not known"
    return CannotTell(reason) if reads in item.case.cannot_tell else NotTold(reason)
