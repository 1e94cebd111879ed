"""A clause read back: which literal it is on, whether it says that the literal holds, and what it claims of the fact.

The inverse of :func:`safecot_dsl.render.clauses.clause`. A line counts as read only if the clause on the value that it
claims is that very line, so a clause that contradicts itself (`a knife, within plants` of a knife that is none) is not
read at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from safecot_dsl.artifact import (
    Between,
    Compare,
    CompiledPolicy,
    Contains,
    Empty,
    Fact,
    FactAtom,
    FlagType,
    Has,
    Matches,
    OneOfType,
    Proposed,
    SetType,
    Value,
)
from safecot_dsl.artifact.conditions import atoms
from safecot_dsl.engine import Truth, evaluate
from safecot_dsl.render.clauses import clause, clause_subjects
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.phrasing import known_value, label, phrase, quoted

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_ENDS = ((", not as needed", False), (", as needed", False), ("", True))
_JOINS = (", ", " and ", " or ")


@dataclass(frozen=True)
class Claim:
    """What a clause says: of the literal of `atom` (negated where not `positive`), and of its fact.

    `so` says whether the atom itself holds, None where the clause says that the fact is not known. `value` is the
    whole value of a flag, a choice or a number; of a set, `present` and `absent` are the members spoken of; of a text,
    `found` is what it is said to contain.
    """

    atom: FactAtom
    positive: bool
    so: bool | None
    assumed: bool = False
    value: Value | None = None
    present: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    found: str | None = None


@dataclass(frozen=True)
class _Literal:
    atom: FactAtom
    fact: Fact


class ClauseReader:
    """Reads the clauses that can be written on the literals of one policy; prepared once."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self._open: dict[str, list[_Literal]] = {}
        #: Clauses that there are only so many of, by their text: on flags and choices, and on what is not known.
        self._closed: dict[str, list[Claim]] = {}
        self._stated: dict[str, list[tuple[str, Value]]] = {}
        self._sets: dict[str, list[Fact]] = {}
        for fact in policy.facts:
            if isinstance(fact.type, SetType):
                self._sets.setdefault(label(fact), []).append(fact)
            elif isinstance(fact.type, FlagType | OneOfType):
                for value in _values(fact):
                    for assumed in (False, True):
                        text = known_value(fact, value, assumed=assumed)
                        self._stated.setdefault(text, []).append((fact.name, value))
        for atom in _distinct_atoms(policy):
            fact = policy.fact_index[atom.fact]
            names = (False, True) if isinstance(atom, Has) and atom.group is not None else (False,)
            for name_fact in names:
                text = clause(atom, fact, None, positive=True, name_fact=name_fact)
                self._closed.setdefault(text, []).append(Claim(atom, positive=True, so=None))
            if isinstance(fact.type, FlagType | OneOfType):
                for value in _values(fact):
                    for positive in (True, False):
                        text = clause(atom, fact, value, positive=positive)
                        self._closed.setdefault(text, []).append(Claim(atom, positive, _so(atom, value), value=value))
                continue
            for subject in clause_subjects(atom, fact):
                self._open.setdefault(subject, []).append(_Literal(atom, fact))

    def values(self, line: str) -> tuple[tuple[str, Value], ...]:
        """The facts whose whole value the line states, as :func:`~safecot_dsl.render.phrasing.known_value` writes it,
        of those that have only so many values, and of sets."""
        found = list(self._stated.get(line, ()))
        at = line.find(": ")
        while at >= 0:
            for fact in self._sets.get(line[:at], ()):
                assert isinstance(fact.type, SetType)
                shown = line[at + 2 :].removesuffix(".").removesuffix(", assumed")
                members = _members(fact, tuple(value.name for value in fact.type.values), shown, 0)
                if members is not None and line.endswith("."):
                    found.append((fact.name, members))
            at = line.find(": ", at + 1)
        return tuple(found)

    def read(self, line: str) -> tuple[Claim, ...]:
        """The claims that the line can be the clause of: none where it is no clause of this policy, and several where
        literals share their words."""
        assumed = line.endswith(", assumed.")
        plain = f"{line.removesuffix(', assumed.')}." if assumed else line
        found = [replace(claim, assumed=assumed) for claim in self._closed.get(plain, ())]
        at = plain.find(": ")
        while at >= 0:
            for literal in self._open.get(plain[:at], ()):
                found += (replace(claim, assumed=assumed) for claim in _read(literal, plain, plain[at + 2 :]))
            at = plain.find(": ", at + 1)
        return tuple(found)


