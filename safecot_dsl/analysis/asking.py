"""The solver, asked about encoded cases: its answers, its time limit, and the model of a case."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import z3

from safecot_dsl.analysis.logic import SolverLiteral, check, finite_solver, is_literal, require
from safecot_dsl.artifact import Case


class Satisfiability(StrEnum):
    """Whether there is a case of which all claims hold."""

    SAT = "sat"
    UNSAT = "unsat"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class SolverAnswer:
    """`cases` holds a case of each encoding where the outcome is `sat` and a witness was asked for."""

    outcome: Satisfiability
    cases: tuple[Case, ...] = ()

    @property
    def case(self) -> Case | None:
        return self.cases[0] if self.cases else None


class Encoded(Protocol):
    """What an asker needs of an encoding."""

    context: z3.Context
    axioms: list[z3.BoolRef]

    def bits(self) -> list[z3.BoolRef]: ...
    def case(self, holds: Callable[[z3.BoolRef], bool]) -> Case | z3.BoolRef: ...


#: How often another text is asked for where none was found.
TEXT_TRIES = 8


class Solver:
    """Asks about one encoding, or several in one context, within `seconds_each` a question and `seconds_in_all`.

    Answers repeat: the same questions in the same order give the same cases, unless time runs out.
    """

    def __init__(self, *encodings: Encoded, seconds_each: float = 5.0, seconds_in_all: float = 60.0) -> None:
        self.encodings = encodings
        self._solver = finite_solver(encodings[0].context)
        # False first: see `domains`.
        self._solver.set("phase", "always_false")
        self._solver.set("random_seed", 0)
        self._seen = [0] * len(encodings)
        self._seconds_each = seconds_each
        self._end = time.monotonic() + seconds_in_all
        self._patience = -1
        self._undecided = False  # whether a check was, since this was last set
        self._literals: dict[int, SolverLiteral] = {}

    def ask(self, *claims: z3.BoolRef, witness: bool = True) -> SolverAnswer:
        """Is there a case, or one of each encoding, of which all claims hold?

        With `witness`, such a case comes with the answer: the plainest that dropping one thing after another leads
        to. Without, `sat` can still hang on a text that does not exist.
        """
        self._keep_up()
        if not witness and all(map(is_literal, claims)):
            return SolverAnswer(self._check(claims))
        self._solver.push()
        try:
            self._require(claims)
            outcome = self._check()
            return self._witness() if witness and outcome is Satisfiability.SAT else SolverAnswer(outcome)
        finally:
            self._solver.pop()

    def _keep_up(self) -> None:
        for index, encoding in enumerate(self.encodings):
            if len(encoding.axioms) > self._seen[index]:
                self._require(encoding.axioms[self._seen[index] :])
                self._seen[index] = len(encoding.axioms)

    def _require(self, formulas: Iterable[z3.BoolRef]) -> None:
        for formula in formulas:
            require(self._solver, formula)

    def _check(self, assumptions: Sequence[z3.BoolRef] = ()) -> Satisfiability:
        left = min(self._seconds_each, self._end - time.monotonic())
        if left <= 0:
            self._undecided = True
            return Satisfiability.UNDECIDED
        patience = max(1, int(left * 1000)) if left < self._seconds_each else int(self._seconds_each * 1000)
        if patience != self._patience:
            self._solver.set("timeout", patience)
            self._patience = patience
        outcome = _OUTCOMES[check(self._solver, assumptions)]
        self._undecided |= outcome is Satisfiability.UNDECIDED
        return outcome

    def _witness(self) -> SolverAnswer:
        for _ in range(TEXT_TRIES):
            holds = self._plainest([bit for encoding in self.encodings for bit in encoding.bits()])
            found = [encoding.case(holds) for encoding in self.encodings]
            cases = [case for case in found if isinstance(case, Case)]
            if len(cases) == len(found):
                return SolverAnswer(Satisfiability.SAT, tuple(cases))
            self._require(other for other in found if not isinstance(other, Case))
            if self._check() is not Satisfiability.SAT:
                break
        # A text that fits may still exist: the search for one is not complete.
        return SolverAnswer(Satisfiability.UNDECIDED)

    def _plainest(self, bits: Sequence[z3.BoolRef]) -> Callable[[z3.BoolRef], bool]:
        """Which variables hold in a model, after one that was just found, in which none of them can be made false by
        itself.

        Of those that are true in the model at hand the last is made false if it can be, then the one before it, and so
        on: what is declared first is what a case is about. Many are tried at once, and no model is read but the one at
        hand: in a policy of 1,000 rules reading one takes as long as several questions.
        """
        true, false = self._parted(self._solver.model(), bits)
        self._solver.push()
        self._require([literal.negation for literal in false])
        made_false: list[SolverLiteral] = []
        self._undecided = False
        self._make_false(true, made_false)
        if self._undecided:
            # What was not made false need not be true, for time ran out: a model says what there is together.
            sat = self._check() is Satisfiability.SAT
            stay = self._parted(self._solver.model(), bits)[0] if sat else true
        else:
            gone = set(map(id, made_false))
            stay = [literal for literal in true if id(literal) not in gone]
        self._solver.pop()
        # By identity, which the kept variable holds on to: the solver's own hash is slow.
        holding = {id(literal.variable) for literal in stay}
        return lambda variable: id(variable) in holding

    def _make_false(
        self, literals: Sequence[SolverLiteral], made: list[SolverLiteral], *, some_stay: bool = False
    ) -> bool:
        """Require the variables to be false, the last first, one by one as far as they can be; says whether all are.
        Where some are known to stay true, it is not asked whether all can be false. Adds to `made` those that are."""
        negations = [literal.negation for literal in literals]
        if not some_stay and self._check(negations) is Satisfiability.SAT:
            self._require(negations)
            made += literals
            return True
        if len(literals) > 1:
            middle = len(literals) // 2
            last_are = self._make_false(literals[middle:], made)
            self._make_false(literals[:middle], made, some_stay=last_are)
        return False

    def _parted(
        self, model: z3.ModelRef, bits: Iterable[z3.BoolRef]
    ) -> tuple[list[SolverLiteral], list[SolverLiteral]]:
        """The variables that are true in a model, and the others."""
        true: list[SolverLiteral] = []
        false: list[SolverLiteral] = []
        for bit in bits:
            literal = self._literals.get(id(bit))
            if literal is None:
                literal = self._literals[id(bit)] = SolverLiteral(bit)
            (true if literal.is_true(model) else false).append(literal)
        return true, false


_OUTCOMES = {
    z3.Z3_L_TRUE: Satisfiability.SAT,
    z3.Z3_L_FALSE: Satisfiability.UNSAT,
    z3.Z3_L_UNDEF: Satisfiability.UNDECIDED,
}
