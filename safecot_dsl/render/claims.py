"""What the clauses of a reasoning claim of the case, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from safecot_dsl.artifact import Case, CompiledPolicy, Contains, Fact, Has, Matches, SetType, TextType, Value
from safecot_dsl.engine import Truth, evaluate
from safecot_dsl.render.clause_reader import Claim, ClauseReader
from safecot_dsl.render.phrasing import number


@dataclass
class Claims:
    """`known` is what is said to be so, and `absent` the members that sets are said to lack; `texts` are the claims on
    texts, `unknown` the facts that are said not to be known, and `conflicts` those of which two things were said that
    cannot both be so. `count` is the number of sentences that were read as claims."""

    known: dict[str, Value] = field(default_factory=dict[str, Value])
    absent: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    texts: dict[str, list[Claim]] = field(default_factory=dict[str, list[Claim]])
    unknown: set[str] = field(default_factory=set[str])
    conflicts: set[str] = field(default_factory=set[str])
    count: int = 0


def read_claims(reader: ClauseReader, policy: CompiledPolicy, lines: Sequence[str]) -> tuple[Claims, bool]:
    """What the lines claim, and whether any of them can be about several facts; such a one is not counted."""
    found = Claims()
    ambiguous = False
    for part in (part for line in lines for part in _sentences(line)):
        claims, values = reader.read(part), reader.values(part)
        facts = {claim.atom.fact for claim in claims} | {name for name, _ in values}
        if len(facts) > 1:
            ambiguous = True
            continue
        found.count += bool(facts)
        for claim in _common(claims):
            _add(found, claim, policy.fact_index[claim.atom.fact])
        for name, value in values:
            _settle(found, name, value)
    _find_conflicts(found)
    return found, ambiguous


def claimed_case(claims: Claims) -> Case | None:
    """The case that is claimed; None where no text is as it is said to be."""
    known = {name: value for name, value in claims.known.items() if name not in claims.conflicts}
    for name, said in claims.texts.items():
        text = " \n ".join(claim.found or "" for claim in said if claim.so)
        for claim in said:
            # What a pattern found need not match by itself, and then there is nothing to hold it against.
            doubtful = isinstance(claim.atom, Matches) and claim.so
            if not doubtful and (evaluate(claim.atom, {name: text}) is Truth.YES) != claim.so:
                return None
        known[name] = text
    return Case(known, frozenset(claims.unknown - known.keys()))


def _add(found: Claims, claim: Claim, fact: Fact) -> None:
    name = fact.name
    if claim.so is None:
        found.unknown.add(name)
    elif isinstance(claim.atom, Has):
        found.known[name] = _set(found.known, name) | claim.present
        found.absent.setdefault(name, set()).update(claim.absent)
    elif isinstance(claim.atom, Contains | Matches) or (isinstance(fact.type, TextType) and claim.value is None):
        found.texts.setdefault(name, []).append(claim)
    elif isinstance(fact.type, SetType) or claim.value is not None:
        _settle(found, name, claim.value)


def _common(claims: Sequence[Claim]) -> Sequence[Claim]:
    """The claims of one line. Where it may be on several literals of a set, only what each of them would say counts."""
    members = [claim for claim in claims if isinstance(claim.atom, Has) and claim.so is not None]
    if len(members) < 2:
        return claims
    present = frozenset.intersection(*(claim.present for claim in members))
    absent = frozenset.intersection(*(claim.absent for claim in members))
    return [replace(members[0], present=present, absent=absent)]


def _find_conflicts(claims: Claims) -> None:
    for name, absent in claims.absent.items():
        present = claims.known.get(name)
        if isinstance(present, frozenset) and present & absent:
            claims.conflicts.add(name)
    claims.conflicts |= claims.unknown & (claims.known.keys() | claims.texts.keys())


def _settle(found: Claims, name: str, value: Value | None) -> None:
    if value is None:
        return
    if isinstance(value, frozenset):
        before = _set(found.known, name)
        if before - value:
            found.conflicts.add(name)
        found.known[name] = before | value
        return
    before = found.known.setdefault(name, value)
    if before == value:
        return
    if isinstance(before, float) and isinstance(value, float) and _rounds_to(before, value):
        found.known[name] = max(before, value, key=lambda claimed: len(repr(claimed)))  # the one that was not rounded
    else:
        found.conflicts.add(name)


def _rounds_to(one: float, other: float) -> bool:
    """Whether two numbers are one, of which a text may show a rounded form."""
    return number(one) == number(other)


def _set(known: Mapping[str, Value], name: str) -> frozenset[str]:
    value = known.get(name, frozenset[str]())
    return value if isinstance(value, frozenset) else frozenset()


def _sentences(line: str) -> tuple[str, ...]:
    """A line that may be one clause, or several sentences of one step (`Not met: …. Intent: …, not ….`)."""
    return (line, *(f"{part}." for part in line.rstrip(".").split(". "))) if ". " in line else (line,)