def _read(literal: _Literal, line: str, state: str) -> Iterator[Claim]:
    if not state.endswith("."):
        return
    state = state[:-1]
    for end, positive in _ENDS:
        if state.endswith(end):
            yield from _claims(literal.atom, literal.fact, state.removesuffix(end), positive, line)


def _claims(atom: FactAtom, fact: Fact, state: str, positive: bool, line: str) -> Iterator[Claim]:
    match atom:
        case Has():
            for present in _listings(atom, fact, state):
                if _writes(atom, fact, present, positive, line):
                    absent = frozenset(atom.values) - present
                    yield Claim(atom, positive, _so(atom, present), present=present, absent=absent)
                    return
        case Empty():
            yield from _empty(atom, fact, state, positive, line)
        case Compare() | Between():
            number = _NUMBER.match(state)
            if number is not None:
                value = float(number.group())
                if _writes(atom, fact, value, positive, line):
                    yield Claim(atom, positive, _so(atom, value), value=value)
        case Contains():
            for text in atom.phrases:
                if quoted(text) in state and _writes(atom, fact, text, positive, line):
                    yield Claim(atom, positive, True, found=text)
                    return
            if _writes(atom, fact, "", positive, line):
                yield Claim(atom, positive, False)
        case Matches():
            yield from _matches(atom, state, positive)
        case _:
            return


def _empty(atom: Empty, fact: Fact, state: str, positive: bool, line: str) -> Iterator[Claim]:
    is_set = isinstance(fact.type, SetType)
    if state == "empty":
        yield Claim(atom, positive, True, value=frozenset[str]() if is_set else "")
    elif state.endswith(", not empty"):
        shown = state.removesuffix(", not empty")
        if not is_set:
            yield Claim(atom, positive, False)
            return
        assert isinstance(fact.type, SetType)
        members = _members(fact, tuple(value.name for value in fact.type.values), shown, 0)
        if members and _writes(atom, fact, members, positive, line):
            yield Claim(atom, positive, False, value=members)


def _matches(atom: Matches, state: str, positive: bool) -> Iterator[Claim]:
    # What was matched need not match by itself (`\bword\b`), so the clause is taken at its word.
    pattern = f"/{fold_line(atom.pattern)}/"
    if state == f"does not match {pattern}":
        yield Claim(atom, positive, False)
    elif state == f"matches {pattern}":
        yield Claim(atom, positive, True)
    elif state.startswith('"') and state.endswith(f'" matches {pattern}'):
        yield Claim(atom, positive, True, found=state[1 : -len(f'" matches {pattern}')])


def _writes(atom: FactAtom, fact: Fact, value: Value, positive: bool, line: str) -> bool:
    """Whether the clause on this value is the line."""
    names = (False, True) if isinstance(atom, Has) and atom.group is not None else (False,)
    return any(clause(atom, fact, value, positive=positive, name_fact=name) == line for name in names)


def _so(atom: FactAtom, value: Value) -> bool:
    return evaluate(atom, {atom.fact: value}) is Truth.YES


def _listings(atom: Has, fact: Fact, state: str) -> Iterator[frozenset[str]]:
    """The members of the atom that may be there, where the state lists those that are or those that are not."""
    for lead in ("", "with all of ", "with ", "without ", "missing "):
        if state.startswith(lead):
            members = _members(fact, atom.values, state, len(lead))
            if members is not None:
                yield members
                yield frozenset(atom.values) - members


def _members(fact: Fact, names: Sequence[str], text: str, start: int) -> frozenset[str] | None:
    """The members whose phrases are listed from `start` to the end; None where something else stands there."""
    if text[start:] == "nothing":
        return frozenset()
    phrases = sorted(((phrase(fact, name), name) for name in names), key=lambda pair: -len(pair[0]))

    def parse(at: int, taken: frozenset[str]) -> frozenset[str] | None:
        for shown, name in phrases:
            if name in taken or not shown or not text.startswith(shown, at):
                continue
            end, now = at + len(shown), taken | {name}
            if end == len(text):
                return now
            for join in _JOINS:
                if text.startswith(join, end):
                    found = parse(end + len(join), now)
                    if found is not None:
                        return found
        return None

    return parse(start, frozenset())


def _values(fact: Fact) -> Sequence[Value]:
    if isinstance(fact.type, FlagType):
        return (True, False)
    assert isinstance(fact.type, OneOfType)
    return tuple(value.name for value in fact.type.values)


def _distinct_atoms(policy: CompiledPolicy) -> list[FactAtom]:
    found: dict[FactAtom, None] = {}
    for rule in policy.rules:
        for condition in (rule.when, rule.unless):
            if condition is not None:
                found.update((atom, None) for atom in atoms(condition) if not isinstance(atom, Proposed))
    return list(found)
