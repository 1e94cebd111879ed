"""Strong Kleene logic (Kleene 1952, section 64): yes, no, and maybe for what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    def of(value: bool | None) -> Truth:
        """Maybe for None."""
        return Truth.MAYBE if value is None else Truth.YES if value else Truth.NO

    @property
    def known(self) -> bool | None:
        """True for yes, False for no, None for maybe."""
        return None if self is Truth.MAYBE else self is Truth.YES


_NEGATED = {Truth.NO: Truth.YES, Truth.MAYBE: Truth.MAYBE, Truth.YES: Truth.NO}


def conjunction(truths: Iterable[Truth]) -> Truth:
    """The least of them, yes of none; nothing is taken after a no."""
    least = Truth.YES
    for truth in truths:
        if truth is Truth.NO:
            return truth
        if truth < least:
            least = truth
    return least


def disjunction(truths: Iterable[Truth]) -> Truth:
    """The greatest of them, no of none; nothing is taken after a yes."""
    greatest = Truth.NO
    for truth in truths:
        if truth is Truth.YES:
            return truth
        if truth > greatest:
            greatest = truth
    return greatest


def at_least(count: int, truths: Sequence[Truth]) -> Truth:
    """Yes if `count` are yes, no if fewer than `count` are not no, else maybe: the `count`-th greatest of them. All of
    them are a conjunction, and one of them is a disjunction."""
    if count == len(truths):
        return min(truths, default=Truth.YES)
    if count == 1:
        return max(truths, default=Truth.NO)
    if not 0 < count < len(truths):
        return Truth.YES if count <= 0 else Truth.NO
    return sorted(truths)[-count]


@dataclass(frozen=True)
class Literal:
    """An atom or its negation, as it stands once every `not` is pushed down."""

    atom: Atom
    positive: bool

    def holds(self, truth_of_atom: Truth) -> Truth:
        return truth_of_atom if self.positive else ~truth_of_atom
