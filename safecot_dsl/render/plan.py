"""What is said of a case whatever the seed, and where the seed chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from safecot_dsl.artifact import Verdict
from safecot_dsl.render.draw import drawn_place, key_bytes, seed_bytes
from safecot_dsl.render.model import Rendered, Sentence, answer_sentence


class TextChoice:
    """Several texts for one place, of which a seed takes one; `make` turns that one into its sentence.

    `texts` are two or more: with one there is nothing to choose.
    """

    __slots__ = ("_key", "_make", "_sentences", "_texts")

    def __init__(self, texts: Sequence[str], key: str, make: Callable[[str], Sentence]) -> None:
        self._texts = texts
        self._key = key_bytes(key)
        self._make = make
        self._sentences: list[Sentence | None] = [None] * len(texts)

    @property
    def texts(self) -> Sequence[str]:
        return self._texts

    def sentences(self) -> list[Sentence]:
        """Each of them."""
        return [self._at(place) for place in range(len(self._texts))]

    def drawn(self, seed: bytes) -> Sentence:
        """The sentence of the text that this seed takes: the same object each time that it does."""
        return self._at(drawn_place(seed, self._key, len(self._texts)))

    def _at(self, place: int) -> Sentence:
        sentence = self._sentences[place]
        if sentence is None:
            sentence = self._sentences[place] = self._make(self._texts[place])
        return sentence


Part = Sentence | TextChoice


def part_of(texts: Sequence[str], key: str, make: Callable[[str], Sentence]) -> Part:
    """The sentence of a single text, or the choice among several. `texts` is not empty."""
    return make(texts[0]) if len(texts) == 1 else TextChoice(texts, key, make)


class Parts:
    """Sentences in order, some of which the seed chooses."""

    __slots__ = ("_choices", "_fixed")

    def __init__(self, parts: Sequence[Part]) -> None:
        self._choices = [(place, part) for place, part in enumerate(parts) if isinstance(part, TextChoice)]
        self._fixed = [_TO_CHOOSE if isinstance(part, TextChoice) else part for part in parts]

    @property
    def parts(self) -> list[Part]:
        """The sentences and choices, in order."""
        parts: list[Part] = [*self._fixed]
        for place, choice in self._choices:
            parts[place] = choice
        return parts

    def told(self, seed: bytes) -> tuple[Sentence, ...]:
        sentences = self._fixed.copy()
        for place, choice in self._choices:
            sentences[place] = choice.drawn(seed)
        return tuple(sentences)


_TO_CHOOSE = Sentence(step="source", text="", key=None, rule=None, built=False)


@dataclass(frozen=True, slots=True)
class TextPlan:
    """How a case is told: a function of the policy, the case and the style.

    `answer` and `after` are the authors' part of the answer. Where `takes_source`, the source's answer stands between
    them, and without it there is no answer; else `after` is empty. A sentence stands twice only where it `repeats`.
    """

    verdict: Verdict
    reasoning: Parts
    answer: Parts
    after: Parts
    takes_source: bool
    repeats: bool = False

    def tell(self, seed: str, source_answer: str | None, cited: tuple[str, ...]) -> Rendered:
        """What a row with this seed, this answer of its source and these deciding rules says."""
        start = seed_bytes(seed)
        answer = self.answer.told(start)
        if self.takes_source:
            source = answer_sentence("source", source_answer or "", key=None, rule=None, built=False)
            answer = (*answer, source, *self.after.told(start)) if source.text else ()
        return Rendered(
            reasoning=self.reasoning.told(start) if self.repeats else _once(self.reasoning.told(start)),
            verdict=self.verdict,
            cited=cited,
            answer=answer,
            needs_answer=not answer,
        )


def _once(sentences: tuple[Sentence, ...]) -> tuple[Sentence, ...]:
    """The sentences without those that say again what one before them said."""
    if len({sentence.text for sentence in sentences}) == len(sentences):
        return sentences
    first: dict[str, Sentence] = {}
    for sentence in sentences:
        first.setdefault(sentence.text, sentence)
    return tuple(first.values())
