"""Small slips in what facts and groups say of themselves: the policy decides as before, and is told otherwise.

No example or claim of a policy can notice one, since they speak of verdicts. What reads texts has to: a difference
names it, the digest covers it, and a sentence that says the opposite is read as the opposite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from safecot_dsl.artifact import CompiledPolicy, Fact, Group, NumberType, OneOfType, SetType
from safecot_dsl.testing.laws_language import remade


@dataclass(frozen=True)
class TextMutant:
    """A policy with one slip in a text. `operator` is what kind of slip, `key` its place in the source map of the
    policy, or what that falls back to."""

    operator: str
    key: str
    original: CompiledPolicy = field(repr=False, compare=False)
    changes: Mapping[str, Any] = field(repr=False)

    @cached_property
    def policy(self) -> CompiledPolicy:
        """The policy with the slip in it: a whole artifact with a digest of its own."""
        return remade(self.original, **self.changes)


def text_mutants(policy: CompiledPolicy) -> Iterator[TextMutant]:
    """Every slip in the sentences, bands and phrases of facts and groups, in the order of the policy."""
    for place, fact in enumerate(policy.facts):
        for operator, slips in FACT_OPERATORS.items():
            for part, changed in slips(fact):
                facts = (*policy.facts[:place], changed, *policy.facts[place + 1 :])
                yield TextMutant(operator, f"fact:{fact.name}{part}", policy, {"facts": facts})
    for name, group in policy.groups.items():
        for operator, change in GROUP_OPERATORS.items():
            changed = change(name, group)
            if changed != group:
                yield TextMutant(operator, group.key, policy, {"groups": policy.groups | {name: changed}})


#: A part of the fact's key, and the fact with the slip in it.
Slip = tuple[str, Fact]


def _sentence_left_out(fact: Fact) -> Iterator[Slip]:
    for name, part in _PARTS.items():
        if getattr(fact, name):
            yield f".{part}", fact.model_copy(update={name: ()})


_PARTS = {"says": "says", "denies": "not", "none": "none", "bands": "bands"}


def _turned_round(fact: Fact) -> Iterator[Slip]:
    if fact.says != fact.denies and fact.says and fact.denies:
        yield ".says", fact.model_copy(update={"says": fact.denies, "denies": fact.says})


def _bands_exchanged(fact: Fact) -> Iterator[Slip]:
    for place, (one, other) in enumerate(pairwise(fact.bands)):
        if one.texts != other.texts:
            exchanged = (
                *fact.bands[:place],
                one.model_copy(update={"texts": other.texts}),
                other.model_copy(update={"texts": one.texts}),
                *fact.bands[place + 2 :],
            )
            yield ".bands", fact.model_copy(update={"bands": exchanged})


def _band_moved(fact: Fact) -> Iterator[Slip]:
    """The end of a band lies half as far from the one before it."""
    if not isinstance(fact.type, NumberType):
        return
    reached = fact.type.low
    for place, band in enumerate(fact.bands):
        if band.below is None:
            return
        end = reached + (band.below - reached) / 2
        if reached < end < band.below:
            moved = (*fact.bands[:place], band.model_copy(update={"below": end}), *fact.bands[place + 1 :])
            yield ".bands", fact.model_copy(update={"bands": moved})
        reached = band.below


def _values_exchanged(fact: Fact) -> Iterator[Slip]:
    if not isinstance(fact.type, OneOfType | SetType) or getattr(fact.type, "taxonomy", None) is not None:
        return  # the phrases of nodes are the taxonomy's
    values = fact.type.values
    for place, (one, other) in enumerate(pairwise(values)):
        if one.phrase != other.phrase:
            exchanged = (
                *values[:place],
                one.model_copy(update={"phrase": other.phrase}),
                other.model_copy(update={"phrase": one.phrase}),
                *values[place + 2 :],
            )
            yield "", fact.model_copy(update={"type": fact.type.model_copy(update={"values": exchanged})})


FACT_OPERATORS: Mapping[str, Callable[[Fact], Iterator[Slip]]] = {
    "sentence left out": _sentence_left_out,
    "`says` and `not` exchanged": _turned_round,
    "bands exchanged": _bands_exchanged,
    "band's end moved": _band_moved,
    "phrases of values exchanged": _values_exchanged,
}
GROUP_OPERATORS: Mapping[str, Callable[[str, Group], Group]] = {
    "group's phrase left out": lambda name, group: group.model_copy(
        update={"phrase": name.rsplit(".", 1)[-1].replace("_", " ")}
    ),
    "group's `says` left out": lambda _, group: group.model_copy(update={"says": ()}),
    "group's `none` left out": lambda _, group: group.model_copy(update={"none": ()}),
}
