"""What rows can be rows *of*, and what each of these got: rules and exceptions, `default`, `unsure`, verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.selection.plan import Chosen, S, Selectable

GoalKind = Literal["rule", "exception", "default", "unsure", "verdict"]


class Goal(Frozen):
    """Something that rows should be of. `name` is the rule's or the verdict's, else the kind again."""

    kind: GoalKind
    name: str


class GoalCount(Frozen):
    """How many requests of the pool met a goal, how many of the rows do, and how many of these stand in contrast pairs.
    `wanted` is how many of them the plan asked for first, 0 where it asks for none or the pool has none."""

    kind: GoalKind
    name: str
    verdict: str
    wanted: int
    available: int
    rows: int
    paired: int


def goals_of(policy: CompiledPolicy) -> list[Goal]:
    """Every goal of a policy: its rules and exceptions in their order, `default`, `unsure`, and the verdicts."""
    return [
        *(Goal(kind="exception" if rule.exception_to else "rule", name=rule.name) for rule in policy.rules),
        Goal(kind="default", name="default"),
        Goal(kind="unsure", name="unsure"),
        *(Goal(kind="verdict", name=verdict.value) for verdict in Verdict),
    ]


def met_by(candidate: Selectable) -> Iterator[tuple[str, str]]:
    """What a candidate is a row of: (`speaker` or `verdict`, name); a rule where it is one of the deciding ones."""
    decision = candidate.decision
    for rule in decision.deciding:
        yield "speaker", rule
    if decision.speaker in ("default", "unsure"):
        yield "speaker", decision.speaker
    yield "verdict", decision.verdict.value


def place(goal: Goal) -> tuple[str, str]:
    """The goal as :func:`met_by` names it."""
    return "verdict" if goal.kind == "verdict" else "speaker", goal.name


def count_goals(
    policy: CompiledPolicy, pool: Iterable[Selectable], chosen: Sequence[Chosen[S]], *, wanted: int = 0
) -> tuple[GoalCount, ...]:
    """The table: for each goal of the policy what the pool had and what it got. Verdicts that no rule, `default` or
    `unsure` gives, and that no candidate has, are left out."""
    # A pool that comes from an index holds each decision once, so that few have to be looked at.
    decided: dict[int, tuple[Selectable, int]] = {}
    for candidate in pool:
        own = id(candidate.decision)
        first, count = decided.get(own, (candidate, 0))
        decided[own] = first, count + 1
    available: Counter[tuple[str, str]] = Counter()
    for candidate, count in decided.values():
        for where in met_by(candidate):
            available[where] += count
    rows = Counter(where for row in chosen for where in met_by(row.candidate))
    paired = Counter(where for row in chosen if row.pair for where in met_by(row.candidate))
    given = {policy.default, policy.unsure, *(r.verdict for r in policy.rules)}
    given |= {rule.unsure for rule in policy.rules if rule.unsure is not None}
    verdicts = {rule.name: rule.verdict.value for rule in policy.rules}
    verdicts |= {"default": policy.default.value, "unsure": policy.unsure.value}
    counts: list[GoalCount] = []
    for goal in goals_of(policy):
        where = place(goal)
        if goal.kind == "verdict" and Verdict(goal.name) not in given and not available[where]:
            continue
        counts.append(
            GoalCount(
                kind=goal.kind,
                name=goal.name,
                verdict=goal.name if goal.kind == "verdict" else verdicts[goal.name],
                wanted=wanted if available[where] else 0,
                available=available[where],
                rows=rows[where],
                paired=paired[where],
            )
        )
    return tuple(counts)
