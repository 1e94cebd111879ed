"""Conditions as circuits, in strong Kleene logic: a column where a condition is yes, and one where it is no."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from safecot_dsl.artifact import (
    And,
    AtLeast,
    CompiledPolicy,
    Condition,
    Fact,
    Not,
    OneOfType,
    Or,
    SetType,
    TreeAtom,
)
from safecot_dsl.engine.columnar.circuit import Circuit, CircuitNode
from safecot_dsl.engine.columns import at_least_of
from safecot_dsl.engine.meaning import Meaning, Negation, Primitive, fold
from safecot_dsl.engine.operators import meaning

#: Of a `one of` fact so many values at most are looked at one by one; a longer list is looked up.
_ONE_BY_ONE = 8


@dataclass(frozen=True, slots=True)
class Input:
    """A column that is read from a fact's own: where its value, or what is supposed for it, passes `test`. Where there
    is neither, only `null` holds. The tests are those of :class:`~safecot_dsl.engine.meaning.Primitive`, by places.

    | test           | operand                         | holds where the value      |
    |----------------|---------------------------------|----------------------------|
    | null           | None                            | is missing, supposed or not |
    | flag           | None                            | is yes                     |
    | is             | the value's place in the domain | is that                    |
    | in             | places, ascending               | is one of them             |
    | has            | the member's place              | holds the member           |
    | at least, more | a number                        | is at least, more than it  |
    | contains       | phrases                         | contains one of them       |
    | matches        | (pattern, ignore case)          | is matched                 |
    """

    fact: str
    test: str
    operand: Any = None


class Presence(Enum):
    """What a fact's column holds."""

    KNOWN = "a value in every case"
    MIXED = "a value in some"
    UNKNOWN = "a value in none"


@dataclass(frozen=True, slots=True)
class Kleene:
    """Where something is yes, and where it is no; it is maybe elsewhere."""

    yes: CircuitNode
    no: CircuitNode

    def __invert__(self) -> Kleene:
        return Kleene(self.no, self.yes)

    def __and__(self, other: Kleene) -> Kleene:
        yes = self.yes & other.yes
        return Kleene(yes, ~yes if self.known and other.known else self.no | other.no)

    def __or__(self, other: Kleene) -> Kleene:
        return ~(~self & ~other)

    @property
    def known(self) -> bool:
        """Whether it is nowhere maybe, by its construction."""
        return self.no == ~self.yes

    @property
    def may(self) -> CircuitNode:
        """Where it is yes or maybe."""
        return ~self.no

    @property
    def maybe(self) -> CircuitNode:
        return ~(self.yes | self.no)


