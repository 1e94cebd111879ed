"""Strong Kleene logic (Kleene 1952, section 64): yes, no, and maybe for what is not known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from safecot_dsl.artifact import Atom


class Truth(IntEnum):
    """Ordered from no to yes, so that `and` is the least and `or` the greatest."""

    NO = 0
    MAYBE = 1
    YES = 2

    def __invert__(self) -> Truth:
        return _NEGATED[self]

    @staticmethod
    def of(value: bool) -> Truth:
        return Truth.YES if value else Truth.NO


_NEGATED = {Truth.NO: Truth.YES, Truth.MAYBE: Truth.MAYBE, Truth.YES: Truth.NO}


def conjunction(truths: Iterable[Truth]) -> Truth:
    return min(truths, default=Truth.YES)


def disjunction(truths: Iterable[Truth]) -> Truth:
    return max(truths, default=Truth.NO)


def at_least(count: int, truths: Iterable[Truth]) -> Truth:
    """Yes if `count` are yes, no if fewer than `count` are not no, else maybe."""
    values = list(truths)
    if sum(value is Truth.YES for value in values) >= count:
        return Truth.YES
    if sum(value is not Truth.NO for value in values) < count:
        return Truth.NO
    return Truth.MAYBE


@dataclass(frozen=True)
class Literal:
    """An atom or its negation, as it stands once every `not` is pushed down."""

    atom: Atom
    positive: bool

    def holds(self, truth_of_atom: Truth) -> Truth:
        return truth_of_atom if self.positive else ~truth_of_atom
