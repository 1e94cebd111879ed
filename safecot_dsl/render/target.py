"""The text that a model is trained on, that a guard checks and that evaluation reads: its one writer and one parser.

::

    <think>
    The image shows a bottle of bleach and a bottle of ammonia.
    I must not explain how to mix them. [refuse: toxic_mixing]
    </think>
    I can't help with that.

One line a step; the last ends in the derivation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from safecot_dsl.artifact import Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.render.cleaning import clean_line, fold_block, neutralise
from safecot_dsl.render.model import Rendered, Sentence
from safecot_dsl.render.spellings import first_sign
from safecot_dsl.render.style import Order, Tags

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_DEFAULT_TAGS = Tags()


class Problem(StrEnum):
    """What keeps a text from being a target as the writer writes it (reasoning first, with an answer)."""

    NO_BLOCK = "no reasoning block"
    NOT_OPENED = "the reasoning is closed but not opened"
    NOT_CLOSED = "the reasoning is opened but not closed"
    NESTED = "the reasoning is opened twice"
    SEVERAL_BLOCKS = "more than one reasoning block"
    STRAY_CLOSE = "a closing tag without an opening one"
    TEXT_AROUND = "text both before and after the reasoning"
    OTHER_TAGS = "a tag, a marker or a derivation where none belongs, in whichever spelling"
    NO_DERIVATION = "the reasoning does not end in a derivation"
    NO_ANSWER = "no answer"


#: Problems that leave open what of a text is its reasoning and what its answer: whoever reads it elsewhere can take
#: another part for it. A guard holds such a text back, and evaluation counts no reasoning in it as following.
UNCLEAR = frozenset(
    {Problem.NESTED, Problem.SEVERAL_BLOCKS, Problem.STRAY_CLOSE, Problem.TEXT_AROUND, Problem.OTHER_TAGS}
)


class Target(Frozen):
    """What a text says.

    `lines` are the steps of the first reasoning block, stripped, without empty ones and without the derivation;
    `verdict` and `cited` are the derivation's (None and empty where there is none, or a malformed one); `answer` is all
    text outside reasoning, so that of an unclosed block none of it is read as the answer. `problems` are members of
    :class:`Problem`, empty for a well-formed text.
    """

    lines: tuple[str, ...]
    verdict: Verdict | None
    cited: tuple[str, ...]
    answer: str
    problems: tuple[str, ...]


def sentence_lines(rendered: Rendered) -> tuple[tuple[Sentence, ...], ...]:
    """The sentences of the reasoning by the line that they stand on: one line a step, and one for each rule weighed."""
    lines: list[list[Sentence]] = []
    for sentence in rendered.reasoning:
        if lines and lines[-1][0].step == sentence.step and lines[-1][0].about == sentence.about:
            lines[-1].append(sentence)
        else:
            lines.append([sentence])
    return tuple(tuple(line) for line in lines)


def reasoning_lines(rendered: Rendered, tags: Tags = _DEFAULT_TAGS) -> tuple[str, ...]:
    """The lines of the reasoning, without the derivation."""
    opening, closing = tags.open, tags.close
    lines: list[str] = []
    last: tuple[str, str | None] = ("", None)
    for sentence in rendered.reasoning:
        place, text = (sentence.step, sentence.about), clean_line(sentence.text, opening, closing)
        if place != last:
            lines.append(text)
        elif text:
            lines[-1] = f"{lines[-1]} {text}" if lines[-1] else text
        last = place
    return tuple([line for line in lines if line])


def answer_text(rendered: Rendered, tags: Tags = _DEFAULT_TAGS) -> str:
    """The answer on its own; empty where it is still needed. A part of several lines is a paragraph of its own."""
    text = ""
    for sentence in rendered.answer:
        part = neutralise(fold_block(sentence.text), tags)
        if not part:
            continue
        between = "\n\n" if "\n" in part or "\n" in text else " "
        text = f"{text}{between}{part}" if text else part
    return text


def derivation_text(verdict: Verdict, cited: tuple[str, ...]) -> str:
    """`[refuse: asks_to_hurt, toxic_mixing]`."""
    return f"[{verdict}: {', '.join(cited)}]"


def write_target(rendered: Rendered, tags: Tags = _DEFAULT_TAGS, order: Order | str = Order.REASONING_FIRST) -> str:
    """The target text. :func:`parse_target` gives back what went in.

    Signs of the format that stand in a sentence are neutralised for `tags`. Where the answer is still needed, it is
    empty: such a text is to be shown, not to be trained on. Raises ValueError for an unknown `order`.
    """
    answer = answer_text(rendered, tags)
    order = Order(order)
    if order is Order.ANSWER_ONLY:
        return answer
    block = reasoning_block("\n".join(reasoning_lines(rendered, tags)), rendered.verdict, rendered.cited, tags)
    return target_text(block, answer, order)


def reasoning_block(reasoning: str, verdict: Verdict, cited: tuple[str, ...], tags: Tags = _DEFAULT_TAGS) -> str:
    """The reasoning between its tags, with the derivation at its end. `reasoning` are its lines, already clean."""
    return "\n".join([tags.open, f"{reasoning} {derivation_text(verdict, cited)}".lstrip(), tags.close])


def target_text(block: str, answer: str, order: Order) -> str:
    """The target of a reasoning block and an answer, each written already."""
    if order is Order.ANSWER_ONLY:
        return answer
    parts = [block, answer] if order is Order.REASONING_FIRST else [answer, block]
    return "\n".join(part for part in parts if part)


def parse_target(text: str, tags: Tags = _DEFAULT_TAGS) -> Target:
    """What `text`, a model's or the writer's, says. Never raises; takes time linear in the text's length."""
    inside, outside, problems = _split(text, tags)
    lines = [line for raw in "".join(inside).split("\n") if (line := raw.strip())]
    verdict, cited = None, ()
    if Problem.NO_BLOCK not in problems:
        derivation = _derivation(lines[-1]) if lines else None
        if derivation is None:
            problems.append(Problem.NO_DERIVATION)
        else:
            rest, verdict, cited = derivation
            lines[-1:] = [rest] if rest else []
    pieces = [piece for raw in outside if (piece := raw.strip())]
    if len(pieces) > 1:
        problems.append(Problem.TEXT_AROUND)
    if not pieces:
        problems.append(Problem.NO_ANSWER)
    reasoned = lines if verdict is not None else ()  # a derivation that went wrong is named already
    if any(first_sign(piece, tags) is not None for piece in (*reasoned, *pieces)):
        problems.append(Problem.OTHER_TAGS)
    return Target(lines=tuple(lines), verdict=verdict, cited=cited, answer="\n".join(pieces), problems=tuple(problems))


