"""Rule coverage: what of a policy its examples exercise, and an example for everything that they do not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from safecot_dsl.artifact import Case, CompiledPolicy, read_case
from safecot_dsl.engine import Interpreter
from safecot_dsl.testing.coverage_goals import Goal, GoalKind, goals
from safecot_dsl.testing.suggestions import Suggestions, shortened

if TYPE_CHECKING:
    from safecot_dsl.testing.coverage_proofs import Finder

__all__ = ["Covered", "Goal", "GoalKind", "RuleCoverage", "rule_coverage"]

#: For the answer to one question to the solver.
SECONDS = 5.0


@dataclass(frozen=True)
class Covered:
    """Whether a goal is met. `cases` is how many of the cases meet it. A goal that is not met comes with an `example`
    that meets it (several goals may have the same one), is `unreachable` where it is proved that no case does, and is
    `undecided` where nobody could say in time."""

    goal: Goal
    status: Literal["covered", "missing", "unreachable", "undecided"]
    cases: int
    example: str | None = None


@dataclass(frozen=True)
class RuleCoverage:
    """Every goal of a policy, rule by rule."""

    items: tuple[Covered, ...]

    def of(self, kind: GoalKind) -> RuleCoverage:
        """The goals of one kind."""
        return RuleCoverage(tuple(item for item in self.items if item.goal.kind is kind))

    def count(self, status: str) -> int:
        return sum(item.status == status for item in self.items)

    @property
    def reachable(self) -> int:
        """How many goals count: all that are not proved to be out of reach."""
        return len(self.items) - self.count("unreachable")

    @property
    def percent(self) -> float:
        """The percentage of the reachable goals that are met; 100 where there are none."""
        return 100 * self.count("covered") / self.reachable if self.reachable else 100.0


def rule_coverage(
    policy: CompiledPolicy, cases: Iterable[Case] | None = None, *, seconds: float = SECONDS
) -> RuleCoverage:
    """What of the policy the cases exercise: its examples, unless others are given.

    That a rule or exception decides; each atom of its condition, as yes and as no, where whether it applies hangs on
    this atom; that `default` speaks, and that `unsure` does, also each rule's own.
    """
    interpreter = Interpreter(policy)
    if cases is None:
        cases = [read_case(policy, {"facts": example.given}) for example in policy.examples]
    traces = [interpreter.trace(case) for case in cases]
    search = _Search(policy, interpreter, seconds)
    items: list[Covered] = []
    for goal in goals(policy):
        met = sum(goal.met(trace) for trace in traces)
        items.append(Covered(goal, "covered", met) if met else search.missing(goal))
    return RuleCoverage(tuple(items))


class _Search:
    """Looks for examples that meet the goals which no case meets."""

    def __init__(self, policy: CompiledPolicy, interpreter: Interpreter, seconds: float) -> None:
        self._policy, self._interpreter, self._seconds = policy, interpreter, seconds
        self._suggestions = Suggestions(policy)
        self._found: list[tuple[Case, str]] = []
        self._finder: Finder | None = None

    def missing(self, goal: Goal) -> Covered:
        for case, example in self._found:
            if goal.met(self._interpreter.trace(case)):
                return Covered(goal, "missing", 0, example)

        # Only now: examples that exercise everything need no solver.
        from safecot_dsl.analysis.asking import Satisfiability
        from safecot_dsl.analysis.examination import UnconfirmedError
        from safecot_dsl.testing.coverage_proofs import Finder

        self._finder = self._finder or Finder(self._policy, self._seconds)
        answer = self._finder.find(goal)
        if answer.case is None:
            return Covered(goal, "unreachable" if answer.outcome is Satisfiability.UNSAT else "undecided", 0)
        certain = goal.kind is not GoalKind.UNSURE

        def meets(case: Case) -> bool:
            trace = self._interpreter.trace(case)
            return goal.met(trace) and trace.decision.certain is certain

        if not meets(answer.case):
            raise UnconfirmedError(f"{answer.case!r} does not show that {goal.text}")
        case = shortened(answer.case, meets)
        example = self._suggestions.example(case, goal.rule.name if goal.rule is not None else goal.key)
        self._found.append((case, example))
        return Covered(goal, "missing", 0, example)
