"""Values of facts, drawn as though nothing were known of the world.

Of each fact, every value that the policies' conditions can tell apart is equally likely; a set has none, one, two or
three members, equally likely; a text is empty, or has in it what one of the conditions looks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import z3

from safecot_dsl.analysis.domains import NumberDomain, TextDomain, pleasant
from safecot_dsl.analysis.space import Space
from safecot_dsl.analysis.texts import find_text
from safecot_dsl.artifact import Case, FlagType, NumberType, OneOfType, SetType, TextType, Value
from safecot_dsl.engine import normalise
from safecot_dsl.engine.meaning import primitives
from safecot_dsl.engine.operators import meaning

MOST_MEMBERS = 3


class ValueDraws:
    """Draws values of the facts of a space (an encoding)."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._options = {name: list(self._representatives(name)) for name in space.facts}
        self._members = {
            name: [value.name for value in fact.type.values]
            for name, fact in space.facts.items()
            if isinstance(fact.type, SetType)
        }
        self._pins: dict[tuple[str, Value], Sequence[z3.BoolRef]] = {}

    def case(self, random: Random) -> Case:
        """A complete case."""
        return Case({name: self.value(name, random) for name in self._options})

    def value(self, name: str, random: Random) -> Value:
        """A value of the fact."""
        members = self._members.get(name)
        if members is not None:
            return frozenset(random.sample(members, random.randint(0, min(MOST_MEMBERS, len(members)))))
        return random.choice(self._options[name])

    def others(self, name: str, value: Value) -> Iterator[Value]:
        """The fact's other values, one of each kind; of a set those with one member more or less, and the empty one."""
        if isinstance(value, frozenset):
            yield from dict.fromkeys(value ^ {member} for member in self._members[name])
            if len(value) > 1:
                yield frozenset()
            return
        own = self._pinned(name, value)
        for option in self._options[name]:
            if option != value and not alike(self._pinned(name, option), own):
                yield option

    def _pinned(self, name: str, value: Value) -> Sequence[z3.BoolRef]:
        """What a value pins down, kept: to make it takes longer than to compare it."""
        if (name, value) not in self._pins:
            self._pins[name, value] = self._space.domains[name].pins(value)
        return self._pins[name, value]

    def _representatives(self, name: str) -> Iterator[Value]:
        domain = self._space.domains[name]
        match self._space.facts[name].type:
            case FlagType():
                yield from (False, True)
            case OneOfType(leaves=leaves):
                yield from leaves
            case NumberType():
                assert isinstance(domain, NumberDomain)
                yield from (pleasant(low, high) for low, high in domain.intervals())
            case TextType():
                assert isinstance(domain, TextDomain)
                yield from _texts(domain)
            case SetType():
                return


def alike(pins: Sequence[z3.BoolRef], others: Sequence[z3.BoolRef]) -> bool:
    """Two values of a fact, by what each pins down: no condition tells them apart."""
    return all(pin.eq(other) for pin, other in zip(pins, others, strict=True))


def _texts(domain: TextDomain) -> Iterator[str]:
    yield ""
    for atom in domain.atoms:
        sought = list(primitives(meaning(atom, domain.fact)))
        phrases = [normalise(phrase) for test in sought if test.kind == "contains" for phrase in test.operand[:1]]
        patterns = [test.operand[0] for test in sought if test.kind == "matches"]
        text = find_text(dict.fromkeys((atom,), True), phrases, patterns)
        if text:
            yield text
