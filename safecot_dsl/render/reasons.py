"""What a reasoning is about: whose condition it derives, and why that rule speaks, does not apply, or may."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from safecot_dsl.artifact import Case, Condition, Decision, Fact, Rule, Subject
from safecot_dsl.engine import Interpreter, Truth
from safecot_dsl.render.literals import Leaf, Literals, Node, Reading
from safecot_dsl.render.model import Sentence
from safecot_dsl.render.plan import Part


class Standing(Enum):
    """How the rule that a reasoning is about stands to the decision."""

    SPEAKS = "speaks"  # it decides, and its texts are used
    NEAREST = "nearest"  # `default` speaks: the stricter rule that came nearest to applying
    OPEN = "open"  # `unsure` speaks: a rule that may apply, and would matter


@dataclass(frozen=True)
class About:
    """The rule that a reasoning is about."""

    rule: Rule
    standing: Standing


class Outcome(Protocol):
    """What a decision rests on, as far as texts ask for it: see :class:`~safecot_dsl.engine.Trace`, which is one."""

    @property
    def case(self) -> Case: ...
    @property
    def decision(self) -> Decision: ...
    @property
    def applies(self) -> Mapping[str, Truth]: ...
    def truth(self, condition: Condition) -> Truth: ...


class Grounds:
    """What the reasoning about the rules of one policy rests on. What depends on no case is worked out once."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self.policy = interpreter.policy
        self._literals = Literals()
        self._clauses: dict[str, tuple[Node, ...]] = {}
        self._hazards: dict[str, str | None] = {}
        self._lineages: dict[str, tuple[Rule, ...]] = {}
        self._parents: dict[str, tuple[Rule, ...]] = {}
        self._readings: dict[tuple[str, ...], tuple[Reading, ...]] = {}
        self._facts_read: dict[str, dict[Subject, list[tuple[Fact, Reading]]]] = {}
        #: The facts that the slots of a step or an utterance name, by its identity.
        self.slots: dict[int, tuple[str, ...]] = {}
        #: What a step, an utterance or a phrase set says, by all that it depends on.
        self.parts: dict[Any, Part | None] = {}
        #: Sentences on one literal and the value of its fact, by all that they depend on.
        self.said: dict[Any, tuple[str, Sentence]] = {}

    def about(self, outcome: Outcome) -> About | None:
        """The rule that the reasoning on this decision is about.

        That is the speaker; for `default` the nearest rule, and None where no rule is stricter; for `unsure` see
        :meth:`open_rule`.
        """
        match outcome.decision.speaker:
            case "default":
                nearest = self.interpreter.nearest_rule(outcome.case)
                return None if nearest is None else About(nearest.rule, Standing.NEAREST)
            case "unsure":
                rule = self.open_rule(outcome)
                return None if rule is None else About(rule, Standing.OPEN)
            case name:
                return About(self.policy.rule_index[name], Standing.SPEAKS)

    def open_rule(self, outcome: Outcome) -> Rule | None:
        """The rule that may apply and would make the case stricter than `lower`, or, where those all apply, an
        exception that may replace one (of several the strictest, the most severe, the first name)."""
        rules = self.policy.rule_index
        undecided = [rules[name] for name in outcome.decision.undecided]
        in_force = any(truth is Truth.YES for truth in outcome.applies.values())
        matter = [r for r in undecided if not in_force or r.verdict.strictness > outcome.decision.lower.strictness]
        candidates = [r for r in matter if outcome.applies[r.name] is Truth.MAYBE] or [
            exception
            for rule in matter
            for exception in self.interpreter.exceptions[rule.name]
            if outcome.applies[exception.name] is Truth.MAYBE
        ]
        severity = self.interpreter.severity
        return min(candidates, key=lambda r: (-r.verdict.strictness, -severity(r), r.name), default=None)

    def hazard(self, rule: Rule) -> str | None:
        """The full name of a rule's hazard; an exception without one has its parents' most severe (ties: first
        name)."""
        if rule.name not in self._hazards:
            for ancestor in reversed(_parents_last(self.lineage(rule))):
                inherited = {self._hazards[parent] for parent in ancestor.exception_to} - {None}
                self._hazards[ancestor.name] = ancestor.hazard or min(
                    (name for name in inherited if name is not None),
                    key=lambda name: (-self.policy.hazards[name].severity, name),
                    default=None,
                )
        return self._hazards[rule.name]

    def lineage(self, rule: Rule) -> tuple[Rule, ...]:
        """The rule and all that it is an exception to, upwards: those whose condition is part of its own."""
        if rule.name not in self._lineages:
            self._lineages[rule.name] = _upwards(rule, self.parents)
        return self._lineages[rule.name]

    def readings(self, rules: Sequence[Rule]) -> tuple[Reading, ...]:
        """The literals of the rules' conditions, in the order in which they are read; the same one counts once."""
        names = tuple([rule.name for rule in rules])
        if names not in self._readings:
            self._readings[names] = _distinct(
                leaf for rule in rules for part in self.clauses(rule) for leaf in part.leaves()
            )
        return self._readings[names]

    def readings_that(self, rules: Sequence[Rule], outcome: Outcome, wanted: Truth) -> tuple[Reading, ...]:
        """The literals that make the rules' conditions `wanted` (no or maybe): those one reaches down such parts only.

        So of `a or b`, which is no, both; of `a and b`, the one that is no; and none of a part that is otherwise.
        """
        known = outcome.case.known
        parts = (part for rule in rules for part in self.clauses(rule))
        return _distinct(leaf for part in parts for leaf in part.that(known, wanted))

    def clauses(self, rule: Rule) -> tuple[Node, ...]:
        """The rule's own condition, prepared: `when`, and not `unless`."""
        if rule.name not in self._clauses:
            self._clauses[rule.name] = self._literals.clauses(rule)
        return self._clauses[rule.name]

    def facts_read(self, rule: Rule, subject: Subject) -> Sequence[tuple[Fact, Reading]]:
        """The facts on one subject that the rule's condition and those above it read, each with the first literal that
        reads it."""
        if rule.name not in self._facts_read:
            found: dict[str, Reading] = {}
            for reading in self.readings(self.lineage(rule)):
                found.setdefault(reading.atom.fact, reading)
            facts = [(self.policy.fact_index[name], reading) for name, reading in found.items()]
            self._facts_read[rule.name] = {
                about: [(fact, reading) for fact, reading in facts if fact.subject is about] for about in Subject
            }
        return self._facts_read[rule.name][subject]

    def parents(self, rule: Rule) -> tuple[Rule, ...]:
        """The rules that a rule is an exception to."""
        if rule.name not in self._parents:
            # By name: the order in which an exception lists them means nothing, and the digest does not see it.
            index = self.policy.rule_index
            self._parents[rule.name] = tuple([index[name] for name in sorted(set(rule.exception_to))])
        return self._parents[rule.name]

    def replaced(self, rule: Rule, outcome: Outcome) -> list[Rule]:
        """The rules that an exception replaces here: its parents that apply, else those that may. Sorted by name."""
        parents = self.parents(rule)
        for truth in (Truth.YES, Truth.MAYBE):
            found = [parent for parent in parents if outcome.applies[parent.name] is truth]
            if found:
                return found
        return []

    def derivation(self, rule: Rule, outcome: Outcome) -> tuple[Rule, ...]:
        """The rules whose literals derive that `rule` applies, may or does not: its own and, for an exception, upwards
        those of its parents that apply, else may; where it does not apply, those of the parent nearest to applying."""
        if not rule.exception_to:
            return (rule,)
        costs: dict[str, int] = {}

        def reached(exception: Rule) -> Sequence[Rule]:
            parents = self.parents(exception)
            if not parents or outcome.applies[exception.name] is not Truth.NO:
                return self.replaced(exception, outcome)
            if not costs:
                costs.update(self._costs(rule, outcome))
            return [min(parents, key=lambda parent: (costs[parent.name], parent.name))]

        return _upwards(rule, reached)

    def _costs(self, rule: Rule, outcome: Outcome) -> dict[str, int]:
        """For each rule of the lineage, the changes after which it applies, as `Interpreter.nearest_rule` counts."""
        costs: dict[str, int] = {}
        for ancestor in reversed(_parents_last(self.lineage(rule))):
            cost = sum(part.cost(outcome.case.known) for part in self.clauses(ancestor))
            costs[ancestor.name] = cost + min((costs[parent] for parent in ancestor.exception_to), default=0)
        return costs


def _distinct(leaves: Iterable[Leaf]) -> tuple[Reading, ...]:
    """The first reading of each literal."""
    found: dict[int, Reading] = {}
    for leaf in leaves:
        found.setdefault(leaf.number, leaf.reading)
    return tuple(found.values())


def _upwards(rule: Rule, parents: Callable[[Rule], Sequence[Rule]]) -> tuple[Rule, ...]:
    found = {rule.name: rule}
    waiting = [rule]
    while waiting:
        for parent in parents(waiting.pop(0)):
            if parent.name not in found:
                found[parent.name] = parent
                waiting.append(parent)
    return tuple(found.values())


def _parents_last(lineage: Sequence[Rule]) -> list[Rule]:
    """The rules in an order in which every one stands before all that it is an exception to."""
    rules = {r.name: r for r in lineage}
    waiting = {name: sum(name in r.exception_to for r in rules.values()) for name in rules}
    ready = [name for name in rules if not waiting[name]]
    for name in ready:  # grows while it is walked
        for parent in set(rules[name].exception_to):
            waiting[parent] -= 1
            if not waiting[parent]:
                ready.append(parent)
    return [rules[name] for name in ready]
