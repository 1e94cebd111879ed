"""The values of one fact as Boolean variables, as far as conditions can tell them apart.

Where every variable of a fact is false, the fact has its plainest value: no, the first name, the empty set, the lowest
interval of numbers, the empty text. A solver that prefers false therefore finds cases that read easily.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import z3

from safecot_dsl.analysis.logic import all_of, any_of, at_least, at_most, constant, implies, negation, signed, variable
from safecot_dsl.analysis.texts import find_text
from safecot_dsl.artifact import (
    Fact,
    FactAtom,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    TreeAtom,
    Value,
)
from safecot_dsl.engine.meaning import Meaning, Primitive, fold
from safecot_dsl.engine.operators import meaning
from safecot_dsl.engine.texts import normalise, search


class Domain(ABC):
    """A fact's variables. `bits` are all of them, in a fixed order; it grows as atoms need more."""

    def __init__(self, prefix: str, fact: Fact, context: z3.Context, require: Callable[[z3.BoolRef], None]) -> None:
        self.fact = fact
        self.context = context
        self.bits: list[z3.BoolRef] = []
        self._prefix = prefix
        self._require = require

    def atom(self, atom: FactAtom) -> z3.BoolRef:
        """The atom over this fact."""
        if not isinstance(self.fact.type, atom.reads):
            raise TypeError(f"`{atom.kind}` is no condition on `{self.fact.name}`")
        return fold(meaning(atom, self.fact), self._test, self._at_least, negation)

    @abstractmethod
    def _test(self, test: Primitive) -> z3.BoolRef:
        """The value passes a test of the kinds that its type has."""

    def _at_least(self, least: int, parts: Sequence[z3.BoolRef]) -> z3.BoolRef:
        if least == len(parts):
            return all_of(parts, self.context)
        if least > len(parts):
            return self._constant(False)
        return self._any(parts) if least == 1 else at_least(least, parts)

    def may(self, atom: FactAtom) -> z3.BoolRef:
        """Where the atom is yes or maybe of a known value: it is maybe of one that is known only coarsely."""
        return self.atom(atom)

    @abstractmethod
    def value(self, holds: Callable[[z3.BoolRef], bool]) -> Value | None:
        """The value that a model describes; None for a text where none was found."""

    def plainest(self) -> Value | None:
        """The value where every variable is false."""
        return self.value(lambda formula: False)

    @abstractmethod
    def pins(self, value: Value) -> list[z3.BoolRef]:
        """What holds where the fact has this value: variables or their negations."""

    def _bit(self, name: str) -> z3.BoolRef:
        return variable(f"{self._prefix}{self.fact.name} {name}", self.context)

    def _constant(self, value: bool) -> z3.BoolRef:
        return constant(value, self.context)

    def _any(self, items: Iterable[z3.BoolRef]) -> z3.BoolRef:
        return any_of(items, self.context)


class FlagDomain(Domain):
    def __init__(self, prefix: str, fact: Fact, context: z3.Context, require: Callable[[z3.BoolRef], None]) -> None:
        super().__init__(prefix, fact, context, require)
        self.bits = [self._bit("yes")]

    def _test(self, test: Primitive) -> z3.BoolRef:
        del test
        return self.bits[0]

    def value(self, holds: Callable[[z3.BoolRef], bool]) -> Value:
        return holds(self.bits[0])

    def pins(self, value: Value) -> list[z3.BoolRef]:
        return [signed(self.bits[0], value is True)]


class OneOfDomain(Domain):
    """One variable for each value but the first, at most one of them true. Of a taxonomy the first is a leaf."""

    def __init__(self, prefix: str, fact: Fact, context: z3.Context, require: Callable[[z3.BoolRef], None]) -> None:
        super().__init__(prefix, fact, context, require)
        assert isinstance(fact.type, OneOfType)
        self.names = [*fact.type.leaves, *(value.name for value in fact.type.values if value.name in fact.type.coarse)]
        self.leaves = fact.type.leaves
        self.bits = [self._bit(name) for name in self.names[1:]]
        self._is = dict(zip(self.names[1:], self.bits, strict=True))
        if not self.names:  # a value that there is none of: there are no complete cases
            require(self._constant(False))
        self._is.update({name: negation(self._any(self.bits)) for name in self.names[:1]})
        if len(self.bits) > 1:
            require(at_most(1, self.bits))

    def _test(self, test: Primitive) -> z3.BoolRef:
        return self._one_of(test.operand)

    def may(self, atom: FactAtom) -> z3.BoolRef:
        return self._one_of((*atom.values, *atom.above)) if isinstance(atom, TreeAtom) else self.atom(atom)

    def is_leaf(self) -> z3.BoolRef:
        """The value leaves nothing open."""
        return negation(self._one_of(self.names[len(self.leaves) :]))

    def _one_of(self, names: Iterable[str]) -> z3.BoolRef:
        return self._any(self._is[name] for name in dict.fromkeys(names) if name in self._is)

    def value(self, holds: Callable[[z3.BoolRef], bool]) -> Value:
        others = (name for name, bit in zip(self.names[1:], self.bits, strict=True) if holds(bit))
        return next(others, next(iter(self.names), ""))

    def pins(self, value: Value) -> list[z3.BoolRef]:
        return [signed(bit, value == name) for name, bit in zip(self.names[1:], self.bits, strict=True)]


