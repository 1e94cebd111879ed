"""What two policies say differently while they decide alike: texts, criteria, and what stands around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from safecot_dsl.artifact import CompiledPolicy, Fact, OneOfType, Rule, SetType, Speech

#: The key of the texts that are said where no rule is in question.
NOTHING_IN_QUESTION = "nothing_in_question"
# The sentences of a fact, by the last part of their keys in the source map.
_SENTENCES: dict[str, Callable[[Fact], object]] = {
    "says": attrgetter("says"),
    "not": attrgetter("denies"),
    "none": attrgetter("none"),
    "bands": attrgetter("bands"),
}


def changed_texts(old: CompiledPolicy, new: CompiledPolicy) -> tuple[str, ...]:
    """Source-map keys of what changed apart from conditions, verdicts and exceptions, in the order of the language.

    Rules that only one side has are no change of a text. A fact is named where its phrases, its description or how it
    is asked for changed, and each of its sentences by itself; of a group its phrase or its sentences.
    """
    return tuple(_changes(old, new))


def _changes(old: CompiledPolicy, new: CompiledPolicy) -> Iterator[str]:
    for fact in new.facts:
        before = old.fact_index.get(fact.name)
        if before is not None and _worded_anew(before, fact):
            yield f"fact:{fact.name}"
        if before is not None:
            yield from (f"fact:{fact.name}.{what}" for what, said in _SENTENCES.items() if said(before) != said(fact))
    yield from _entries("group", old.groups, new.groups)
    yield from _entries("taxonomy", old.taxonomies, new.taxonomies)
    yield from _entries("phrases", old.phrases, new.phrases)
    for rule in new.rules:
        before = old.rule_index.get(rule.name)
        if before is not None:
            yield from (f"rule:{rule.name}.{clause}" for clause in _clauses(before, rule))
    for key, before, after in (
        ("default", old.default_speech, new.default_speech),
        ("unsure", old.unsure_speech, new.unsure_speech),
    ):
        yield from (f"{key}.{clause}" for clause in _speech(before, after))
    if old.verdict_phrases != new.verdict_phrases:
        changed = [v for v in new.verdict_phrases if old.verdict_phrases.get(v) != new.verdict_phrases[v]]
        yield from (f"verdict:{verdict}" for verdict in changed)
    if old.nothing_in_question != new.nothing_in_question:
        yield NOTHING_IN_QUESTION
    if old.criteria != new.criteria:
        yield "criteria"


def _entries(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{kind}:{name}" for name in new if name in old and old[name] != new[name])


def _worded_anew(old: Fact, new: Fact) -> bool:
    """That a value was added or removed is no change of the others' phrases."""
    before, after = _phrases(old), _phrases(new)
    shared = before.keys() & after.keys()
    return (old.description, old.ask) != (new.description, new.ask) or any(before[v] != after[v] for v in shared)


def _phrases(fact: Fact) -> dict[str, str]:
    match fact.type:
        case OneOfType(values=values) | SetType(values=values):
            return {value.name: value.phrase for value in values}
        case _:
            return {}


def _clauses(old: Rule, new: Rule) -> Iterator[str]:
    yield from (name for name in ("title", "hazard", "require") if getattr(old, name) != getattr(new, name))
    yield from _speech(old.speech, new.speech)


def _speech(old: Speech, new: Speech) -> Iterator[str]:
    if old.think != new.think:
        yield "think"
    if old.answer != new.answer:
        yield "answer"
