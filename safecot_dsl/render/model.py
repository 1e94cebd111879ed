"""The result of rendering: sentences, each with the key of the source that it came from."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from safecot_dsl.artifact import Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.render.cleaning import fold_block, fold_line, neutralise
from safecot_dsl.render.style import Tags

SentenceStep = Literal["observe", "intent", "context", "weigh", "decide", "say", "offer", "source"]
_DEFAULT_TAGS = Tags()


class Sentence(Frozen):
    """A piece of text with its origin.

    `step` is the step of reasoning or the part of the answer that it belongs to. `key` is the source-map key of what it
    came from: the authored step or utterance, or, where `built`, that which it was built from (a condition, a hazard, a
    phrase set); None for the data source's own answer. `rule` is a rule's name, `default` or `unsure`, and None with
    the data source, and with what is stated of the case whatever rule decides. `built` says that no author wrote the
    text for this place. `about` is the rule in question on whose line a sentence of `weigh` stands.
    """

    step: SentenceStep
    text: str
    key: str | None
    rule: str | None
    built: bool
    about: str | None = None


class Rendered(Frozen):
    """A decision as text.

    `reasoning` is in order; sentences of one step stand on one line, and each rule in question has a line of its own.
    `cited` are the deciding rules, or `("default",)` or `("unsure",)`. `needs_answer` says that the answer must come
    from a data source or a model and was not given; `answer` is then empty.
    """

    reasoning: tuple[Sentence, ...]
    verdict: Verdict
    cited: tuple[str, ...]
    answer: tuple[Sentence, ...]
    needs_answer: bool


# A policy's lines come again, and none is longer than what its author wrote and the texts that it quotes cut short.
@lru_cache(maxsize=8192)
def line_sentence(
    step: SentenceStep, text: str, *, key: str | None, rule: str | None, built: bool, about: str | None = None
) -> Sentence:
    """A sentence of reasoning: on one line, and with nothing in it that reads as the format's own signs."""
    clean = neutralise(fold_line(text), _DEFAULT_TAGS)
    return Sentence(step=step, text=clean, key=key, rule=rule, built=built, about=about)


def answer_sentence(step: SentenceStep, text: str, *, key: str | None, rule: str | None, built: bool) -> Sentence:
    """A piece of the answer, which may have several lines."""
    clean = neutralise(fold_block(text), _DEFAULT_TAGS)
    return Sentence(step=step, text=clean, key=key, rule=rule, built=built)