class CircuitConditions:
    """The conditions of a policy as parts of one circuit, for cases in which the facts are present as given."""

    def __init__(self, policy: CompiledPolicy, presence: Mapping[str, Presence]) -> None:
        self.circuit = Circuit()
        self._facts = policy.fact_index
        self._presence = presence
        self._unknown = {
            fact.name: self.circuit.false if fact.assume is not None else self.null(fact.name) for fact in policy.facts
        }

    def null(self, fact: str) -> CircuitNode:
        """Where the fact's column has no value."""
        match self._presence[fact]:
            case Presence.KNOWN:
                return self.circuit.false
            case Presence.UNKNOWN:
                return self.circuit.true
            case Presence.MIXED:
                return self.circuit.input(Input(fact, "null"))

    def truth(self, condition: Condition) -> Kleene:
        """Where the condition is yes and where it is no."""
        match condition:
            case Not(item=item):
                return ~self.truth(item)
            case And(items=items):
                return self.all_of(map(self.truth, items))
            case Or(items=items):
                return self.any_of(map(self.truth, items))
            case AtLeast(count=count, items=items):
                true, false = self.circuit.true, self.circuit.false
                truths = [self.truth(item) for item in items]
                yes = at_least_of(count, (truth.yes for truth in truths), true, false)
                if all(truth.known for truth in truths):
                    return Kleene(yes, ~yes)
                # Fewer than N of K are not no: at least K - N + 1 are no.
                return Kleene(yes, at_least_of(len(items) - count + 1, (truth.no for truth in truths), true, false))
            case _:
                return self._atom(condition)

    def all_of(self, truths: Iterable[Kleene]) -> Kleene:
        result = Kleene(self.circuit.true, self.circuit.false)
        for truth in truths:
            result = result & truth
        return result

    def any_of(self, truths: Iterable[Kleene]) -> Kleene:
        return ~self.all_of(~truth for truth in truths)

    def reached(self, condition: Condition, where: CircuitNode, mark: Callable[[str, CircuitNode], None]) -> None:
        """Marks the facts of the maybe atoms that one reaches from the condition down its maybe parts."""
        where = where & self.truth(condition).maybe
        if where == self.circuit.false:
            return
        match condition:
            case Not(item=item):
                self.reached(item, where, mark)
            case And(items=items) | Or(items=items) | AtLeast(items=items):
                for item in items:
                    self.reached(item, where, mark)
            case _:
                mark(condition.fact, where)  # pyright: ignore[reportAttributeAccessIssue] - rules are about facts

    # --- atoms -------------------------------------------------------------------------------------------------------

    def _atom(self, atom: Condition) -> Kleene:
        fact: str = atom.fact  # pyright: ignore[reportAttributeAccessIssue] - rules are about facts
        unknown = self._unknown[fact]
        if unknown == self.circuit.true:
            return Kleene(self.circuit.false, self.circuit.false)
        if isinstance(atom, TreeAtom) and atom.above:
            return self._of_a_tree(self._facts[fact], atom.values, atom.above, unknown)
        asked = meaning(atom, self._facts[fact])  # pyright: ignore[reportArgumentType]
        positive = not isinstance(asked, Negation)
        asked = asked.of if isinstance(asked, Negation) else asked
        if isinstance(asked, Primitive) and asked.kind == "one of":
            holds, listed = self._one_of(self._facts[fact], asked.operand)
            positive = positive == listed
        else:
            holds = self._holds(self._facts[fact], asked)
        # An input holds only where the fact is known; what asks for none does not.
        if fold(asked, lambda test: False, lambda least, parts: sum(parts) >= least, lambda part: not part):
            holds = holds & ~unknown
        truth = Kleene(holds, ~(holds | unknown))
        return truth if positive else ~truth

    def _holds(self, fact: Fact, asked: Meaning) -> CircuitNode:
        """Where a known value is as asked; where the fact is unknown, where it is so of what passes no test."""
        return fold(asked, lambda test: self._passes(fact, test), self._at_least, lambda node: ~node)

    def _passes(self, fact: Fact, test: Primitive) -> CircuitNode:
        """Where the value is known, or supposed, and passes a test."""
        match test.kind:
            case "one of":
                return self._places_hold(fact, test.operand)
            case "has":
                places = _places(fact, (test.operand,))
                return self.circuit.any_of(self._input(fact.name, "has", place) for place in places)
            case _:
                return self._input(fact.name, test.kind, test.operand)

    def _at_least(self, least: int, parts: Sequence[CircuitNode]) -> CircuitNode:
        if least not in (1, len(parts)):
            return at_least_of(least, parts, self.circuit.true, self.circuit.false)
        # In one order, so that what two conditions have in common is one.
        ordered = sorted(set(parts), key=lambda node: node.number)
        return self.circuit.all_of(ordered) if least == len(parts) else self.circuit.any_of(ordered)

    def _of_a_tree(self, fact: Fact, values: tuple[str, ...], above: tuple[str, ...], unknown: CircuitNode) -> Kleene:
        """What asks for nodes of a taxonomy: yes at the `values`, maybe at those `above`, else no."""
        yes = self._places_hold(fact, values)
        return Kleene(yes, ~(yes | self._places_hold(fact, above) | unknown))

    def _places_hold(self, fact: Fact, values: tuple[str, ...]) -> CircuitNode:
        """Where the value is known, or supposed, and one of these."""
        holds, positive = self._one_of(fact, values)
        return holds if positive else ~(holds | self._unknown[fact.name])

    def _input(self, fact: str, test: str, operand: Any = None) -> CircuitNode:
        return self.circuit.input(Input(fact, test, operand))

    def _one_of(self, fact: Fact, values: tuple[str, ...]) -> tuple[CircuitNode, bool]:
        assert isinstance(fact.type, OneOfType)
        places = _places(fact, values)
        others = [place for place in range(len(fact.type.values)) if place not in places]
        positive = len(places) <= len(others)
        fewer = places if positive else others
        if len(fewer) > _ONE_BY_ONE:
            return self._input(fact.name, "in", tuple(fewer)), positive
        return self.circuit.any_of(self._input(fact.name, "is", place) for place in fewer), positive


def _places(fact: Fact, values: Iterable[str]) -> list[int]:
    """The places of the values in the fact's domain, ascending."""
    assert isinstance(fact.type, OneOfType | SetType)
    wanted = set(values)
    return [place for place, value in enumerate(fact.type.values) if value.name in wanted]
