"""What becomes of a mutant: it is put to the examples first, which is cheap, then to the solver."""

from __future__ import annotations

from dataclasses import dataclass

from safecot_dsl.analysis.examination import UnconfirmedError
from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Law, Property
from safecot_dsl.engine import Interpreter, Truth
from safecot_dsl.testing.mutants import Mutant
from safecot_dsl.testing.mutation_examples import PolicyExamples
from safecot_dsl.testing.mutation_proofs import MutantComparison, refuted
from safecot_dsl.testing.mutation_report import Equivalent, Fate, Killed, Survivor, Undecided
from safecot_dsl.testing.suggestions import Suggestions, shortened


class UnsoundBaselineError(ValueError):
    """The policy does not pass its own examples and claims: they cannot tell a mutant from it."""


@dataclass(frozen=True)
class _Telling:
    """A case of which the policy and some mutant give different verdicts; one often tells several mutants."""

    case: Case
    decision: Decision
    example: str


class MutationTrial:
    """A policy with all that is put to its mutants. Each question to the solver has `seconds`.

    Raises :class:`UnsoundBaselineError` where an example, property or law fails of the policy itself.
    """

    def __init__(self, policy: CompiledPolicy, seconds: float) -> None:
        self._policy, self._seconds = policy, seconds
        self._interpreter = Interpreter(policy)
        self._examples = PolicyExamples(policy)
        self._suggestions = Suggestions(policy)
        self._telling: list[_Telling] = []
        failing = self._examples.failing(policy)
        if failing is not None:
            raise UnsoundBaselineError(f"the example `{failing.name}` fails of the policy itself")
        claim = refuted(policy, seconds)
        if claim is not None:
            raise UnsoundBaselineError(f"the {_kind(claim)} `{claim.name}` does not hold of the policy itself")

    def fate(self, mutant: Mutant) -> Fate:
        """What becomes of a mutant of the policy."""
        draft = mutant.draft()
        failing = self._examples.killer(mutant, draft)
        if failing is not None:
            return Killed(mutant, failing.key)
        comparison = MutantComparison(self._policy, draft, self._seconds)
        changed = Interpreter(draft)
        complete = comparison.other_verdict()
        if complete.case is not None:
            broken = self._broken(comparison, changed, complete.case)
            return Killed(mutant, broken.key) if broken else self._survivor(mutant, changed, complete.case, True)
        answer = comparison.other_verdict_in_ignorance()
        if answer.case is not None:
            return self._survivor(mutant, changed, answer.case, False)
        if comparison.undecided:
            return Undecided(mutant)
        return Equivalent(mutant, self._other_deciders(mutant, changed, comparison))

    def _broken(self, comparison: MutantComparison, changed: Interpreter, case: Case) -> Property | Law | None:
        """A claim that the mutant breaks; `case` is one that it decides differently."""
        properties = self._policy.properties
        if properties:
            for candidate in (case, comparison.breaking(properties).case):
                if candidate is not None:
                    broken = next((claim for claim in properties if _refutes(claim, changed, candidate)), None)
                    if broken is not None:
                        return broken
        return comparison.broken_law(self._policy.laws) if self._policy.laws else None

    def _survivor(self, mutant: Mutant, changed: Interpreter, case: Case, complete: bool) -> Survivor:
        telling = next((each for each in self._telling if _tells(each, changed)), None)
        if telling is None:
            telling = self._new_telling(mutant, changed, case, complete)
            self._telling.append(telling)
        other = Interpreter(mutant.policy).decide(telling.case)  # with the digest of the mutant
        return Survivor(mutant, telling.case, telling.decision, other, complete, telling.example)

    def _new_telling(self, mutant: Mutant, changed: Interpreter, case: Case, complete: bool) -> _Telling:
        def tells(case: Case) -> bool:
            decision = self._interpreter.decide(case)
            return decision.verdict is not changed.decide(case).verdict and (decision.certain or not complete)

        if not tells(case):
            raise UnconfirmedError(f"{mutant.sentence} decides {case!r} as the policy does")
        case = shortened(case, tells)
        subject = mutant.rule or mutant.key
        return _Telling(case, self._interpreter.decide(case), self._suggestions.example(case, subject))

    def _other_deciders(self, mutant: Mutant, changed: Interpreter, comparison: MutantComparison) -> str | None:
        """An example that notices by its `by` that other rules decide, where they do in some complete case."""
        case = comparison.other_deciders().case
        if case is None:
            return None

        def tells(case: Case) -> bool:
            ours, theirs = self._interpreter.decide(case), changed.decide(case)
            return ours.certain and (ours.deciding, ours.speaker) != (theirs.deciding, theirs.speaker)

        if not tells(case):
            raise UnconfirmedError(f"{mutant.sentence} decides {case!r} by the same rules")
        return self._suggestions.example(shortened(case, tells), mutant.rule or mutant.key)


def _tells(telling: _Telling, changed: Interpreter) -> bool:
    return changed.decide(telling.case).verdict is not telling.decision.verdict


def _refutes(claim: Property, interpreter: Interpreter, case: Case) -> bool:
    """Whether a complete case shows that the property does not hold."""
    trace = interpreter.trace(case)
    applies = claim.given is None or trace.truth(claim.given) is Truth.YES
    return applies and trace.decision.verdict not in claim.expect


def _kind(claim: Property | Law) -> str:
    return "law" if isinstance(claim, Law) else "property"
