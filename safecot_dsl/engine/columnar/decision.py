"""The whole decision as one circuit. The numbers in comments are those of the language charter's *semantics*."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from safecot_dsl.artifact import CompiledPolicy, Rule, Verdict
from safecot_dsl.engine.columnar.circuit import Circuit, CircuitNode
from safecot_dsl.engine.columnar.kleene import CircuitConditions, Kleene, Presence
from safecot_dsl.engine.order import exceptions_of, parents_first

#: The verdicts above the laxest, by strictness: a column for each says where a decision is at least as strict.
LEVELS = range(1, len(Verdict))


class DecisionCircuit:
    """What becomes of every rule and what is decided, in cases in which the facts are present as given."""

    def __init__(self, policy: CompiledPolicy, presence: Mapping[str, Presence]) -> None:
        self._policy = policy
        self._conditions = CircuitConditions(policy, presence)
        self.circuit: Circuit = self._conditions.circuit
        self._order = parents_first(policy)
        self._exceptions = exceptions_of(policy)
        self._applies: dict[str, Kleene] = {}
        for rule in self._order:
            truth = self._conditions.truth(rule.when)
            if rule.unless is not None:
                truth = truth & ~self._conditions.truth(rule.unless)
            if rule.exception_to:
                truth = truth & self._conditions.any_of(self._applies[parent] for parent in rule.exception_to)
            self._applies[rule.name] = truth  # 2.
        self._effective = {
            rule.name: self._conditions.all_of(
                (self._applies[rule.name], *(~self._applies[x.name] for x in self._exceptions[rule.name]))
            )
            for rule in policy.rules
        }  # 3.

    def column(self, name: str, of: str) -> CircuitNode:
        """A mask's column: where the rule or fact `of` is in the list `name` of the decision."""
        match name:
            case "effective":
                return self._effective[of].yes
            case "undecided":
                return self._effective[of].maybe
            case "deciding":
                return self._deciding[of]
            case "unsettled":
                return self._unsettled[of]
            case _:
                return self._assumed(of)

    def at_least(self, name: str, level: int) -> CircuitNode:
        """Where `lower`, `upper` or `verdict` is at least as strict as the verdict of strictness `level`."""
        if level == 0:
            return self.circuit.true
        if name == "verdict":
            # 5. A certain case has no rules that matter.
            stricter = (rule for rule in self._policy.rules if (rule.unsure or self._policy.unsure).strictness >= level)
            return self._lower[level] | self._any(self._matters[rule.name] for rule in stricter)
        return (self._lower if name == "lower" else self._upper)[level]

    def is_verdict(self, level: int) -> CircuitNode:
        """Where `lower` is the verdict of strictness `level`."""
        at_least = self.at_least("lower", level)
        return at_least & ~self._lower[level + 1] if level + 1 in self._lower else at_least

    def _any(self, nodes: Iterable[CircuitNode]) -> CircuitNode:
        return self.circuit.any_of(nodes)

    # --- 4. the bounds -----------------------------------------------------------------------------------------------

    @cached_property
    def _in_force(self) -> CircuitNode:
        """Where S is not empty."""
        return self._any(truth.yes for truth in self._applies.values())

    @cached_property
    def _upper(self) -> dict[int, CircuitNode]:
        upper: dict[int, CircuitNode] = {}
        for level in LEVELS:
            stricter = (rule for rule in self._policy.rules if rule.verdict.strictness >= level)
            upper[level] = self._any(self._effective[rule.name].may for rule in stricter)
            if self._policy.default.strictness >= level:
                upper[level] = upper[level] | ~self._in_force
        return upper

    @cached_property
    def _lower(self) -> dict[int, CircuitNode]:
        if self._complete:
            return self._upper  # M is empty, and of C each rule is all that may replace it
        return {level: self._lower_at_least(level) for level in LEVELS}

    @property
    def _complete(self) -> bool:
        """Whether no rule is maybe anywhere."""
        return all(truth.known for truth in self._applies.values())

    def _lower_at_least(self, level: int) -> CircuitNode:
        laxer = self._replaced_by_laxer(level)
        # Some rule of S and whatever may replace it are as strict.
        firm = self._any(self._applies[rule.name].yes & ~laxer[rule.name] for rule in self._policy.rules)
        if self._policy.default.strictness < level:
            return firm
        below = (rule for rule in self._policy.rules if rule.verdict.strictness < level)
        return firm | ~(self._in_force | self._any(self._effective[rule.name].maybe for rule in below))

    def _replaced_by_laxer(self, level: int) -> dict[str, CircuitNode]:
        """Where D(R) has a rule that is laxer than `level`, for each rule R that applies.

        Such a rule only counts in C or M. Where it is in neither, an exception to it applies for certain: that is in S,
        and in D(R), so that it finds `level` firm in the place of R.
        """
        laxer: dict[str, CircuitNode] = {}
        for rule in reversed(self._order):
            if rule.verdict.strictness < level:
                laxer[rule.name] = self.circuit.true
            else:
                exceptions = self._exceptions[rule.name]
                laxer[rule.name] = self._any(self._applies[x.name].may & laxer[x.name] for x in exceptions)
        return laxer

    @cached_property
    def ambiguous(self) -> CircuitNode:
        """Where the bounds differ."""
        return self._any(self._upper[level] & ~self._lower[level] for level in LEVELS)

    # --- 5. what is not settled --------------------------------------------------------------------------------------

    @cached_property
    def _matters(self) -> dict[str, CircuitNode]:
        """K: where the case is ambiguous, and the rule may be effective and matters."""
        if self.ambiguous == self.circuit.false:
            return {rule.name: self.circuit.false for rule in self._policy.rules}
        gate = {
            level: self.ambiguous & ~(self._in_force & self.at_least("lower", level)) for level in range(len(Verdict))
        }
        return {
            rule.name: self._effective[rule.name].maybe & gate[rule.verdict.strictness] for rule in self._policy.rules
        }

    @cached_property
    def _unsettled(self) -> dict[str, CircuitNode]:
        found = {fact.name: self.circuit.false for fact in self._policy.facts}

        def mark(fact: str, where: CircuitNode) -> None:
            found[fact] = found[fact] | where

        asked: dict[str, CircuitNode] = {}  # where reach(X) is part of U
        for rule in reversed(self._order):
            name = rule.name
            asked[name] = self.circuit.all_of(
                (
                    self._applies[name].maybe,
                    self._any(self._matters[other] for other in (name, *rule.exception_to))
                    | self._any(asked[x.name] & self._no_parent_applies(x) for x in self._exceptions[name]),
                )
            )
            for condition in rule.conditions:
                self._conditions.reached(condition, asked[name], mark)
        return found

    def _no_parent_applies(self, rule: Rule) -> CircuitNode:
        return ~self._any(self._applies[parent].yes for parent in rule.exception_to)

    def _assumed(self, fact: str) -> CircuitNode:
        supposed = self._policy.fact_index[fact].assume is not None
        return self._conditions.null(fact) if supposed else self.circuit.false

    # --- 6. who decides ----------------------------------------------------------------------------------------------

    @cached_property
    def _deciding(self) -> dict[str, CircuitNode]:
        sought = {level: self.is_verdict(level) & ~self.ambiguous for level in range(len(Verdict))}
        of_verdict = {rule.name: sought[rule.verdict.strictness] for rule in self._policy.rules}
        deciding = {name: effective.yes & of_verdict[name] for name, effective in self._effective.items()}
        if self._complete:
            return deciding
        nobody = ~self._any(deciding.values())
        reachable: dict[str, CircuitNode] = {}  # in D(R) for some R in S
        for rule in self._order:
            truth = self._applies[rule.name]
            reachable[rule.name] = truth.yes | (
                truth.may & self._any(reachable[parent] for parent in rule.exception_to)
            )
        return {
            name: node | (nobody & of_verdict[name] & self._effective[name].maybe & reachable[name])
            for name, node in deciding.items()
        }
