"""What a reasoning is about: whose condition it derives, and why that rule speaks, does not apply, or may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from safecot_dsl.artifact import And, AtLeast, Condition, FactAtom, Not, Or, Proposed, Rule
from safecot_dsl.engine import Interpreter, Trace, Truth, literals
from safecot_dsl.engine.nearest import changes


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


@dataclass(frozen=True)
class Reading:
    """A literal where it stands: `key` is the clause of the rule that reads it, such as `rule:NAME.when`."""

    atom: FactAtom
    positive: bool
    rule: Rule
    key: str


def about(interpreter: Interpreter, trace: Trace) -> About | None:
    """The rule that the reasoning on this decision is about.

    That is the speaker; for `default` the nearest rule, and None where no rule is stricter; for `unsure` the rule that
    may apply and would make the case stricter than `lower`, or, where those all apply, an exception that may replace
    one (of several the strictest, the most severe, the first name).
    """
    decision = trace.decision
    match decision.speaker:
        case "default":
            nearest = interpreter.nearest_rule(trace.case)
            return None if nearest is None else About(nearest.rule, Standing.NEAREST)
        case "unsure":
            rule = _open_rule(interpreter, trace)
            return None if rule is None else About(rule, Standing.OPEN)
        case name:
            return About(interpreter.policy.rule_index[name], Standing.SPEAKS)


def _open_rule(interpreter: Interpreter, trace: Trace) -> Rule | None:
    rules = interpreter.policy.rule_index
    undecided = [rules[name] for name in trace.decision.undecided]
    in_force = any(truth is Truth.YES for truth in trace.applies.values())
    matter = [r for r in undecided if not in_force or r.verdict.strictness > trace.decision.lower.strictness]
    candidates = [r for r in matter if trace.applies[r.name] is Truth.MAYBE] or [
        exception
        for rule in matter
        for exception in interpreter.exceptions[rule.name]
        if trace.applies[exception.name] is Truth.MAYBE
    ]
    return min(candidates, key=lambda r: (-r.verdict.strictness, -interpreter.severity(r), r.name), default=None)


def hazard_of(interpreter: Interpreter, rule: Rule) -> str | None:
    """The full name of a rule's hazard; an exception without one has its parents' most severe (ties: first name)."""
    known: dict[str, str | None] = {}
    for ancestor in reversed(_parents_last(interpreter, rule)):
        inherited = {known[parent] for parent in ancestor.exception_to} - {None}
        known[ancestor.name] = ancestor.hazard or min(
            (name for name in inherited if name is not None),
            key=lambda name: (-interpreter.policy.hazards[name].severity, name),
            default=None,
        )
    return known[rule.name]


def replaced(interpreter: Interpreter, rule: Rule, trace: Trace) -> list[Rule]:
    """The rules that an exception replaces here: its parents that apply, else those that may. Sorted by name."""
    parents = _parents(interpreter, rule)
    for truth in (Truth.YES, Truth.MAYBE):
        found = [parent for parent in parents if trace.applies[parent.name] is truth]
        if found:
            return found
    return []


def lineage(interpreter: Interpreter, rule: Rule) -> list[Rule]:
    """The rule and all that it is an exception to, upwards: those whose condition is part of its own."""
    return _upwards(rule, lambda r: _parents(interpreter, r))


def derivation(interpreter: Interpreter, rule: Rule, trace: Trace) -> list[Rule]:
    """The rules whose literals derive that `rule` applies, may or does not: its own and, for an exception, upwards
    those of its parents that apply, else may; where it does not apply, those of the parent nearest to applying."""
    costs: dict[str, int] = {}

    def reached(exception: Rule) -> list[Rule]:
        parents = _parents(interpreter, exception)
        if not parents or trace.applies[exception.name] is not Truth.NO:
            return replaced(interpreter, exception, trace)
        if not costs:
            costs.update(_costs(interpreter, rule, trace))
        return [min(parents, key=lambda parent: (costs[parent.name], parent.name))]

    return _upwards(rule, reached)


def readings(rules: list[Rule]) -> list[Reading]:
    """The literals of the rules' conditions, in the order in which they are read; the same one counts once."""
    found: dict[tuple[FactAtom, bool], Reading] = {}
    for rule, key, condition, positive in _conditions(rules):
        for atom, sign in _literals(condition, positive):
            found.setdefault((atom, sign), Reading(atom, sign, rule, key))
    return list(found.values())


