"""What the policy itself would say of a case, to hold a model's reasoning against."""

from __future__ import annotations

import re
from dataclasses import dataclass

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import Reasoning, ReasoningStyle, Renderer, Sentence, sentence_lines

# Where an author wrote alternatives, all of them are right. They are gathered by drawing: with two alternatives, 16
# draws miss one in 3 of 100,000 cases.
_DRAWS = 16


@dataclass(frozen=True)
class Origin:
    """Where a sentence comes from: a rule (or `default`, `unsure`), and `file:line`, each None where there is none.

    `built` says that the compiler wrote it, from what stands there.
    """

    rule: str | None
    place: str | None
    built: bool


@dataclass(frozen=True)
class ReferenceReasoning:
    """The policy's own reasoning on a case, line by line, and the origins of every line that it may write there."""

    lines: tuple[tuple[str, tuple[Origin, ...]], ...]
    origins: dict[str, tuple[Origin, ...]]  # by normalised text

    def of(self, line: str) -> tuple[Origin, ...]:
        """The origins of a line that a model wrote; empty where the policy would not say that of the case."""
        return self.origins.get(normalise(line), ())


def derive(interpreter: Interpreter, case: Case, style: ReasoningStyle) -> ReferenceReasoning:
    """What the policy says of the case in this style."""
    policy, renderer = interpreter.policy, Renderer(interpreter)
    lines: tuple[tuple[str, tuple[Origin, ...]], ...] = ()
    origins: dict[str, tuple[Origin, ...]] = {}
    for draw in range(_DRAWS):
        rendered = renderer.render(case, style=style, seed=f"reference {draw}")
        found = tuple(
            (_text(line), tuple(dict.fromkeys(_origin(policy, s) for s in line))) for line in sentence_lines(rendered)
        )
        lines = lines or found
        for text, origin in found:
            origins.setdefault(normalise(text), origin)
    return ReferenceReasoning(lines, origins)


def observations(
    interpreter: Interpreter, case: Case, style: ReasoningStyle, reasoning: Reasoning | None = None
) -> frozenset[str]:
    """The normalised lines with which the policy may say what the image of a case shows; empty where there are none."""
    renderer = Renderer(interpreter, reasoning)
    drawn = any(len(fact.says) > 1 or len(fact.denies) > 1 for fact in interpreter.policy.facts)
    found: set[str] = set()
    for draw in range(_DRAWS if drawn else 1):
        rendered = renderer.render(case, style=style, seed=f"reference {draw}")
        found.update(normalise(_text(line)) for line in sentence_lines(rendered) if line[0].step == "observe")
    return frozenset(found)


def normalise(text: str) -> str:
    """The text without what does not matter in an exact match: case, runs of white space, white space before
    punctuation, a final period."""
    folded = " ".join(text.casefold().split())
    return re.sub(r"\s+([.,;:!?])", r"\1", folded).rstrip(".").rstrip()


def _text(line: tuple[Sentence, ...]) -> str:
    return " ".join(sentence.text for sentence in line)


def _origin(policy: CompiledPolicy, sentence: Sentence) -> Origin:
    span = policy.span(sentence.key) if sentence.key is not None else None
    return Origin(sentence.rule, f"{span.file}:{span.line}" if span else None, sentence.built)
