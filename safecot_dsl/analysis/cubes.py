"""Partial assignments that are enough for claims to hold: as few literals as it takes, whatever the others are.

A conjunction of literals of this kind is a cube. A case that agrees with a cube of some claims is one of which they
hold, so that cases of a kind can be made without asking the solver for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import z3

from safecot_dsl.analysis.asking import Satisfiability, Solver
from safecot_dsl.analysis.domains import Domain
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.logic import all_of, check, finite_solver, negation, require
from safecot_dsl.artifact import Case, Value
from safecot_dsl.errors import UndecidedError

#: By fact: the sign of some of its pins, by their place in what :meth:`Domain.pins` gives.
Signs = Mapping[str, Mapping[int, bool]]


@dataclass(frozen=True)
class Cube:
    """The cases that agree with `signs`; `case` is one of them, the plainest that was found."""

    case: Case
    signs: Signs


def signs_of(domain: Domain, value: Value) -> tuple[bool, ...]:
    """Of each pin of a value, whether it is a variable (True) or the negation of one."""
    return tuple(not z3.is_not(pin) for pin in domain.pins(value))


@dataclass(frozen=True)
class Wanting:
    """`claims` are to hold, where `given` does; of the cases of each encoding the facts in `free` may matter."""

    encodings: Sequence[Encoding]
    claims: Sequence[z3.BoolRef]
    given: Sequence[z3.BoolRef]
    free: Sequence[Sequence[str]]


def cubes(wanting: Wanting, *, most: int, seconds: float) -> Iterator[tuple[Cube, ...]]:
    """Up to `most` cubes, one of each encoding at a time, the plainest first; together they are all cases of which the
    claims hold where they end before. None where there is no such case.

    Raises :class:`UndecidedError` where not even one is found within `seconds`.
    """
    context = wanting.encodings[0].context
    asker = Solver(*wanting.encodings, seconds_each=seconds, seconds_in_all=seconds * most)
    against = finite_solver(context)
    against.set("timeout", max(1, int(1000 * seconds)))
    for encoding in wanting.encodings:
        against.add(*encoding.axioms)
    against.add(*wanting.given)
    require(against, negation(all_of(wanting.claims, context)))
    found: list[z3.BoolRef] = []
    while len(found) < most:
        answer = asker.ask(*wanting.claims, *wanting.given, *found)
        if answer.outcome is Satisfiability.UNDECIDED and not found:
            raise UndecidedError("no case was found, and none was ruled out")
        if answer.outcome is not Satisfiability.SAT:
            return
        pins = [
            (index, name, place, pin)
            for index, (encoding, case) in enumerate(zip(wanting.encodings, answer.cases, strict=True))
            for name in wanting.free[index]
            for place, pin in enumerate(encoding.domains[name].pins(case.known[name]))
        ]
        kept = _sufficient(against, [pin for *_, pin in pins])
        signs: list[dict[str, dict[int, bool]]] = [{} for _ in wanting.encodings]
        for index, name, place, pin in pins:
            if pin.get_id() in kept:
                signs[index].setdefault(name, {})[place] = not z3.is_not(pin)
        yield tuple(Cube(case, own) for case, own in zip(answer.cases, signs, strict=True))
        found.append(negation(all_of([pin for *_, pin in pins if pin.get_id() in kept], context)))


def _sufficient(against: z3.Solver, pins: list[z3.BoolRef]) -> set[int]:
    """Identities of some of the pins, none of which can be left out, with which the claims cannot but hold."""
    if check(against, pins) != z3.Z3_L_FALSE:
        # Too slow, or a text that does not exist: all of them are kept.
        return {pin.get_id() for pin in pins}
    core = {pin.get_id() for pin in against.unsat_core()}  # pyright: ignore[reportOptionalIterable, reportOptionalMemberAccess, reportAttributeAccessIssue]
    kept = [pin for pin in pins if pin.get_id() in core]
    for pin in list(kept):
        rest = [other for other in kept if other is not pin]
        if check(against, rest) == z3.Z3_L_FALSE:
            kept = rest
    return {pin.get_id() for pin in kept}
