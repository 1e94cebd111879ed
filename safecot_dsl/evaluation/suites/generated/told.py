"""Requests told in words: for a policy without any images at hand, every case is its own description."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy, Fact, Subject
from safecot_dsl.artifact.digest import digest_of
from safecot_dsl.evaluation.suites.generated.pool import OVERRIDE, Variant
from safecot_dsl.evaluation.suites.generated.writing import said, with_text
from safecot_dsl.facts import Item
from safecot_dsl.facts.annotators.alternatives import Alternatives
from safecot_dsl.render.sentences import Sentences

_EACH = 30  # cases of each rule, and of the default

_HEADS = {
    Subject.IMAGE: "Take this as the image:",
    Subject.CONTEXT: "This is known besides:",
    Subject.QUERY: "This is asked:",
}
_BARE_HEADS = {Subject.IMAGE: "Image.", Subject.CONTEXT: "Besides.", Subject.QUERY: "Request."}


class ToldPool:
    """Complete cases of a policy, as many of each rule and of the default, told in its own phrases and without images.

    All that a prompt says is a fact of its case, and all facts of the case are in it. `seed` draws the cases.
    """

    def __init__(self, policy: CompiledPolicy, seed: int = 0) -> None:
        self.policy, self.seed, self.override = policy, seed, OVERRIDE
        self._alternatives = Alternatives(policy)
        self._sentences = Sentences(policy)

    def items(self) -> Iterator[Item]:
        """Some dozens of cases of each rule; a rule for which no case is found in time has none."""
        return iter(self._items)

    @cached_property
    def _items(self) -> tuple[Item, ...]:
        from safecot_dsl.analysis.cases import UndecidedError, models

        def cases(deciding: str) -> Iterator[Case]:
            try:
                yield from itertools.islice(models(self.policy, deciding=deciding, seed=self.seed), _EACH)
            except UndecidedError:
                return

        speakers = [*(rule.name for rule in self.policy.rules), "default"]
        rounds = itertools.zip_longest(*map(cases, speakers))
        return tuple(self._item(case) for of_each in rounds for case in of_each if case is not None)

    def neighbours(self, item: Item) -> Iterable[Item]:
        """The cases in which one fact has another value that some condition tells apart from its own."""
        for fact in self._alternatives.read:
            for other in self._alternatives.of(fact, item.case.known.get(fact.name)):
                yield self._item(item.case.with_fact(fact.name, other.value))

    def hidden(self, item: Item, fact: str) -> Item | None:
        return self._item(item.case.with_fact(fact, UNKNOWN))

    def wordings(self, item: Item) -> Iterable[Variant]:
        """The facts in another order, without bullets, and with the request first."""
        facts, case = self.policy.facts, item.case
        said = self._sentences
        yield Variant(self._item(case, _told(said, facts[::-1], case)), "facts in reverse order")
        yield Variant(self._item(case, _bare(said, facts, case)), "without bullets")
        yield Variant(self._item(case, _told(said, facts, case, tuple(_HEADS)[::-1])), "request first")

    def styles(self, item: Item) -> Iterable[Variant]:
        """None: there is no image."""
        return ()

    def written(self, item: Item, texts: Sequence[str], *, above: bool) -> Item | None:
        """The first of `texts` is told as part of the image's text, where the policy has a fact on that."""
        case = with_text(self.policy, item.case, Subject.IMAGE, texts[0])
        return None if case == item.case else self._item(case)

    def said(self, item: Item, text: str) -> Item:
        """Told as part of the request's text where the policy has a fact on that, else after all that is told."""
        changed = said(self.policy, item, text)
        return changed if changed.case == item.case else self._item(changed.case)

    def _item(self, case: Case, prompt: str | None = None) -> Item:
        return Item(
            id=digest_of(case.to_json()).removeprefix("sha256:")[:16],
            source="told",
            licence="CC0-1.0",
            prompt=prompt or _told(self._sentences, self.policy.facts, case),
            images=(),
            case=case,
            split="told",
        )


def told_pool(policy: CompiledPolicy, *, seed: int = 0) -> ToldPool:
    """Cases of any policy, told in words; `seed` draws them."""
    return ToldPool(policy, seed)


def _told(sentences: Sentences, facts: Sequence[Fact], case: Case, subjects: Sequence[Subject] = tuple(_HEADS)) -> str:
    parts: list[str] = []
    for subject in subjects:
        lines = [f"- {line}" for line in _lines(sentences, facts, case, subject)]
        if lines:
            parts.append("\n".join([_HEADS[subject], *lines]))
    return "\n\n".join([*parts, "Answer what is asked."])


def _bare(sentences: Sentences, facts: Sequence[Fact], case: Case) -> str:
    parts = [[_BARE_HEADS[subject], *lines] for subject in _HEADS if (lines := _lines(sentences, facts, case, subject))]
    return "\n".join([*(" ".join(part) for part in parts), "Please answer the request."])


def _lines(sentences: Sentences, facts: Sequence[Fact], case: Case, subject: Subject) -> list[str]:
    lines: list[str] = []
    for fact in facts:
        if fact.subject is not subject:
            continue
        if fact.name in case.known:
            lines.append(sentences.stated(fact, case.known[fact.name]).texts[0])
        elif fact.name in case.cannot_tell:
            lines.append(_untold(sentences, fact))
    return lines


def _untold(sentences: Sentences, fact: Fact) -> str:
    return f"It cannot be told {sentences.asked(fact)}."
