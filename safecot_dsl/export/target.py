"""What every export has: the text for the other tool, and what of the policy it could not carry over."""

from __future__ import annotations

from dataclasses import dataclass

from safecot_dsl.artifact import (
    And,
    Compare,
    CompiledPolicy,
    Example,
    Matches,
    Not,
    Or,
    Rule,
    Verdict,
    atoms,
    read_case,
)
from safecot_dsl.artifact.conditions import Between, Condition
from safecot_dsl.engine import Interpreter
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.phrasing import capitalised, listed, words


@dataclass(frozen=True)
class Exported:
    """`lost` says what the other tool does not know of the policy, a sentence each, without a final period."""

    text: str
    lost: tuple[str, ...]


def policy_title(policy: CompiledPolicy) -> str:
    return fold_line(policy.header.title or "") or capitalised(words(policy.header.name))


def origin(policy: CompiledPolicy) -> str:
    """What the export was made from; the text of a policy's version has no line break in it."""
    return f"{policy.header.name} {fold_line(policy.header.version)}, {policy.digest}"


def violates(verdict: Verdict, strict: Verdict) -> bool:
    """Does a verdict count as a violation, where those from `strict` on do?"""
    return verdict.strictness >= strict.strictness


def exceptions(policy: CompiledPolicy) -> dict[str, list[Rule]]:
    """The exceptions to each rule."""
    below: dict[str, list[Rule]] = {rule.name: [] for rule in policy.rules}
    for rule in policy.rules:
        for parent in rule.exception_to:
            below[parent].append(rule)
    return below


def applies(policy: CompiledPolicy, rule: Rule) -> Condition:
    """The whole condition on which a rule applies: its own and, for an exception, that of a rule that it is to."""
    parts = list(_parts(rule.when))
    if rule.unless is not None:
        parts.append(Not(item=rule.unless))
    if rule.exception_to:
        parents = tuple(applies(policy, policy.rule_index[parent]) for parent in rule.exception_to)
        parts += _parts(parents[0]) if len(parents) == 1 else (Or(items=parents),)
    return parts[0] if len(parts) == 1 else And(items=tuple(parts))


def _parts(condition: Condition) -> tuple[Condition, ...]:
    return condition.items if isinstance(condition, And) and condition.items else (condition,)


def conditions(policy: CompiledPolicy) -> list[tuple[Rule, Condition]]:
    return [(rule, condition) for rule in policy.rules for condition in (rule.when, rule.unless) if condition]


def lost_by_prose(policy: CompiledPolicy) -> list[str]:
    """What is lost wherever a model reads the policy as prose, instead of a compiler its facts."""
    lost = ["a model reads the rules and may misread them: no decision is proved, and none has a trace"]
    deep = sorted(
        rule.name
        for rule in policy.rules
        if any(policy.rule_index[parent].exception_to for parent in rule.exception_to)
    )
    if deep:
        lost.append(f"exceptions to exceptions are nested sentences there: {_names(deep)}")
    numbers = sorted({r.name for r, c in conditions(policy) if any(isinstance(a, Compare | Between) for a in atoms(c))})
    if numbers:
        lost.append(f"thresholds: a model guesses the number that a detector measures, in {_names(numbers)}")
    patterns = sorted({rule.name for rule, c in conditions(policy) if any(isinstance(a, Matches) for a in atoms(c))})
    if patterns:
        lost.append(f"patterns are told, and matched by eye, in {_names(patterns)}")
    lost.append(
        "facts that are not known: the bounds of an ambiguous case, and what of its facts would settle it, become one "
        "instruction at most"
    )
    return lost


def _names(rules: list[str]) -> str:
    return listed([f"`{name}`" for name in rules])


def sound_examples(policy: CompiledPolicy) -> list[tuple[Example, Verdict]]:
    """The policy's examples whose expectation holds, with their verdicts."""
    interpreter = Interpreter(policy)
    decided = [(e, interpreter.decide(read_case(policy, {"facts": e.given}))) for e in policy.examples]
    return [(example, decision.verdict) for example, decision in decided if decision.verdict is example.expect]
