"""Sentences that name the same things in another order, which is the writer's: a model names them as it sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Any

import re2

from safecot_dsl.artifact import CompiledPolicy, OneOfType, SetType
from safecot_dsl.render.bounded import MOST
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import definite
from safecot_dsl.render.sentences import told_in_turn

_LAST = (" and ", " or ", " nor ")  # before the last thing of a list
_JOINS = (", ", *_LAST)
_BEGINS = re.compile(r"(?:^|(?<=[.?!] ))\w")  # where a thing that stands first has a capital letter
_VERBS = 2  # characters by which sentences of the same things differ: "count" and "counts", "is" and "are"
# Behind "neither ... nor" the verb goes with the last thing.
_NEITHER = re.compile(r"\b(neither .*?) (?:counts?|is|are)\b")


class AnyOrder:
    """Finds a sentence of one policy that names its things in another order; prepared when it is first asked."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self._policy = policy
        self._kept = lru_cache(maxsize=MOST)(self._sorted)

    def find(self, text: str, texts: Iterable[str], asked: str = "") -> str | None:
        """The one of `texts` that says the same as `text`, None where none does. `asked` is the question that `text`
        answers, with the space behind it: what answers it among `texts` begins with it."""
        things = told_in_turn(text) if asked else None
        if things is not None:
            answers = (each for each in texts if each.startswith(asked))
            return next((each for each in answers if told_in_turn(each.removeprefix(asked)) == things), None)
        said = f"{asked}{text}"
        alike = [each for each in texts if abs(len(each) - len(said)) <= _VERBS]
        told = self._kept(said) if alike else None
        return next((each for each in alike if self._kept(each) == told), None) if told is not None else None

    def _sorted(self, text: str) -> str | None:
        """The text with the things of each list in one order; None where it lists nothing."""
        text = _BEGINS.sub(lambda begins: begins[0].lower(), text)
        found = [places for thing in self._things for places in _listings(thing, text)]
        if not found:
            return None
        told = list(text)
        for places in found:
            for (start, end), thing in zip(places, sorted(text[slice(*place)] for place in places), strict=True):
                told[start:end] = [thing, *[""] * (end - start - 1)]
        return _NEITHER.sub(r"\1 is", "".join(told))

    @cached_property
    def _things(self) -> list[Any]:
        """What finds a thing: as it is first named ("a cup"), and as it is named again ("the cup"). A list is of one
        kind, so that none begins in what something counts as ("as a weapon, the cup and the bottle do not")."""
        types = (fact.type for fact in self._policy.facts if isinstance(fact.type, OneOfType | SetType))
        phrases = {fold_line(value.phrase) for of in types for value in of.values}
        return [_any_of(named) for named in (phrases, set(map(definite, phrases))) if named]


def _any_of(phrases: Iterable[str]) -> Any:
    each = "|".join(re2.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True))
    return re2.compile(rf"\b(?:{each})\b")


def _listings(thing: Any, text: str) -> Iterator[list[tuple[int, int]]]:
    """Where the things of each list stand: "a", "b" and "c" of "a, b and c"."""
    places: list[tuple[int, int]] = []
    for found in thing.finditer(text):
        join = text[places[-1][1] : found.start()] if places else ""
        if join not in _JOINS:
            places = []
        places.append(found.span())
        if join in _LAST:
            yield places
            places = []