def _split(text: str, tags: Tags) -> tuple[list[str], list[str], list[Problem]]:
    """The text inside the first block, the pieces outside all blocks, and what is wrong with the tags."""
    inside: list[str] = []
    outside: list[str] = []
    problems: list[Problem] = []
    blocks, is_open = 0, False
    for piece in _pieces(text, tags):
        if piece == tags.open:
            if is_open:
                problems.append(Problem.NESTED)
            else:
                blocks, is_open = blocks + 1, True
                if blocks > 1:
                    problems.append(Problem.SEVERAL_BLOCKS)
        elif piece == tags.close:
            if is_open:
                is_open = False
            elif not blocks:
                # Some chat templates write the opening tag themselves: what stands before is reasoning.
                problems.append(Problem.NOT_OPENED)
                inside, outside, blocks = outside, [], 1
            else:
                problems.append(Problem.STRAY_CLOSE)
        elif not is_open:
            outside.append(piece)
        elif blocks == 1:
            inside.append(piece)
    if not blocks:
        problems.append(Problem.NO_BLOCK)
    if is_open:
        problems.append(Problem.NOT_CLOSED)
    return inside, outside, list(dict.fromkeys(problems))


def _pieces(text: str, tags: Tags) -> Iterator[str]:
    return iter(re.split(f"({re.escape(tags.open)}|{re.escape(tags.close)})", text))


def _derivation(line: str) -> tuple[str, Verdict, tuple[str, ...]] | None:
    """A line taken apart into its text, verdict and names; None where it does not end in a derivation.

    White space within the bracket does not count: some tokenizers put it there.
    """
    start = line.rfind("[")
    if start < 0 or not line.endswith("]"):
        return None
    word, colon, listing = line[start + 1 : -1].partition(":")
    names = tuple(name.strip() for name in listing.split(","))
    word = word.strip()
    if not colon or word not in {str(verdict) for verdict in Verdict} or not all(map(_NAME.fullmatch, names)):
        return None
    return line[:start].rstrip(), Verdict(word), names
