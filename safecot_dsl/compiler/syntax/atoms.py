"""The forms of atoms: the syntax tree's node of each, and how it comes of what the parser recognises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lark import Token

from safecot_dsl.compiler.syntax.tree import AtomForm, Name, Named, NameList, Number, QName, Regex, String, Syntax

OPERATORS = {"LESS": "<", "LESS_EQUAL": "<=", "MORE": ">", "MORE_EQUAL": ">="}


class IsAtom(AtomForm):
    negated: bool
    value: Name

    def names(self) -> Iterator[tuple[Named, Syntax]]:
        yield "value", self.value


class WithinAtom(AtomForm):
    negated: bool
    node: QName

    def names(self) -> Iterator[tuple[Named, Syntax]]:
        yield "node", self.node


class EmptyAtom(AtomForm):
    negated: bool


class InAtom(AtomForm):
    negated: bool
    members: NameList | QName

    def names(self) -> Iterator[tuple[Named, Syntax]]:
        return _members(self.members)


class HasAtom(AtomForm):
    """`quantifier` is any, all or none; `has v` is `any` of one."""

    quantifier: str
    members: NameList | QName

    def names(self) -> Iterator[tuple[Named, Syntax]]:
        return _members(self.members)


class CompareAtom(AtomForm):
    operator: str
    operand: Number | QName

    def names(self) -> Iterator[tuple[Named, Syntax]]:
        return _params(self.operand)


class BetweenAtom(AtomForm):
    low: Number | QName
    high: Number | QName

    def names(self) -> Iterator[tuple[Named, Syntax]]:
        return _params(self.low, self.high)


class ContainsAtom(AtomForm):
    phrases: String | QName

    def names(self) -> Iterator[tuple[Named, Syntax]]:
        if isinstance(self.phrases, QName):
            yield "phrase set", self.phrases


class MatchesAtom(AtomForm):
    regex: Regex

    def names(self) -> Iterator[tuple[Named, Syntax]]:
        yield "pattern", self.regex


def _members(members: NameList | QName) -> Iterator[tuple[Named, Syntax]]:
    if isinstance(members, QName):
        yield "group", members
    else:
        for name in members.names:
            yield "value", name


def _params(*operands: Number | QName) -> Iterator[tuple[Named, Syntax]]:
    for operand in operands:
        if isinstance(operand, QName):
            yield "param", operand


class AtomBuilder:
    """One method for each form of an atom in `grammar/safecot.lark`, taking its children in order: the fact's name, the
    words and what they name."""

    def is_(self, c: list[Any]) -> IsAtom:
        return IsAtom(*span(c), c[0], _negated(c), c[-1])

    def within(self, c: list[Any]) -> WithinAtom:
        return WithinAtom(*span(c), c[0], _negated(c), c[-1])

    def empty(self, c: list[Any]) -> EmptyAtom:
        return EmptyAtom(*span(c), c[0], _negated(c))

    def in_(self, c: list[Any]) -> InAtom:
        return InAtom(*span(c), c[0], _negated(c), c[-1])

    def has(self, c: list[Any]) -> HasAtom:
        return HasAtom(*span(c), c[0], "any", NameList(c[2].start, c[2].end, (c[2],)))

    def has_of(self, c: list[Any]) -> HasAtom:
        return HasAtom(*span(c), c[0], str(c[2]), c[-1])

    def compare(self, c: list[Any]) -> CompareAtom:
        return CompareAtom(*span(c), c[0], OPERATORS[c[1].type], c[2])

    def between(self, c: list[Any]) -> BetweenAtom:
        return BetweenAtom(*span(c), c[0], c[2], c[4])

    def contains(self, c: list[Any]) -> ContainsAtom:
        return ContainsAtom(*span(c), c[0], c[-1])

    contains_any = contains

    def matches(self, c: list[Any]) -> MatchesAtom:
        return MatchesAtom(*span(c), c[0], c[2])


def span(children: list[Any]) -> tuple[int, int]:
    """Where a construct of these children begins and ends."""
    first, last = children[0], children[-1]
    start: int = (first.start_pos or 0) if isinstance(first, Token) else first.start
    end: int = (last.end_pos or 0) if isinstance(last, Token) else last.end
    return start, end


def _negated(children: list[Any]) -> bool:
    return any(isinstance(child, Token) and child.type == "NOT" for child in children)
