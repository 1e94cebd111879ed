"""Sentences of a run's rows and cases, each with the rule, the fact and the line that it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from safecot_dsl.render import Sentence
from safecot_dsl.studio.messages.policy import SentenceMessage, SentencePart, Where
from safecot_dsl.studio.run_policy import RunPolicy

_PARTS: dict[str, SentencePart] = {
    "observe": "see",
    "intent": "ask",
    "context": "see",
    "weigh": "weigh",
    "decide": "decide",
}


def stored_sentence(policy: RunPolicy, sentence: Mapping[str, Any]) -> SentenceMessage:
    """A sentence as a row holds it."""
    line, file = sentence["line"], sentence["file"]
    fact = policy.fact_at(file, line) if sentence["rule"] is None else None
    return _message(policy, sentence["text"], sentence["step"], sentence["rule"], fact, file, line)


def told_sentences(policy: RunPolicy, told: Iterable[Sentence]) -> tuple[SentenceMessage, ...]:
    """Sentences as the policy tells them."""
    found: list[SentenceMessage] = []
    for sentence in told:
        span = policy.compiled.span(sentence.key) if sentence.key is not None else None
        file, line = (span.file, span.line) if span is not None else (None, None)
        fact = policy.fact_at(file, line) if sentence.rule is None else None
        message = _message(policy, sentence.text, sentence.step, sentence.rule, fact, file, line)
        found.append(message.model_copy(update={"built": sentence.built}))
    return tuple(found)


def plain_answer(text: str) -> SentenceMessage:
    """An answer that is nobody's rule: a source's, a model's or a reviewer's."""
    return SentenceMessage(text=text, part="answer", built=False, where=())


def _message(
    policy: RunPolicy,
    text: str,
    step: str,
    rule: str | None,
    fact: str | None,
    file: str | None,
    line: int | None,
) -> SentenceMessage:
    path = policy.path_of(file)
    if path is None:
        line = None
        if rule is not None:  # a phrase that ships: where the rule stands that says it
            line, path = policy.rule_place(rule)
    where = (Where(rule=rule, fact=fact, line=line, path=path),) if line or rule or fact else ()
    return SentenceMessage(text=text, part=_PARTS.get(step, "answer"), built=False, where=where)
