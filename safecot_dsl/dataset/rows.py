"""Training rows: what candidates teach, written out, with the provenance of every sentence."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Final, Literal

from safecot_dsl.artifact import Case, CompiledPolicy, Value, canonical_json
from safecot_dsl.facts import Item
from safecot_dsl.render import (
    Order,
    Rendered,
    Sentence,
    Tags,
    answer_text,
    neutralise,
    reasoning_block,
    reasoning_lines,
    target_text,
)

#: So many sentences and lists of rules that come again are kept.
_KEPT: Final = 4096
#: So many cases whose facts are written already, and the longest text of facts that is kept.
_KEPT_FACTS: Final = 1 << 14
_LONGEST_FACTS: Final = 2048

RowStyle = Literal["none", "minimal", "full", "stepwise"]
RowOrder = Literal["reasoning_first", "answer_first"]

# What `json` encodes a string with.
_quoted = encode_basestring


@dataclass(frozen=True, slots=True)
class RowImage:
    """An image of a row.

    `path` is what the row calls it; where `data`, the file's bytes, is None, it is the file's path relative to the
    data set's image root. `sha256` is the digest of the file's bytes, in hexadecimal digits.
    """

    path: str
    sha256: str
    data: bytes | None

    @classmethod
    def of(cls, data: bytes, path: str) -> RowImage:
        """An image that the row holds."""
        return cls(path, hashlib.sha256(data).hexdigest(), data)


class RowBuilder:
    """Builds the rows of one policy, in one style, between the same tags, in one order.

    What the rows of a policy have in common is worked out once. Its memory is bounded.
    """

    def __init__(
        self,
        policy: CompiledPolicy,
        *,
        style: RowStyle = "stepwise",
        order: RowOrder = "reasoning_first",
        tags: Tags | None = None,
        system: str | None = None,
    ) -> None:
        """`system` is what stands in the rows' system turn."""
        self._policy = policy
        self._system = system
        self._style = style
        self._order = Order.ANSWER_ONLY if style == "none" else Order(order)
        self._tags = tags or Tags()
        self._sentences: dict[int, tuple[Sentence, dict[str, Any]]] = {}
        self._rules: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        self._facts: dict[int, tuple[Case, str]] = {}

    def build(
        self,
        item: Item,
        rendered: Rendered,
        images: Sequence[RowImage],
        *,
        seed: str,
        pair: str = "",
        from_model: bool = False,
        reviewed: bool = False,
    ) -> dict[str, Any]:
        """The row in the columns of :func:`safecot_dsl.dataset.schema.canonical_schema`; see there for each.

        `seed` is what the wording was drawn with, `pair` the name of the contrast pair, and `from_model` says that the
        answer which the policy leaves open is a model's, not the source's; `reviewed` that the whole answer is a
        reviewer's. Rows share what they say alike: lists and dictionaries in them are to be read, not changed.
        """
        tags = self._tags
        reasoned = self._order is not Order.ANSWER_ONLY
        reasoning = "\n".join(reasoning_lines(rendered, tags)) if reasoned else ""
        answer = answer_text(rendered, tags)
        block = reasoning_block(reasoning, rendered.verdict, rendered.cited, tags) if reasoned else ""
        completion = target_text(block, answer, self._order)
        told = rendered.reasoning if reasoned else ()
        told = told if reviewed else (*told, *rendered.answer)
        prompt = neutralise(item.prompt, tags)
        facts = self._facts_of(item.case)
        digests = [image.sha256 for image in images]
        held = self._sentences
        return {
            "id": content_id(prompt, digests, facts, completion, self._system),
            "images": [{"bytes": image.data, "path": image.path} for image in images],
            "image_sha256": digests,
            "prompt": prompt,
            "system": self._system,
            "reasoning": reasoning,
            "answer": answer,
            "completion": completion,
            "verdict": rendered.verdict.value,
            "rules": self._cited(rendered.cited),
            "sentences": [
                kept[1] if (kept := held.get(id(sentence))) is not None else self._sentence(sentence, from_model)
                for sentence in told
            ]
            + [self._described(sentence, "review") for sentence in (rendered.answer if reviewed else ())],
            "facts": facts,
            "style": self._style,
            "policy": self._policy.digest,
            "seed": seed,
            "source": item.source,
            "source_id": item.id,
            "licence": item.licence,
            "split": item.split,
            "pair": pair,
        }

    def _sentence(self, sentence: Sentence, from_model: bool) -> dict[str, Any]:
        if sentence.step == "source":
            return self._described(sentence, "model" if from_model else "source")
        if len(self._sentences) >= _KEPT:
            self._sentences.clear()
        described = self._described(sentence, sentence.step)
        # While a sentence is kept here, no other can have its identity.
        self._sentences[id(sentence)] = sentence, described
        return described

    def _described(self, sentence: Sentence, step: str) -> dict[str, Any]:
        return {"step": step, "text": sentence.text, "rule": sentence.rule, **_where(self._policy, sentence.key)}

    def _facts_of(self, case: Case) -> str:
        """The case as canonical JSON. Sources give equal cases as one object where they can."""
        kept = self._facts.get(id(case))
        if kept is not None:
            return kept[1]
        text = facts_text(case)
        if len(text) <= _LONGEST_FACTS:
            if len(self._facts) >= _KEPT_FACTS:
                self._facts.clear()
            self._facts[id(case)] = case, text
        return text

    def _cited(self, names: tuple[str, ...]) -> list[dict[str, Any]]:
        if names not in self._rules:
            if len(self._rules) >= _KEPT:
                self._rules.clear()
            self._rules[names] = [_place(self._policy, name) for name in names]
        return self._rules[names]


def facts_text(case: Case) -> str:
    """The case as canonical JSON: the same as `canonical_json(case.to_json())`."""
    facts = {name: _value_text(value) for name, value in case.known.items()}
    facts.update(dict.fromkeys(case.cannot_tell, '{"unknown":true}'))
    return f'{{"facts":{{{",".join([f"{_name_text(name)}:{facts[name]}" for name in sorted(facts)])}}}}}'


_name_text = lru_cache(maxsize=4096)(_quoted)


def _value_text(value: Value) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, frozenset):
        return _set_text(value)
    return repr(value) if math.isfinite(value) else canonical_json(value)


@lru_cache(maxsize=4096)
def _set_text(value: frozenset[str]) -> str:
    return canonical_json(sorted(value))


def content_id(prompt: str, images: Sequence[str], facts: str, completion: str, system: str | None = None) -> str:
    """A row's id: 24 hexadecimal digits of the SHA-256 of all that it teaches, as canonical JSON.

    `images` are their files' SHA-256 in hexadecimal digits, `facts` the case as canonical JSON, `system` what stands in
    the system turn. The policy is not in it: a row that says the same under a changed policy is the same row.
    """
    digests = ",".join([f'"{digest}"' for digest in images])
    turn = "" if system is None else f",{_quoted(system)}"
    content = f"[{_quoted(prompt)},[{digests}],{_quoted(facts)},{_quoted(completion)}{turn}]"
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _place(policy: CompiledPolicy, name: str) -> dict[str, Any]:
    key = f"rule:{name}" if name in policy.rule_index else name
    return {"name": name, **_where(policy, key)}


def _where(policy: CompiledPolicy, key: str | None) -> dict[str, Any]:
    span = policy.span(key) if key is not None else None
    return {"file": span.file if span else None, "line": span.line if span else None}
