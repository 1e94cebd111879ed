"""What the cases of a policy can exercise, and when one of them does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from safecot_dsl.artifact import And, AtLeast, CompiledPolicy, Condition, Not, Or, Rule
from safecot_dsl.engine import Trace, Truth, show_condition
from safecot_dsl.testing.mutants_conditions import parts

_YES, _NO = And(items=()), Or(items=())


class GoalKind(StrEnum):
    """What a goal is about; the order is that of reports."""

    RULE = "rule"
    EXCEPTION = "exception"
    CONDITION = "condition"
    DEFAULT = "default"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Decides:
    """The rule is one of the deciding rules."""

    rule: Rule

    @property
    def kind(self) -> GoalKind:
        return GoalKind.EXCEPTION if self.rule.exception_to else GoalKind.RULE

    @property
    def key(self) -> str:
        return f"rule:{self.rule.name}"

    @property
    def text(self) -> str:
        return f"{self.kind} `{self.rule.name}` decides"

    def met(self, trace: Trace) -> bool:
        return self.rule.name in trace.decision.deciding


@dataclass(frozen=True)
class Turns:
    """The `atom` is `yes` or no, and whether the rule applies hangs on it: with this atom alone the other way, and all
    others as they are in the case, it would not apply where it does, or the other way. An exception applies only where
    a rule applies that it is to.

    This is modified condition/decision coverage with masking (RTCA DO-178C; K. Hayhurst et al., NASA/TM-2001-210876),
    asked of each atom each way by itself: the two cases need not be a pair that differs in this atom alone, which
    atoms that read one fact often cannot. `with_yes` and `with_no` are the rule's condition with the atom so.
    """

    rule: Rule
    part: str
    atom: Condition
    yes: bool
    with_yes: Condition
    with_no: Condition
    kind = GoalKind.CONDITION

    @property
    def key(self) -> str:
        return f"rule:{self.rule.name}.{self.part}"

    @property
    def text(self) -> str:
        return f"`{show_condition(self.atom)}` {'yes' if self.yes else 'no'}, in rule `{self.rule.name}`"

    def met(self, trace: Trace) -> bool:
        if trace.truth(self.atom) is not Truth.of(self.yes):
            return False
        if self.rule.exception_to and all(trace.applies[name] is not Truth.YES for name in self.rule.exception_to):
            return False
        return {trace.truth(self.with_yes), trace.truth(self.with_no)} == {Truth.YES, Truth.NO}


@dataclass(frozen=True)
class NoRule:
    """`default` speaks."""

    kind = GoalKind.DEFAULT
    rule = None
    key = "default"
    text = "`default` decides"

    def met(self, trace: Trace) -> bool:
        return trace.decision.speaker == "default"


@dataclass(frozen=True)
class Ambiguous:
    """The case is ambiguous, so that `unsure` speaks; with a rule, which has an `unsure` of its own, this counts."""

    rule: Rule | None
    kind = GoalKind.UNSURE

    @property
    def key(self) -> str:
        return "unsure" if self.rule is None else f"rule:{self.rule.name}.unsure"

    @property
    def text(self) -> str:
        return "`unsure` decides" if self.rule is None else f"the `unsure` of rule `{self.rule.name}` counts"

    def met(self, trace: Trace) -> bool:
        decision = trace.decision
        if decision.certain or self.rule is None:
            return not decision.certain
        # Semantics 5: of the undecided rules, those that matter.
        in_force = any(applies is Truth.YES for applies in trace.applies.values())
        matters = not in_force or self.rule.verdict.strictness > decision.lower.strictness
        return self.rule.name in decision.undecided and matters


Goal = Decides | Turns | NoRule | Ambiguous


def goals(policy: CompiledPolicy) -> Iterator[Goal]:
    """Everything that the policy's cases can exercise, rule by rule."""
    for rule in policy.rules:
        yield Decides(rule)
        yield from _turns(rule)
        if rule.unsure is not None:
            yield Ambiguous(rule)
    yield NoRule()
    yield Ambiguous(None)


def _turns(rule: Rule) -> Iterator[Turns]:
    """Each atom of the rule, in source order and as often as it stands there, each way."""
    for part in parts(rule.when):
        if not isinstance(part.condition, Not | And | Or | AtLeast):
            with_yes, with_no = (_own(part.rebuilt(value), rule.unless) for value in (_YES, _NO))
            for yes in (True, False):
                yield Turns(rule, "when", part.condition, yes, with_yes, with_no)
    for part in parts(rule.unless) if rule.unless is not None else ():
        if not isinstance(part.condition, Not | And | Or | AtLeast):
            with_yes, with_no = (_own(rule.when, part.rebuilt(value)) for value in (_YES, _NO))
            for yes in (True, False):
                yield Turns(rule, "unless", part.condition, yes, with_yes, with_no)


def _own(when: Condition, unless: Condition | None) -> Condition:
    return when if unless is None else And(items=(when, Not(item=unless)))
