"""Likeness of meaning: the value whose examples a text is most like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy, Fact, FlagType, OneOfType, Value
from safecot_dsl.engine import show_value
from safecot_dsl.extras import require
from safecot_dsl.facts.annotators.caching import digest_key, through_cache
from safecot_dsl.facts.annotators.finding import (
    CannotTell,
    Finding,
    Found,
    NotTold,
    declared_as,
    doubt,
    value_of,
    value_of_label,
)
from safecot_dsl.facts.annotators.report import Effort
from safecot_dsl.facts.annotators.settings import Embedding
from safecot_dsl.facts.annotators.texts import PROMPT, check_reads, text_of
from safecot_dsl.facts.item import FactsError, Item
from safecot_dsl.facts.tables.lines import read_jsonl
from safecot_dsl.models import embed, embedding_version
from safecot_dsl.storage import Cache, Progress

_CHUNK = 256  # texts


class NearestFiller:
    """Fills one fact by likeness. See :class:`safecot_dsl.facts.annotators.settings.Embedding`."""

    name = "embedding"

    def __init__(
        self,
        settings: Embedding,
        policy: CompiledPolicy,
        base_dir: Path,
        cache: Cache | None = None,
        progress: Progress | None = None,
    ) -> None:
        where = f"the embedding annotator of `{settings.fact}`"
        fact = declared_as(policy, settings.fact, where, FlagType, OneOfType)
        check_reads(policy, settings.reads, where)
        require(["annotate"], vectors=True)
        self.facts = (settings.fact,)
        self.overwrite = settings.overwrite
        self.effort = Effort()
        self._settings, self._cache, self._progress = settings, cache, progress
        self._otherwise = None if settings.otherwise is None else value_of(fact, settings.otherwise, where)
        self._empty = None if settings.empty is None else value_of(fact, settings.empty, where)
        self._examples = _examples(settings, fact, policy, base_dir, where)

    def find(self, items: Sequence[Item]) -> list[Mapping[str, Finding]]:
        """One finding an item; equal texts are compared once."""
        read = (text_of(item, self._settings.reads) for item in items)
        texts = [_with_letters(text) if isinstance(text, str) else text for text in read]
        told = dict.fromkeys(text for text in texts if isinstance(text, str) and text)
        likeness = self._likeness(list(told))
        findings: list[Mapping[str, Finding]] = []
        for text in texts:
            if isinstance(text, CannotTell | NotTold):
                findings.append({self.facts[0]: text})
            elif text in likeness:
                findings.append({self.facts[0]: self._judged(likeness[text])})
            elif self._empty is not None:
                findings.append({self.facts[0]: Found(self._empty, None, "no text")})
            else:
                findings.append({self.facts[0]: doubt(self._settings.unsure, "no text")})
        return findings

    def _likeness(self, texts: Sequence[str]) -> dict[str, list[float]]:
        """How alike each text is to each value, in the order of the values."""
        made_from = [[show_value(value), *examples] for value, examples in self._examples.items()]
        settings = digest_key("embedding", 1, embedding_version(), self._settings.nearest, made_from)
        keys = {text: digest_key(settings, text) for text in texts}
        found = through_cache(
            [(key, text) for text, key in keys.items()],
            self._compared,
            cache=self._cache,
            effort=self.effort,
            chunk=_CHUNK,
            progress=self._progress,
            title=f"comparing meanings for {self.facts[0]}",
            unit="texts",
        )
        return {text: found[key] for text, key in keys.items()}

    def _compared(self, texts: Sequence[str]) -> list[list[float]]:
        import numpy as np

        vectors = embed(texts)
        columns: list[list[float]] = []
        for examples in self._examples.values():
            # (texts, examples). The product of each pair by itself, so that no neighbour moves its last bits.
            alike = np.stack([(vectors * example).sum(1) for example in embed(examples)], axis=1)
            best = np.sort(alike, axis=1)[:, -self._settings.nearest :]
            columns.append([round(float(mean), 6) for mean in best.mean(1)])
        return [list(row) for row in zip(*columns, strict=True)]

    def _judged(self, likeness: Sequence[float]) -> Finding:
        settings = self._settings
        ranked = sorted(zip(likeness, self._examples, strict=True), key=lambda entry: -entry[0])
        best, value = ranked[0]
        seen = ", ".join(f"{show_value(value)} {score:.2f}" for score, value in ranked[:2])
        confidence = max(0.0, best)
        if best < settings.minimum:
            if self._otherwise is None:
                return doubt(settings.unsure, "like no example", seen, confidence)
            return Found(self._otherwise, confidence, f"like no example: {seen}")
        # `margin` is stated in steps that the rounded scores can tell.
        if len(ranked) > 1 and round(best - ranked[1][0], 6) < settings.margin:
            return doubt(settings.unsure, "like two values", seen, confidence)
        return Found(value, confidence, seen)


def _with_letters(text: str) -> str:
    """The lines that have a letter: the rest of a form or a list means nothing."""
    return "\n".join(line for line in text.splitlines() if any(character.isalpha() for character in line))


def _examples(
    settings: Embedding, fact: Fact, policy: CompiledPolicy, base_dir: Path, where: str
) -> dict[Value, list[str]]:
    """The examples of each value that has any, in the order of the fact's domain; each once."""
    found: dict[Value, list[str]] = {}
    for label, texts in settings.examples.items():
        found.setdefault(value_of_label(fact, label, where), []).extend(texts)
    if settings.file is not None:
        for value, text in _of_file(base_dir / settings.file, fact):
            found.setdefault(value, []).append(text)
    if settings.phrases and isinstance(fact.type, OneOfType):
        for named in fact.type.values:
            found.setdefault(named.name, []).append(named.phrase)
    if settings.policy_examples:
        if settings.reads == PROMPT:
            raise FactsError(f"{where}: `policy_examples` needs `reads` to be a text fact: examples have no prompt")
        for value, text in _of_policy(policy, fact, settings.reads):
            found.setdefault(value, []).append(text)
    order: list[Value] = [v.name for v in fact.type.values] if isinstance(fact.type, OneOfType) else [False, True]
    given = {value: list(dict.fromkeys(found[value])) for value in order if found.get(value)}
    if len(given) < (1 if settings.otherwise is not None else 2):
        raise FactsError(
            f"{where} has examples of {len(given)} values: it needs two, or one and `otherwise`; give `examples`, a "
            "`file`, `phrases` or `policy_examples`"
        )
    return given


def _of_file(path: Path, fact: Fact) -> Iterator[tuple[Value, str]]:
    for line, record in read_jsonl(path):
        where = f"{path.name}:{line}"
        if isinstance(record, str):
            raise FactsError(f"{where}: {record}")
        if set(record) != {"text", "value"} or not isinstance(record["text"], str) or not record["text"].strip():
            raise FactsError(f'{where}: a line is `{{"text": …, "value": …}}`, with a text in it')
        yield value_of(fact, record["value"], where), record["text"]


def _of_policy(policy: CompiledPolicy, fact: Fact, reads: str) -> Iterator[tuple[Value, str]]:
    for example in policy.examples:
        facts = example.given.get("facts", example.given)
        text, value = facts.get(reads), facts.get(fact.name)
        if isinstance(text, str) and text and value is not None and not isinstance(value, dict):
            yield value_of(fact, value, f"example {example.name!r}"), text
