"""What the rules of all tools have in common: turns of a conversation, their texts, and what is learnt of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from safecot_dsl.dataset.formats.model import FormatRule
from safecot_dsl.facts import image_placeholder
from safecot_dsl.render import Problem, Tags, parse_target

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"

#: Markers of chat templates: a tokenizer makes them single tokens wherever they stand, and the conversation ends or
#: begins anew there.
_MARKER = re.compile(
    r"<\|[^\n|]{1,100}\|>|</?s>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>|<end_of_utterance>|\[/?INST\]"
)
_TAGS = frozenset((Problem.NOT_OPENED, Problem.NOT_CLOSED, Problem.NESTED, Problem.SEVERAL_BLOCKS, Problem.STRAY_CLOSE))


class Turn(NamedTuple):
    """One message: its role in our terms (`system`, `user`, `assistant`; anything else as it stands), and its text."""

    role: str
    text: str


class Violation(NamedTuple):
    """What a check found: the rule, what is wrong, and what mends it."""

    rule: FormatRule
    fault: str
    mend: str


def role_faults(turns: Sequence[Turn], *, last: str = ASSISTANT) -> Iterator[Violation]:
    """A system turn may come first; then user and assistant alternate, from a user to the role `last`."""
    roles = [turn.role for turn in turns]
    rest = roles[1:] if roles[:1] == [SYSTEM] else roles
    for number, role in enumerate(rest, start=len(roles) - len(rest)):
        due = (USER, ASSISTANT)[(number - (len(roles) - len(rest))) % 2]
        if role != due:
            yield Violation(
                FormatRule.ROLES,
                f"turn {number} is `{role}` where `{due}` is due",
                "let user and assistant alternate, after at most one system turn",
            )
            return
    if not rest or rest[-1] != last:
        yield Violation(
            FormatRule.ROLES,
            f"the conversation ends with {f'`{rest[-1]}`' if rest else 'nothing'}, not with `{last}`",
            "leave the row out, or add the missing turn",
        )


def placeholder_faults(turns: Sequence[Turn], images: int, placeholder: str) -> Iterator[Violation]:
    """As many placeholders as images, none of them in the system turn, and none for other media."""
    counted = sum(turn.text.count(placeholder) for turn in turns if turn.role != SYSTEM)
    if counted != images:
        yield Violation(
            FormatRule.PLACEHOLDERS,
            f"{counted} `{placeholder}` in the texts and {_count(images, 'image')}",
            f"write one `{placeholder}` for each image, before the request, and none elsewhere",
        )
    for turn in turns:
        if turn.role == SYSTEM and placeholder in turn.text:
            yield Violation(FormatRule.PLACEHOLDERS, f"the system turn holds `{placeholder}`", "take it out of there")
        for other in ("<video>", "<audio>"):
            if other in turn.text:
                yield Violation(
                    FormatRule.PLACEHOLDERS,
                    f"the {turn.role} turn holds `{other}`, and there is nothing to put there",
                    "write the word in round brackets",
                )


def marker_faults(turns: Sequence[Turn], own: str | None = None) -> Iterator[Violation]:
    """No text holds a chat template's marker, or another model family's image placeholder (`own` is the format's)."""
    for turn in turns:
        text = turn.text.replace(own, "") if own else turn.text
        found = _MARKER.search(text)
        marker = found[0] if found else image_placeholder(text)
        if marker:
            yield Violation(
                FormatRule.MARKERS,
                f"the {turn.role} turn holds `{marker}`, which a tokenizer takes for more than text",
                "write it with a round bracket in the place of its first character",
            )


def learnt_faults(text: str, tags: Tags, where: str = "the answer") -> Iterator[Violation]:
    """There is something to learn, and the reasoning in it is opened once and closed once."""
    if not text.strip():
        yield Violation(FormatRule.LABELS, f"{where} is empty: no token of the row carries loss", "leave the row out")
        return
    opened, closed = text.find(tags.open), text.find(tags.close)
    once = text.count(tags.open) == text.count(tags.close) == 1 and opened < closed
    if once or opened == closed == -1:
        return  # almost every row: nothing that the parser would have to tell apart
    for problem in parse_target(text, tags).problems:
        if problem in _TAGS:
            yield Violation(
                FormatRule.TAGS,
                f"{where}: {problem} (`{tags.open}`, `{tags.close}`)",
                "open the reasoning once and close it once, or name the tags that are meant",
            )


def pair_faults(chosen: str, rejected: str) -> Iterator[Violation]:
    """A pair prefers one answer to another."""
    if chosen.strip() == rejected.strip():
        yield Violation(FormatRule.PAIRS, "the chosen and the rejected answer are the same", "leave the pair out")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