class SetDomain(Domain):
    """One variable for each member."""

    def __init__(self, prefix: str, fact: Fact, context: z3.Context, require: Callable[[z3.BoolRef], None]) -> None:
        super().__init__(prefix, fact, context, require)
        assert isinstance(fact.type, SetType)
        self.has = {value.name: self._bit(value.name) for value in fact.type.values}
        self.bits = list(self.has.values())

    def _test(self, test: Primitive) -> z3.BoolRef:
        return self.has.get(test.operand, self._constant(False))

    def value(self, holds: Callable[[z3.BoolRef], bool]) -> Value:
        return frozenset(name for name, bit in self.has.items() if holds(bit))

    def pins(self, value: Value) -> list[z3.BoolRef]:
        assert isinstance(value, frozenset)
        return [signed(bit, name in value) for name, bit in self.has.items()]


class NumberDomain(Domain):
    """One variable for each least double of an interval but the first: "the number is at least this".

    Every comparison is with such a double: `x > c` is "at least the next double after c". So no interval is empty.
    """

    def __init__(self, prefix: str, fact: Fact, context: z3.Context, require: Callable[[z3.BoolRef], None]) -> None:
        super().__init__(prefix, fact, context, require)
        assert isinstance(fact.type, NumberType)
        self.low, self.high = fact.type.low, fact.type.high
        self.points: list[float] = []  # ascending, beside `bits`

    def at_least(self, point: float) -> z3.BoolRef:
        """The number is `point` or more."""
        if point <= self.low:
            return self._constant(True)
        if point > self.high:
            return self._constant(False)
        index = bisect_left(self.points, point)
        if index < len(self.points) and self.points[index] == point:
            return self.bits[index]
        bit = self._bit(f">= {point!r}")
        if index > 0:
            self._require(implies(bit, self.bits[index - 1]))
        if index < len(self.points):
            self._require(implies(self.bits[index], bit))
        self.points.insert(index, point)
        self.bits.insert(index, bit)
        return bit

    def _test(self, test: Primitive) -> z3.BoolRef:
        return self.at_least(test.operand if test.kind == "at least" else _after(test.operand))

    def intervals(self) -> list[tuple[float, float]]:
        """The intervals that the conditions seen so far tell apart: least and greatest double of each, ascending."""
        starts = [self.low, *self.points]
        ends = [*(math.nextafter(point, -math.inf) for point in self.points), self.high]
        return list(zip(starts, ends, strict=True))

    def value(self, holds: Callable[[z3.BoolRef], bool]) -> Value:
        return pleasant(*self.intervals()[sum(map(holds, self.bits))])

    def pins(self, value: Value) -> list[z3.BoolRef]:
        assert isinstance(value, float)
        return [signed(bit, value >= point) for point, bit in zip(self.points, self.bits, strict=True)]


