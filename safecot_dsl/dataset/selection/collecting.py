"""What a pool cannot cover: cases to collect, made by the solver, each beside the request of the pool that is nearest.

A case that the solver makes has no picture and no words, so it is never a row. Somebody has to find or make a request
of which these facts are true; the nearest request of the pool says where to begin, and what would have to be different.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy, TextType, Value, Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.selection.codes import Codes
from safecot_dsl.dataset.selection.goals import GoalCount
from safecot_dsl.dataset.selection.pairing import differing_facts
from safecot_dsl.dataset.selection.plan import Chosen, Selectable, Selection
from safecot_dsl.engine import Interpreter
from safecot_dsl.render.phrasing import label, value_text

if TYPE_CHECKING:
    from safecot_dsl.testing.coverage_goals import Goal as Reached

SECONDS = 5.0
_TRIED = 200


class ToCollect(Frozen):
    """A case that the pool lacks, or a goal that nothing can meet.

    `for_goal` is the rule, exception, `default` or `unsure`; `lack` is what the pool has not: a `row` of it, or a
    `partner` for its rows. `status` is `wanted`, and then `case` is the case in its JSON form, `facts` the same in
    words, and `verdict` with `deciding` what the policy says of it; `unreachable`, where it is proved that there is no
    such case; or `undecided`, where nobody could say in time. `nearest` is the key of the nearest request of the pool,
    and `changes` is what of it would have to be otherwise, each `label: now -> wanted`.
    """

    for_goal: str
    lack: Literal["row", "partner"]
    status: Literal["wanted", "unreachable", "undecided"]
    case: dict[str, Any] | None = None
    facts: tuple[str, ...] = ()
    verdict: str = ""
    deciding: tuple[str, ...] = ()
    nearest: str = ""
    changes: tuple[str, ...] = ()


class GapTable(Frozen):
    """What every goal got, and what the pool cannot cover."""

    goals: tuple[GoalCount, ...]
    collect: tuple[ToCollect, ...]


def gap_table(
    policy: CompiledPolicy, pool: Sequence[Selectable], selection: Selection[Any], *, seconds: float = SECONDS
) -> GapTable:
    """The goals of a selection that was made with its policy, and the cases to collect for them: for each rule,
    exception, `default` and `unsure` a row where the pool has none, and else a partner for contrast where none of its
    rows stands in a pair (not for `unsure`, whose partners are known facts). Each question to the solver has `seconds`.
    """
    return GapTable(goals=selection.goals, collect=tuple(_Collector(policy, pool, selection, seconds).all()))


@dataclass
class _Collector:
    policy: CompiledPolicy
    pool: Sequence[Selectable]
    selection: Selection[Any]
    seconds: float

    def __post_init__(self) -> None:
        self._interpreter = Interpreter(self.policy)
        self._distinct: dict[Case, Selectable] | None = None
        self._codes: Codes | None = None

    def all(self) -> Iterator[ToCollect]:
        for goal in self.selection.goals:
            if goal.kind == "verdict":
                continue  # its rules are in the table
            if not goal.available:
                yield self._row(goal)
            elif not goal.paired and goal.kind in ("rule", "exception"):
                yield self._partner(goal)

    # --- a row ---

    def _row(self, goal: GoalCount) -> ToCollect:
        from safecot_dsl.analysis.asking import Satisfiability
        from safecot_dsl.testing.coverage_proofs import Finder
        from safecot_dsl.testing.suggestions import shortened

        if goal.kind == "unsure" and (unclear := self._unclear()) is not None:
            return self._wanted(goal, "row", *unclear)
        reached = _reached(self.policy, goal)
        answer = Finder(self.policy, self.seconds).find(reached)
        if answer.case is None:
            status = "unreachable" if answer.outcome is Satisfiability.UNSAT else "undecided"
            return ToCollect(for_goal=goal.name, lack="row", status=status)

        def meets(case: Case) -> bool:
            trace = self._interpreter.trace(case)
            return reached.met(trace) and trace.decision.certain is (goal.kind != "unsure")

        if goal.kind == "unsure":
            # What nobody looked at teaches nothing: the facts that it hangs on are looked for in vain.
            unsettled = self._interpreter.decide(answer.case).unsettled
            case = Case(answer.case.known, answer.case.cannot_tell | set(unsettled) - answer.case.known.keys())
        else:
            case = shortened(answer.case, meets)
        nearest = self._nearest(case)
        wanted = case
        if nearest is not None:
            # As near to what there is as can be: the pool's request, with what makes the difference changed.
            known = {**nearest.case.known, **case.known}
            vain = (nearest.case.cannot_tell | case.cannot_tell) - case.known.keys()
            mixed = Case({name: value for name, value in known.items() if name not in vain}, vain)
            wanted = mixed if meets(mixed) else case
        return self._wanted(goal, "row", wanted, nearest)

    def _unclear(self) -> tuple[Case, Selectable] | None:
        """A request of the pool, as it would be if a fact that a person can be asked for could not be told."""
        asked = [fact.name for fact in self.policy.facts if fact.ask is not None]
        for candidate in heapq.nsmallest(_TRIED, self.pool, key=lambda candidate: candidate.key):
            for name in asked:
                case = candidate.case.with_fact(name, UNKNOWN)
                decision = self._interpreter.decide(case)
                if not decision.certain and set(decision.unsettled) <= self.policy.cannot_tell(case):
                    return case, candidate
        return None

    def _nearest(self, case: Case) -> Selectable | None:
        """The request of the pool that differs in the fewest of the facts that the case has, the first by key."""
        if not self.pool:
            return None
        if self._distinct is None or self._codes is None:
            self._distinct = {}
            for candidate in sorted(self.pool, key=lambda candidate: candidate.key):
                self._distinct.setdefault(candidate.case, candidate)
            self._codes = Codes(list(self._distinct))
        far = self._codes.distances(case, sorted(case.known.keys() | case.cannot_tell))
        return list(self._distinct.values())[int(far.argmin())]

    # --- a partner ---

    def _partner(self, goal: GoalCount) -> ToCollect:
        from safecot_dsl.analysis.cases import UndecidedError, find_case

        start = self._start(goal.name)
        try:
            whole = find_case(
                self.policy,
                verdict=start.decision.verdict,
                deciding=goal.name,
                fixed=start.case.known,
                seconds=self.seconds,
            )
            partner = None if whole is None else self._other_side(whole, start.refused)
        except UndecidedError:
            return ToCollect(for_goal=goal.name, lack="partner", status="undecided", nearest=start.key)
        if whole is None or partner is None:
            return ToCollect(for_goal=goal.name, lack="partner", status="unreachable", nearest=start.key)
        changed = {name: partner.known[name] for name in differing_facts(whole, partner)}
        case = _with(start.case, changed)
        if not self._interpreter.decide(case).certain:
            case = partner  # the start leaves facts open that the partner needs
        return self._wanted(goal, "partner", case, start)

    def _start(self, name: str) -> Selectable:
        """A row of the goal, or else a request of the pool: the first by key."""
        rows: list[Chosen[Any]] = [row for row in self.selection.chosen if name in row.candidate.decision.deciding]
        candidates: list[Selectable] = [row.candidate for row in rows]
        candidates = candidates or [c for c in self.pool if name in c.decision.deciding]
        return min(candidates, key=lambda candidate: candidate.key)

    def _other_side(self, case: Case, refused: bool) -> Case | None:
        """A case beside this one by one fact that is refused where it is not, or the other way round; a text is changed
        only where nothing else will do."""
        from safecot_dsl.analysis.cases import neighbours

        texts = {fact.name for fact in self.policy.facts if isinstance(fact.type, TextType)}
        for _, other in sorted(neighbours(self.policy, case), key=lambda beside: beside[0] in texts):
            if (self._interpreter.decide(other).verdict is Verdict.REFUSE) != refused:
                return other
        return None

    def _wanted(
        self, goal: GoalCount, lack: Literal["row", "partner"], case: Case, nearest: Selectable | None
    ) -> ToCollect:
        decision = self._interpreter.decide(case)
        changes = () if nearest is None else tuple(_changes(self.policy, nearest.case, case))
        return ToCollect(
            for_goal=goal.name,
            lack=lack,
            status="wanted",
            case=case.to_json(),
            facts=tuple(_facts(self.policy, case)),
            verdict=decision.verdict.value,
            deciding=decision.deciding or (decision.speaker,),
            nearest="" if nearest is None else nearest.key,
            changes=changes,
        )


def _reached(policy: CompiledPolicy, goal: GoalCount) -> Reached:
    from safecot_dsl.testing.coverage_goals import Ambiguous, Decides, NoRule

    if goal.kind == "default":
        return NoRule()
    return Ambiguous(None) if goal.kind == "unsure" else Decides(policy.rule_index[goal.name])


def _with(case: Case, changed: dict[str, Value]) -> Case:
    for name, value in changed.items():
        case = case.with_fact(name, value)
    return case


def _facts(policy: CompiledPolicy, case: Case) -> Iterator[str]:
    """The case in words, in the order in which the policy declares its facts."""
    for fact in policy.facts:
        if fact.name in case.known or fact.name in case.cannot_tell:
            yield f"{label(fact)}: {_value(policy, case, fact.name)}"


def _changes(policy: CompiledPolicy, now: Case, wanted: Case) -> Iterator[str]:
    differing = differing_facts(now, wanted)
    for fact in policy.facts:
        if fact.name in differing and (fact.name in wanted.known or fact.name in wanted.cannot_tell):
            yield f"{label(fact)}: {_value(policy, now, fact.name)} -> {_value(policy, wanted, fact.name)}"


def _value(policy: CompiledPolicy, case: Case, name: str) -> str:
    if name in case.known:
        return value_text(policy.fact_index[name], case.known[name])
    return "cannot be told" if name in case.cannot_tell else "not annotated"
