"""Why a case is decided as it is: every rule, what its condition came to, and what made it so."""

from __future__ import annotations

from typing import Any

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Case,
    Condition,
    Decision,
    Not,
    Or,
    Rule,
    Value,
    Verdict,
    atoms,
)
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.diagnostics import Span
from safecot_dsl.engine.evaluate import evaluate
from safecot_dsl.engine.interpreter import Interpreter, Trace
from safecot_dsl.engine.show import show_condition
from safecot_dsl.engine.truth import Truth


class ConditionNode(Frozen):
    """A condition as it is written and what it came to; an atom also with the value of the fact that made it so
    (None where that is unknown)."""

    text: str
    truth: str
    fact: str | None = None
    value: Any = None
    parts: tuple[ConditionNode, ...] = ()


class RuleExplanation(Frozen):
    """A rule under a case. `applies` and `effective` are yes, no or maybe; `overruled_by` are the exceptions to it
    that apply (or may), `exception_to` the rules that it is to."""

    name: str
    verdict: Verdict
    exception_to: tuple[str, ...]
    hazard: str | None
    severity: float
    applies: str
    effective: str
    when: ConditionNode
    unless: ConditionNode | None
    overruled_by: tuple[str, ...]
    span: Span | None


class Explanation(Frozen):
    """A decision with all that it rests on. `facts` are the known ones, suppositions included; `nearest` is the rule
    that came nearest to applying, with the number of atoms between, where no rule applies."""

    decision: Decision
    facts: dict[str, Any]
    cannot_tell: tuple[str, ...]
    rules: tuple[RuleExplanation, ...]
    nearest: str | None
    distance: int | None

    def __str__(self) -> str:
        """The decision, a line for each rule, and below those that apply or may what their conditions came to."""
        decision = self.decision
        by = ", ".join(decision.deciding or (decision.speaker,))
        lines = [f"{decision.verdict} by {by}"]
        if not decision.certain:
            unsettled = ", ".join(decision.unsettled)
            lines[0] += f", between {decision.lower} and {decision.upper}; to be settled: {unsettled}"
        for rule in self.rules:
            overruled = [name for name in rule.overruled_by if rule.applies != "no"]
            also = f", overruled by {', '.join(overruled)}" if overruled else ""
            lines.append(f"  {rule.applies:<5} {rule.name}: {rule.verdict}{also}")
            if rule.applies != "no":
                lines += _lines("when", rule.when) + ([] if rule.unless is None else _lines("unless", rule.unless))
        return "\n".join(lines)


def explain(interpreter: Interpreter, case: Case) -> Explanation:
    """The explanation of a well-typed case's decision."""
    trace = interpreter.trace(case)
    nearest = interpreter.nearest_rule(case) if trace.decision.speaker == "default" else None
    facts = trace.case.to_json()["facts"]
    return Explanation(
        decision=trace.decision,
        facts={name: value for name, value in facts.items() if name in trace.case.known},
        cannot_tell=tuple(sorted(trace.case.cannot_tell)),
        rules=tuple(explain_rule(rule, interpreter, trace) for rule in interpreter.policy.rules),
        nearest=nearest.rule.name if nearest else None,
        distance=nearest.distance if nearest else None,
    )


def explain_rule(rule: Rule, interpreter: Interpreter, trace: Trace) -> RuleExplanation:
    """What became of one rule under the case of a trace: most of the work of an explanation is in its rules."""
    known = trace.case.known
    exceptions = interpreter.exceptions[rule.name]
    return RuleExplanation(
        name=rule.name,
        verdict=rule.verdict,
        exception_to=rule.exception_to,
        hazard=rule.hazard,
        severity=interpreter.severity(rule),
        applies=_word(trace.applies[rule.name]),
        effective=_word(trace.effective[rule.name]),
        when=_node(rule.when, known),
        unless=_node(rule.unless, known) if rule.unless is not None else None,
        overruled_by=tuple(e.name for e in exceptions if trace.applies[e.name] is not Truth.NO),
        span=interpreter.policy.span(f"rule:{rule.name}"),
    )


def _node(condition: Condition, known: dict[str, Value] | Any) -> ConditionNode:
    truth = _word(evaluate(condition, known))
    text = show_condition(condition)
    match condition:
        case And(items=items) | Or(items=items) | AtLeast(items=items):
            return ConditionNode(text=text, truth=truth, parts=tuple(_node(item, known) for item in items))
        case Not(item=And() | Or() | AtLeast() | Not() as item):
            return ConditionNode(text=text, truth=truth, parts=(_node(item, known),))
        case _:
            (atom,) = atoms(condition)
            fact: str = atom.fact  # pyright: ignore[reportAttributeAccessIssue] - rules are about facts
            value = known.get(fact)
            shown = sorted(value) if isinstance(value, frozenset) else value
            return ConditionNode(text=text, truth=truth, fact=fact, value=shown)


def _lines(word: str, node: ConditionNode, depth: int = 2) -> list[str]:
    """A condition and its parts, each on a line, with what it came to."""
    value = "" if node.fact is None else f"   [{node.fact}: {'not known' if node.value is None else node.value!r}]"
    first = f"{'  ' * depth}{node.truth:<5} {f'{word} ' if word else ''}{' '.join(node.text.split())}{value}"
    return [first, *(line for part in node.parts for line in _lines("", part, depth + 1))]


def _word(truth: Truth) -> str:
    return truth.name.lower()