class TextDomain(Domain):
    """One variable for each phrase that is looked for, after folding, and for each pattern.

    That a phrase which contains another brings the other with it is required; what else phrases and patterns have to
    do with one another is left to the search for a text, which may fail.
    """

    def __init__(self, prefix: str, fact: Fact, context: z3.Context, require: Callable[[z3.BoolRef], None]) -> None:
        super().__init__(prefix, fact, context, require)
        #: The atoms seen so far, of those that ask the same the first.
        self.atoms: dict[FactAtom, z3.BoolRef] = {}
        self._asked: dict[Meaning, z3.BoolRef] = {}
        self._phrases: dict[str, z3.BoolRef] = {}
        self._patterns: dict[tuple[str, bool], z3.BoolRef] = {}
        self._found: dict[tuple[bool, ...], str | None] = {}

    def atom(self, atom: FactAtom) -> z3.BoolRef:
        asked = meaning(atom, self.fact)
        if asked not in self._asked:
            self._asked[asked] = self.atoms[atom] = super().atom(atom)
        return self._asked[asked]

    def _test(self, test: Primitive) -> z3.BoolRef:
        return self._contains(test.operand) if test.kind == "contains" else self._matches(*test.operand)

    def _matches(self, pattern: str, ignore_case: bool) -> z3.BoolRef:
        key = pattern, ignore_case
        if key not in self._patterns:
            self._patterns[key] = self._bit(f"matches /{pattern}/{'i' * ignore_case}")
            self.bits.append(self._patterns[key])
        return self._patterns[key]

    def _contains(self, phrases: Sequence[str]) -> z3.BoolRef:
        folded = dict.fromkeys(map(normalise, phrases))
        if "" in folded:  # stands in every text
            return self._constant(True)
        return self._any(self._phrase(phrase) for phrase in folded)

    def _phrase(self, folded: str) -> z3.BoolRef:
        if folded in self._phrases:
            return self._phrases[folded]
        bit = self._bit(f"contains {folded!r}")
        for other, other_bit in self._phrases.items():
            if other in folded:
                self._require(implies(bit, other_bit))
            elif folded in other:
                self._require(implies(other_bit, bit))
        self._phrases[folded] = bit
        self.bits.append(bit)
        return bit

    def value(self, holds: Callable[[z3.BoolRef], bool]) -> Value | None:
        wanted = self._wanted(holds)
        key = tuple(wanted.values())
        if key not in self._found:
            phrases = [phrase for phrase, bit in self._phrases.items() if holds(bit)]
            patterns = [pattern for (pattern, _), bit in self._patterns.items() if holds(bit)]
            self._found[key] = find_text(wanted, phrases, patterns)
        return self._found[key]

    def _wanted(self, holds: Callable[[z3.BoolRef], bool]) -> dict[FactAtom, bool]:
        """What each atom comes to where these variables hold."""

        def test(test: Primitive) -> bool:
            if test.kind == "matches":
                return holds(self._patterns[test.operand])
            folded = map(normalise, test.operand)
            return any(not phrase or holds(self._phrases[phrase]) for phrase in folded)

        def at_least(least: int, parts: Sequence[bool]) -> bool:
            return sum(parts) >= least

        return {atom: fold(meaning(atom, self.fact), test, at_least, operator.not_) for atom in self.atoms}

    def pins(self, value: Value) -> list[z3.BoolRef]:
        assert isinstance(value, str)
        folded = normalise(value)
        pins = [signed(bit, phrase in folded) for phrase, bit in self._phrases.items()]
        return pins + [signed(bit, search(*pattern, value)) for pattern, bit in self._patterns.items()]

    def other_than(self, holds: Callable[[z3.BoolRef], bool]) -> z3.BoolRef:
        """Some atom is not as this model says: for one that no text was found for."""
        return self._any(signed(self.atoms[atom], not held) for atom, held in self._wanted(holds).items())


_DOMAINS: Mapping[str, type[Domain]] = {
    "flag": FlagDomain,
    "one_of": OneOfDomain,
    "set_of": SetDomain,
    "number": NumberDomain,
    "text": TextDomain,
}


def domain(prefix: str, fact: Fact, context: z3.Context, require: Callable[[z3.BoolRef], None]) -> Domain:
    return _DOMAINS[fact.type.kind](prefix, fact, context, require)


def joined(facts: Iterable[Fact]) -> Fact:
    """The fact that has the values of all of these, which go by one name; ValueError where their types differ."""
    first, *others = facts
    for other in others:
        match first.type, other.type:
            case (FlagType(), FlagType()):
                continue
            case (OneOfType() | SetType() as a, OneOfType() | SetType() as b) if a.kind == b.kind:
                known = {value.name for value in a.values}
                values = (*a.values, *(value for value in b.values if value.name not in known))
                # Not a copy, which would keep what the tree knows of its nodes.
                type_ = (
                    OneOfType(values=values, taxonomy=a.taxonomy)
                    if isinstance(a, OneOfType)
                    else SetType(values=values)
                )
            case (NumberType() as a, NumberType() as b):
                type_ = a.model_copy(update={"low": min(a.low, b.low), "high": max(a.high, b.high)})
            case (a, b) if a.kind == b.kind:
                continue
            case _:
                raise ValueError(f"`{first.name}` is of two types: {first.type.kind} and {other.type.kind}")
        first = first.model_copy(update={"type": type_})
    return first


def _after(number: float) -> float:
    return math.nextafter(number, math.inf)


def pleasant(low: float, high: float) -> float:
    """The double from `low` to `high` with the fewest digits: 0 if it is one, else the one nearest the middle."""
    if low <= 0 <= high:
        return 0.0
    if low == high:
        return low
    # A decimal between the shortest decimals of two doubles is read as a double between them.
    least, greatest = Decimal(repr(low)), Decimal(repr(high))
    for exponent in range(max(least.adjusted(), greatest.adjusted()), -18, -1):
        unit = Decimal(1).scaleb(exponent)
        first, last = (
            (least / unit).to_integral_value("ROUND_CEILING"),
            (greatest / unit).to_integral_value("ROUND_FLOOR"),
        )
        if first <= last:
            middle = ((least + greatest) / 2 / unit).to_integral_value("ROUND_HALF_DOWN")
            return float(min(max(first, middle), last) * unit)
    return low
