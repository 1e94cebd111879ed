"""The words of a policy: how its facts, their values and its rules are spoken of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from safecot_dsl.artifact import Case, CompiledPolicy, Fact, OneOfType, SetType, Text
from safecot_dsl.dataset.writing.words import ASKING, NEGATORS, content, words
from safecot_dsl.dataset.writing.words import stem as word_stem
from safecot_dsl.render.cleaning import fold_line


@dataclass(frozen=True)
class Form:
    """A value of a fact, as it is spoken of.

    `stems` are the words of its phrase that carry meaning and `weights` how much each tells it from the fact's other
    values (they sum to 1); `telling` are those that no other value of the fact has. `plain` is the phrase as it is,
    for a phrase without such words ("what it is"); `denies` says that it has a negation in it. `also` are other ways to
    say it: the things that a phrase lists, and the value's name.
    """

    fact: str
    value: str
    stems: tuple[str, ...]
    weights: tuple[float, ...]
    telling: frozenset[str]
    plain: tuple[str, ...]
    denies: bool
    also: tuple[tuple[str, ...], ...]


class Lexicon:
    """The forms of all values, and the labels of all facts."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self.policy = policy
        self.forms: dict[str, tuple[Form, ...]] = {
            fact.name: tuple(_forms(fact)) for fact in policy.facts if isinstance(fact.type, OneOfType | SetType)
        }
        self.labels: dict[str, tuple[str, ...]] = {
            fact.name: tuple(w.text for w in words(fact.label) if w.text[0].isalnum()) for fact in policy.facts
        }
        self.label_stems: dict[str, tuple[str, ...]] = {fact.name: _label_stems(fact.label) for fact in policy.facts}
        self.label_parts: dict[str, tuple[tuple[str, ...], ...]] = {
            fact.name: tuple(found for part in _parts(fact.label) if (found := _label_stems(part)))
            for fact in policy.facts
        }
        self.ask_stems: dict[str, tuple[str, ...]] = {fact.name: content(fact.ask or "") for fact in policy.facts}
        self._rarity = _rarity(policy)
        self._rarest = max(self._rarity.values(), default=1.0)
        self._by_stem: dict[str, list[Form]] = {}
        for form in (form for forms in self.forms.values() for form in forms):
            for stem in {word_stem(form.plain[0]), *form.stems, *(stem for stems in form.also for stem in stems)}:
                self._by_stem.setdefault(stem, []).append(form)
        self._order = [(form.fact, form.value) for forms in self.forms.values() for form in forms]

    def spoken_of(self, stems: Iterable[str]) -> list[Form]:
        """The forms that have one of these words, in the order of the facts and their values."""
        found = {(form.fact, form.value): form for stem in stems for form in self._by_stem.get(stem, ())}
        return [found[key] for key in self._order if key in found]

    def stems_of(self, case: Case) -> frozenset[str]:
        """The words that carry meaning in the labels of the known facts and in their values' phrases."""
        found: set[str] = set()
        for name, value in case.known.items():
            found.update(content(self.policy.fact_index[name].label))
            for form in self.forms.get(name, ()):
                if form.value == value or (isinstance(value, frozenset) and form.value in value):
                    found.update(form.stems)
        return frozenset(found)

    def ancestors(self, fact: Fact, value: str) -> frozenset[str]:
        """The nodes above a value whose fact ranges over a taxonomy: what is so of it is so of them."""
        taxonomy = fact.type.taxonomy if isinstance(fact.type, OneOfType) else None
        if taxonomy is None or taxonomy not in self.policy.taxonomies:
            return frozenset()
        parents = {node.name: node.parent for node in self.policy.taxonomies[taxonomy].nodes}
        found: set[str] = set()
        node = parents.get(value)
        while node is not None and node not in found:
            found.add(node)
            node = parents.get(node)
        return frozenset(found)

    def rarity(self, stem: str) -> float:
        """How much a word tells, from how few of the policy's phrases, labels and texts have it."""
        return self._rarity.get(stem, self._rarest)

    def share(self, of: Iterable[str], among: frozenset[str] | set[str]) -> float:
        """The share of the words `of` that are `among`, rare ones counting more; 0 for none."""
        whole = part = 0.0
        for stem in of:
            weight = self._rarity.get(stem, self._rarest)
            whole += weight
            if stem in among:
                part += weight
        return part / whole if whole else 0.0

    @cached_property
    def constants(self) -> frozenset[float]:
        """The numbers that the policy's own conditions name, which a text may quote."""
        from safecot_dsl.artifact import Between, Compare, atoms

        found = set(self.policy.params.values())
        for rule in self.policy.rules:
            for condition in (rule.when, rule.unless):
                for atom in atoms(condition) if condition is not None else ():
                    if isinstance(atom, Compare):
                        found.add(atom.value)
                    elif isinstance(atom, Between):
                        found.update((atom.low, atom.high))
        return frozenset(found)


def _forms(fact: Fact) -> Iterable[Form]:
    assert isinstance(fact.type, OneOfType | SetType)
    frame = frozenset(content(fact.label)) | ASKING
    stems = {value.name: _telling(content(value.phrase), frame) for value in fact.type.values}
    counts = Counter(stem for found in stems.values() for stem in found)
    for value in fact.type.values:
        own = stems[value.name]
        raw = [1.0 / counts[stem] for stem in own]
        parts = _parts(value.phrase)
        yield Form(
            fact=fact.name,
            value=value.name,
            stems=own,
            weights=tuple(weight / sum(raw) for weight in raw),
            telling=frozenset(stem for stem in own if counts[stem] == 1),
            plain=tuple(w.text for w in words(value.phrase)),
            denies=not NEGATORS.isdisjoint(w.text for w in words(value.phrase)),
            also=tuple(
                dict.fromkeys(
                    found
                    for part in (*(parts if len(parts) > 1 else ()), value.name.replace("_", " "))
                    if (found := content(part)) and found != own
                )
            ),
        )


def _telling(stems: tuple[str, ...], frame: frozenset[str]) -> tuple[str, ...]:
    """The stems without those that any sentence on the fact has, as long as others are left."""
    return tuple(stem for stem in stems if stem not in frame) or stems


def _label_stems(label: str) -> tuple[str, ...]:
    return _telling(content(label), ASKING)


def _parts(text: str) -> list[str]:
    """What a phrase lists: "a caption, a plate or a jersey" is three things, each of which is enough."""
    return fold_line(text).replace(" or ", ", ").split(", ")


def _rarity(policy: CompiledPolicy) -> dict[str, float]:
    texts = [fact.label for fact in policy.facts]
    texts += [v.phrase for fact in policy.facts if isinstance(fact.type, OneOfType | SetType) for v in fact.type.values]
    for rule in policy.rules:
        texts += [rule.title or "", *rule_texts(policy, rule.name)]
    counts = Counter(stem for text in texts for stem in content(text))
    return {stem: math.log(1 + len(texts) / count) for stem, count in counts.items()}


def rule_texts(policy: CompiledPolicy, name: str, kinds: frozenset[str] | None = None) -> list[str]:
    """The fixed words of the texts that the rule's author wrote for its reasoning, slots left out."""
    return [
        text
        for step in policy.rule_index[name].speech.think
        if kinds is None or step.kind in kinds
        for template in step.alternatives
        if (text := " ".join(segment.text for segment in template if isinstance(segment, Text)).strip())
    ]
