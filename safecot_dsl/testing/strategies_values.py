"""The values of one fact as Hypothesis draws them: of every kind that conditions tell apart, the plainest first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from safecot_dsl.analysis.cubes import signs_of
from safecot_dsl.analysis.domains import Domain, NumberDomain, TextDomain
from safecot_dsl.analysis.draws import ValueDraws
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.artifact import Fact, FlagType, NumberType, OneOfType, SetType, TextType, Value

MOST_MEMBERS = 3
MOST_PHRASES = 64
#: What stands in a text by chance: nothing that cannot be pasted into a policy.
_LETTERS = st.text(st.characters(min_codepoint=32, max_codepoint=126, include_characters="éßİ中👩"), max_size=12)


def choice_of(what: object, choices: Sequence[int]) -> SearchStrategy[tuple[object, int]]:
    """One of the choices, the first the simplest, and what it is a choice of.

    Hypothesis takes like elements to be like choices and copies one over the other, which means nothing where one is a
    value of a fact and the other of another: five of six cases would be such copies.
    """
    return st.sampled_from([(what, choice) for choice in choices])


class FactValues:
    """Draws values of a fact and makes them agree with what is asked of the fact.

    `options` are values of each kind that the encoding's conditions tell apart, the plainest first: no; the first name;
    the number nearest to 0, then the others, then both ends of each interval; the empty text, then texts that hold
    what a condition looks for. Of a set none are listed: it is drawn member by member.
    """

    def __init__(self, encoding: Encoding, draws: ValueDraws, fact: Fact) -> None:
        self.fact = fact
        self._domain = encoding.domains[fact.name]
        self._members = [value.name for value in fact.type.values] if isinstance(fact.type, SetType) else []
        self.options = list(_options(draws, fact, self._domain))
        self._signs: dict[Value, tuple[bool, ...]] = {}
        self._fitting: dict[tuple[tuple[int, bool], ...], list[Value]] = {}
        self._last = max(0, len(self.options) - 1)
        match fact.type:
            case SetType():
                count = len(self._members)
                # Each choice of a member is in one half of all cases none.
                choices = [*[0] * (count + 1), *range(1, count + 1)]
                self._choices = [choice_of((fact.name, n), choices) for n in range(min(MOST_MEMBERS, count))]
            case NumberType(low=low, high=high):
                self._choices = [choice_of(fact.name, range(self._last + 2))]
                self._numbers = st.floats(low, high)
            case TextType():
                self._choices = [choice_of(fact.name, range(self._last + 4))]
            case _:
                self._choices = [choice_of(fact.name, range(self._last + 1))]

    def draw(self, draw: DrawFn) -> tuple[Value, int]:
        """A value, and a number by which another is chosen in its place where it does not do."""
        # One choice a fact, and three a set, however many kinds there are: Hypothesis takes its time for each.
        if self._members:
            drawn = [draw(choice)[1] for choice in self._choices]
            return frozenset(self._members[index - 1] for index in drawn if index), 0
        index = draw(self._choices[0])[1]
        if index <= self._last:
            return self.options[index], index
        if isinstance(self.fact.type, NumberType):
            return draw(self._numbers) + 0.0, index  # a zero has no sign in the language
        match index - self._last - 1:
            case 0:
                return draw(_LETTERS), index
            case 1:
                return f"{self._listed(draw)} {self._listed(draw)}", index
            case _:
                return f"{draw(_LETTERS)}{self._listed(draw)}{draw(_LETTERS)}", index

    def _listed(self, draw: DrawFn) -> Value:
        return self.options[draw(st.integers(0, self._last))]

    def add(self, value: Value) -> None:
        """Make a value one of the options, if none is like it."""
        if not self._members and all(self.signs(option) != self.signs(value) for option in self.options):
            self.options.append(value)

    def signs(self, value: Value) -> tuple[bool, ...]:
        if isinstance(value, frozenset):
            return tuple(member in value for member in self._members)
        if value not in self._signs:
            if len(self._signs) > 4096:  # numbers and texts have no end
                self._signs.clear()
            self._signs[value] = signs_of(self._domain, value)
        return self._signs[value]

    def agrees(self, value: Value, asked: Mapping[int, bool]) -> bool:
        signs = self.signs(value)
        return all(signs[place] is sign for place, sign in asked.items())

    def fitted(self, value: Value, chosen: int, asked: Mapping[int, bool], known: Value) -> Value:
        """The value where it agrees, else one that does: of a set the nearest, else one of the options, `known` where
        there is none."""
        if isinstance(value, frozenset):
            gained = {self._members[place] for place, sign in asked.items() if sign}
            lost = {self._members[place] for place, sign in asked.items() if not sign}
            return (value | gained) - lost
        if self.agrees(value, asked):
            return value
        key = tuple(sorted(asked.items()))
        if key not in self._fitting:
            self._fitting[key] = [option for option in self.options if self.agrees(option, asked)] or [known]
        return self._fitting[key][chosen % len(self._fitting[key])]

    @property
    def has_others(self) -> bool:
        """Whether the fact has more than one value."""
        return bool(self._members) or len(self.options) > 1

    def draw_other(self, draw: DrawFn, value: Value) -> Value:
        """A value that is not this one; of a set one with a member more or less, or all others."""
        if isinstance(value, frozenset):
            member = self._members[draw(st.integers(0, len(self._members) - 1))]
            return value ^ {member}
        others = [option for option in self.options if option != value]
        return others[draw(st.integers(0, len(others) - 1))]


def _options(draws: ValueDraws, fact: Fact, domain: Domain) -> Iterator[Value]:
    match fact.type:
        case FlagType():
            yield from (False, True)
        case OneOfType(leaves=leaves):
            yield from leaves
        case NumberType(low=low):
            assert isinstance(domain, NumberDomain)
            plain = [value for value in (low, *draws.others(fact.name, low)) if isinstance(value, float)]
            first = domain.value(lambda formula: False)
            assert isinstance(first, float)
            plain[0] = first
            yield from sorted(plain, key=lambda value: (abs(value), value < 0))
            ends = itertools.chain.from_iterable(domain.intervals())
            yield from sorted(set(ends) - set(plain), key=lambda value: (abs(value), value < 0))
        case TextType():
            assert isinstance(domain, TextDomain)
            phrases = [phrase for atom in domain.atoms for phrase in atom.listed]
            yield from dict.fromkeys(("", "a", *phrases[:MOST_PHRASES], *draws.others(fact.name, "")))
        case SetType():
            return
