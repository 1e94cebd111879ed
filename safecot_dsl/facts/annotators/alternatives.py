"""The other values that a fact might have had, as far as the policy's conditions can tell them apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safecot_dsl.analysis.patterns import samples
from safecot_dsl.artifact import (
    Case,
    CompiledPolicy,
    Fact,
    FactAtom,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    TextType,
    Value,
    fact_atoms,
)
from safecot_dsl.engine import Truth, evaluate, show_value
from safecot_dsl.engine.meaning import primitives
from safecot_dsl.engine.operators import meaning, thresholds

#: What each condition on a fact says of one of its values.
Told = tuple[Truth, ...]
#: Stands for a text, or a number, as it is in a case.
ITSELF = "…"
_SAMPLES = 3  # of what a pattern is found in


@dataclass(frozen=True)
class Alternative:
    """Another value; what the conditions say of it (values of which they say the same decide alike); and how it is
    written."""

    value: Value
    told: Told
    shown: str


class Alternatives:
    """What a policy's rules read of each fact, and which values they can tell apart."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self.policy = policy
        self._found: dict[tuple[str, Value | None], tuple[Alternative, ...]] = {}
        self._texts: dict[str, list[str]] = {}
        self._atoms: dict[str, list[FactAtom]] = {fact.name: [] for fact in policy.facts}
        for rule in policy.rules:
            for atom in fact_atoms(rule.when, rule.unless):
                if atom not in self._atoms[atom.fact]:
                    self._atoms[atom.fact].append(atom)

    @property
    def read(self) -> list[Fact]:
        """The facts that some rule reads, in the policy's order; no other fact matters to a verdict."""
        return [fact for fact in self.policy.facts if self._atoms[fact.name]]

    def projected(self, case: Case) -> Case:
        """The case with nothing but the facts that some rule reads."""
        names = {name for name, found in self._atoms.items() if found}
        known = {name: value for name, value in case.known.items() if name in names}
        return Case(known, case.cannot_tell & names)

    def of(self, fact: Fact, value: Value | None) -> Sequence[Alternative]:
        """Values that some condition tells apart from `value`; all kinds of values where that is not known.

        Of a set those with one member more or less, and the empty one: one error, not several; where it is not known,
        those that conditions name. Of a number one of each
        interval. Of a text the empty one, and one in which each phrase or pattern of the policy is found, by itself
        and after the text that is there.
        """
        key = (fact.name, value)
        if key not in self._found:
            found = tuple(self._differing(fact, value))
            if isinstance(fact.type, TextType | NumberType) and value is not None:
                return found  # there is no end of their values
            self._found[key] = found
        return self._found[key]

    def _differing(self, fact: Fact, value: Value | None) -> Iterator[Alternative]:
        own = None if value is None else self._told(fact, value)
        seen: set[Told] = set()
        for other, shown in dict.fromkeys(self._candidates(fact, value)):
            told = self._told(fact, other)
            if told == own or (told in seen and isinstance(fact.type, NumberType | TextType)):
                continue
            seen.add(told)
            yield Alternative(other, told, shown)

    def _told(self, fact: Fact, value: Value) -> Told:
        return tuple(evaluate(atom, {fact.name: value}) for atom in self._atoms[fact.name])

    def _candidates(self, fact: Fact, value: Value | None) -> Iterator[tuple[Value, str]]:
        match fact.type:
            case FlagType():
                yield from ((flag, show_value(flag)) for flag in (False, True))
            case OneOfType(leaves=leaves):
                yield from ((name, name) for name in leaves)
            case SetType(values=values):
                given = value if isinstance(value, frozenset) else frozenset[str]()
                sets = [*(given ^ {named.name} for named in values), frozenset[str]()]
                if value is None:
                    sets += [frozenset(atom.listed) for atom in self._atoms[fact.name] if atom.listed]
                yield from ((members, show_value(members)) for members in sets)
            case NumberType(low=low, high=high):
                points = {low, *thresholds(self._atoms[fact.name], fact)}
                for point in sorted(point for point in points if low <= point):
                    # The point, and what lies between it and the next one.
                    near = (point, math.nextafter(point, math.inf))
                    yield from ((number, f"{number:.6g}") for number in near if number <= high)
            case TextType():
                yield "", '""'
                for witness in self._witnesses(fact):
                    shown = show_value(witness, text=True)
                    yield witness, shown
                    if value is not None:
                        yield f"{value}\n{witness}", f"{ITSELF} {shown}"

    def _witnesses(self, fact: Fact) -> Sequence[str]:
        if fact.name not in self._texts:
            found: list[str] = []
            for test in (test for atom in self._atoms[fact.name] for test in primitives(meaning(atom, fact))):
                if test.kind == "contains":
                    found += test.operand[:1]
                elif test.kind == "matches":
                    found += itertools.islice(samples(test.operand[0]), _SAMPLES)
            self._texts[fact.name] = found
        return self._texts[fact.name]
