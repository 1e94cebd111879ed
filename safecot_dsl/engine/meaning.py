"""What an atom asks of a known value, made of a few primitive tests that the language's operators have in common.

The columnar engine and the solver know these tests and how they are put together, and no operator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Primitive:
    """One test of a value.

    | kind       | of a fact that is | operand                | holds where the value      |
    |------------|-------------------|------------------------|----------------------------|
    | `flag`     | a flag            | None                   | is yes                     |
    | `one of`   | one of            | values                 | is one of them             |
    | `has`      | a set             | a member               | holds the member           |
    | `at least` | a number          | a number               | is that or more            |
    | `more`     | a number          | a number               | is more than that          |
    | `contains` | a text            | phrases                | contains one of them       |
    | `matches`  | a text            | (pattern, ignore case) | is matched                 |
    """

    kind: Literal["flag", "one of", "has", "at least", "more", "contains", "matches"]
    operand: Any = None


@dataclass(frozen=True, slots=True)
class CountOf:
    """At least `least` of the parts hold."""

    least: int
    parts: tuple[Meaning, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """It does not hold."""

    of: Meaning


Meaning = Primitive | CountOf | Negation


def every(parts: Iterable[Meaning]) -> CountOf:
    """All of them; of none, this holds."""
    listed = tuple(parts)
    return CountOf(len(listed), listed)


def some(parts: Iterable[Meaning]) -> CountOf:
    """Any of them; of none, this does not hold."""
    return CountOf(1, tuple(parts))


def fold(
    meaning: Meaning,
    test: Callable[[Primitive], T],
    at_least: Callable[[int, Sequence[T]], T],
    negation: Callable[[T], T],
) -> T:
    """The meaning in other terms, from the primitive tests up."""
    match meaning:
        case Primitive():
            return test(meaning)
        case Negation(of=of):
            return negation(fold(of, test, at_least, negation))
        case CountOf(least=least, parts=parts):
            return at_least(least, [fold(part, test, at_least, negation) for part in parts])


def primitives(meaning: Meaning) -> Iterator[Primitive]:
    """The primitive tests that it is made of, in order."""
    match meaning:
        case Primitive():
            yield meaning
        case Negation(of=of):
            yield from primitives(of)
        case CountOf(parts=parts):
            for part in parts:
                yield from primitives(part)
