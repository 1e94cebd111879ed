"""A reasoning with its places left open that a model writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from safecot_dsl.reading import is_free
from safecot_dsl.render import Sentence
from safecot_dsl.render.model import line_sentence


@dataclass(frozen=True)
class Outline:
    """The policy's own reasoning on a case: its sentences, of which those that are free are a model's to write.

    What was said before is said once only, but for what a model writes: two rules can have the same reason in the
    policy's words, and need not in others.
    """

    sentences: tuple[Sentence, ...]

    @classmethod
    def of(cls, told: Sequence[Sentence]) -> Outline:
        """`told` are all sentences of a reasoning, in order."""
        fixed: set[str] = set()
        kept: list[Sentence] = []
        for sentence in told:
            if is_free(sentence) or sentence.text not in fixed:
                kept.append(sentence)
                fixed.add(sentence.text)
        return cls(tuple(kept))

    @property
    def reasons(self) -> list[Sentence]:
        """The reasons that are to be written, in order; what is decided is none."""
        return [sentence for sentence in self.sentences if is_free(sentence) and sentence.step != "decide"]

    def filled(self, reasons: Sequence[str], decide: str) -> list[tuple[Sentence, str]]:
        """Each sentence with the text that stands in its place. `reasons` are as many as :attr:`reasons`."""
        left = iter(reasons)
        return [
            (sentence, sentence.text if not is_free(sentence) else decide if sentence.step == "decide" else next(left))
            for sentence in self.sentences
        ]


def lines_of(filled: Sequence[tuple[Sentence, str]]) -> list[str]:
    """The texts by the line that they stand on, as they are."""
    lines: list[str] = []
    last: tuple[str, str | None] | None = None
    for sentence, text in filled:
        place = (sentence.step, sentence.about)
        if place == last:
            lines[-1] += f" {text}"
        else:
            lines.append(text)
        last = place
    return lines


def retold(sentence: Sentence, text: str) -> Sentence:
    """The sentence where a model's text stands in its place: of the same origin, and built."""
    if text == sentence.text:
        return sentence
    return line_sentence(sentence.step, text, key=sentence.key, rule=sentence.rule, built=True, about=sentence.about)
