"""A written text as it is checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from safecot_dsl.artifact import Verdict
from safecot_dsl.render import Tags, parse_target

Parts = Literal["all", "reasoning", "answer"]


@dataclass(frozen=True)
class LengthLimits:
    """How long a text may be, in words."""

    reasoning: int = 400
    answer: int = 1200


@dataclass(frozen=True)
class Draft:
    """A text taken apart: the lines of its reasoning, what it decides, and its answer. `problems` are what is wrong
    with its format."""

    lines: tuple[str, ...]
    verdict: Verdict | None
    cited: tuple[str, ...]
    answer: str
    problems: tuple[str, ...] = ()

    def places(self) -> Iterator[tuple[str, str]]:
        """Its lines and its answer, each with what a fault calls it."""
        yield from ((f"line {number}", line) for number, line in enumerate(self.lines, start=1))
        yield "answer", self.answer


@dataclass(frozen=True)
class DraftedRequest:
    """What the text answers: the user's words, and the source's own answer, where they are known."""

    prompt: str = ""
    source_answer: str | None = None


def read_draft(text: str, tags: Tags) -> Draft:
    """A whole text taken apart."""
    target = parse_target(text, tags)
    return Draft(target.lines, target.verdict, target.cited, target.answer, target.problems)
