"""The rule that comes nearest to applying, over columns: see :meth:`safecot_dsl.engine.Interpreter.nearest_rule`.

Distances are small numbers, not truths, so that they are added up case by case, a byte or two for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import And, AtLeast, CompiledPolicy, Condition, Not, Or, Rule, atoms
from safecot_dsl.engine.columnar.inputs import Planes
from safecot_dsl.engine.columnar.kleene import CircuitConditions, Presence
from safecot_dsl.engine.columnar.outputs import unpack
from safecot_dsl.engine.columnar.program import KEPT_PROGRAMS, Program
from safecot_dsl.engine.order import parents_first

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.unsignedinteger[Any]]


class NearestRules:
    """Finds the nearest rule of each case of a block. `order` has the rules by who is first among equally near ones."""

    def __init__(self, policy: CompiledPolicy, order: Sequence[Rule]) -> None:
        self._policy = policy
        self._rules = parents_first(policy)
        self.candidates = [rule for rule in order if rule.verdict.strictness > policy.default.strictness]
        parts = [atom for rule in policy.rules for part in rule.conditions for atom in atoms(part)]
        self._atoms = list(dict.fromkeys(parts))
        # No rule is further away than the atoms of all of them.
        self._type = "u1" if len(parts) < 256 else "u4"
        self._programs: dict[tuple[Presence, ...], Program] = {}

    def find(self, planes: Planes, count: int) -> tuple[Numbers, Numbers]:
        """For each of `count` cases the place of its nearest rule among the candidates, and its distance."""
        import numpy as np

        changes = _Changes(self._costs(planes, count))
        cost: dict[str, Numbers] = {}
        for rule in self._rules:
            total = changes.of(rule.when, True)
            if rule.unless is not None:
                total = total + changes.of(rule.unless, False)
            if rule.exception_to:
                total = total + np.minimum.reduce([cost[parent] for parent in rule.exception_to])
            cost[rule.name] = total
        least = cost[self.candidates[0].name]
        place = np.zeros(count, dtype=np.uint32)
        for number, rule in enumerate(self.candidates[1:], 1):
            place[cost[rule.name] < least] = number
            least = np.minimum(least, cost[rule.name])
        return place, least

    def _costs(self, planes: Planes, count: int) -> dict[tuple[Condition, bool], Numbers]:
        """What each atom costs to come to yes (True), and to no (False): 0 where it does, else 1."""
        outputs = iter(self._program(planes.presence())(planes.__getitem__, -(-count // 64)))
        return {
            (atom, positive): (unpack(next(outputs), count) ^ 1).astype(self._type, copy=False)
            for atom in self._atoms
            for positive in (True, False)
        }

    def _program(self, presence: tuple[Presence, ...]) -> Program:
        """Where each atom is yes and where it is no, in turn. One for each way in which facts are known is kept."""
        if len(self._programs) >= KEPT_PROGRAMS and presence not in self._programs:
            presence = (Presence.MIXED,) * len(presence)
        found = self._programs.get(presence)
        if found is None:
            facts = [fact.name for fact in self._policy.facts]
            conditions = CircuitConditions(self._policy, dict(zip(facts, presence, strict=True)))
            truths = [conditions.truth(atom) for atom in self._atoms]
            found = Program(conditions.circuit, [node for truth in truths for node in (truth.yes, truth.no)])
            self._programs[presence] = found
        return found


class _Changes:
    """The fewest atoms to change in each case of a block (see :func:`safecot_dsl.engine.nearest.changes`)."""

    def __init__(self, cost: Mapping[tuple[Condition, bool], Numbers]) -> None:
        self._cost = cost

    def of(self, condition: Condition, positive: bool) -> Numbers:
        import numpy as np

        match condition:
            case Not(item=item):
                return self.of(item, not positive)
            case And(items=items) | Or(items=items):
                costs = [self.of(item, positive) for item in items]
                every = isinstance(condition, And) == positive
                return np.add.reduce(costs, dtype=costs[0].dtype) if every else np.minimum.reduce(costs)
            case AtLeast(count=count, items=items):
                costs = np.sort([self.of(item, positive) for item in items], axis=0)
                # Not at least N of K: at least K - N + 1 of the negations.
                return costs[: count if positive else len(items) - count + 1].sum(axis=0, dtype=costs.dtype)
            case _:
                return self._cost[condition, positive]
