"""The rule that comes nearest to applying: why a complying case was not refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from safecot_dsl.artifact import And, AtLeast, Condition, Not, Or, Rule, Value
from safecot_dsl.engine.evaluate import evaluate
from safecot_dsl.engine.truth import Truth


@dataclass(frozen=True)
class Nearest:
    """`distance` is the number of atoms that would have to change for the rule to apply."""

    rule: Rule
    distance: int


def changes(condition: Condition, known: Mapping[str, Value], positive: bool = True) -> int:
    """The fewest atoms to change for `condition` (or, not `positive`, its negation) to come to yes."""
    match condition:
        case Not(item=item):
            return changes(item, known, not positive)
        case And(items=items):
            costs = [changes(item, known, positive) for item in items]
            return sum(costs) if positive else min(costs)
        case Or(items=items):
            costs = [changes(item, known, positive) for item in items]
            return min(costs) if positive else sum(costs)
        case AtLeast(count=count, items=items):
            costs = sorted(changes(item, known, positive) for item in items)
            # Not at least N of K: at least K - N + 1 of the negations.
            return sum(costs[: count if positive else len(items) - count + 1])
        case _:
            wanted = Truth.YES if positive else Truth.NO
            return 0 if evaluate(condition, known) is wanted else 1