def readings_that(rules: list[Rule], trace: Trace, wanted: Truth) -> list[Reading]:
    """The literals that make the rules' conditions `wanted` (no or maybe): those one reaches down such parts only.

    So of `a or b`, which is no, both; of `a and b`, the one that is no; and none of a part that is otherwise.
    """
    found: dict[tuple[FactAtom, bool], Reading] = {}
    for rule, key, condition, positive in _conditions(rules):
        for atom, sign in _literals_that(condition, positive, trace, wanted):
            found.setdefault((atom, sign), Reading(atom, sign, rule, key))
    return list(found.values())


def _conditions(rules: list[Rule]) -> Iterator[tuple[Rule, str, Condition, bool]]:
    for rule in rules:
        yield rule, f"rule:{rule.name}.when", rule.when, True
        if rule.unless is not None:
            yield rule, f"rule:{rule.name}.unless", rule.unless, False


def _literals(condition: Condition, positive: bool) -> Iterator[tuple[FactAtom, bool]]:
    for literal in literals(condition, positive):
        if not isinstance(literal.atom, Proposed):
            yield literal.atom, literal.positive


def _literals_that(
    condition: Condition, positive: bool, trace: Trace, wanted: Truth
) -> Iterator[tuple[FactAtom, bool]]:
    truth = trace.truth(condition)
    if (truth if positive else ~truth) is not wanted:
        return
    match condition:
        case Not(item=item):
            yield from _literals_that(item, not positive, trace, wanted)
        case And(items=items) | Or(items=items) | AtLeast(items=items):
            for item in items:
                yield from _literals_that(item, positive, trace, wanted)
        case Proposed():
            raise TypeError("a proposition is no condition over facts")
        case _:
            yield condition, positive


def _parents(interpreter: Interpreter, rule: Rule) -> list[Rule]:
    # By name: the order in which an exception lists them means nothing, and the digest does not see it.
    return [interpreter.policy.rule_index[name] for name in sorted(set(rule.exception_to))]


def _upwards(rule: Rule, parents: Callable[[Rule], list[Rule]]) -> list[Rule]:
    found = {rule.name: rule}
    waiting = [rule]
    while waiting:
        for parent in parents(waiting.pop(0)):
            if parent.name not in found:
                found[parent.name] = parent
                waiting.append(parent)
    return list(found.values())


def _parents_last(interpreter: Interpreter, rule: Rule) -> list[Rule]:
    """The lineage in an order in which every rule stands before all that it is an exception to."""
    rules = {r.name: r for r in lineage(interpreter, rule)}
    waiting = {name: sum(name in r.exception_to for r in rules.values()) for name in rules}
    ready = [name for name in rules if not waiting[name]]
    for name in ready:  # grows while it is walked
        for parent in set(rules[name].exception_to):
            waiting[parent] -= 1
            if not waiting[parent]:
                ready.append(parent)
    return [rules[name] for name in ready]


def _costs(interpreter: Interpreter, rule: Rule, trace: Trace) -> dict[str, int]:
    """For each rule of the lineage, the changes after which it applies, as :meth:`Interpreter.nearest_rule` counts."""
    costs: dict[str, int] = {}
    for ancestor in reversed(_parents_last(interpreter, rule)):
        cost = changes(ancestor.when, trace.case.known)
        if ancestor.unless is not None:
            cost += changes(ancestor.unless, trace.case.known, positive=False)
        costs[ancestor.name] = cost + min((costs[parent] for parent in ancestor.exception_to), default=0)
    return costs
