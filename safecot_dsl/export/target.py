"""What every export has: the text for the other tool, and what of the policy it could not carry over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from safecot_dsl.artifact import (
    And,
    CompiledPolicy,
    Example,
    Not,
    NumberType,
    Or,
    Rule,
    Verdict,
    fact_atoms,
    read_case,
)
from safecot_dsl.artifact.conditions import Condition
from safecot_dsl.engine import Interpreter
from safecot_dsl.engine.meaning import primitives
from safecot_dsl.engine.operators import meaning
from safecot_dsl.export.english import English
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, listed
from safecot_dsl.render.phrasing import words

#: As many rules are written into the whole condition of an exception.
MOST_RULES = 24


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


def applies(policy: CompiledPolicy, rule: Rule) -> Condition | None:
    """The whole condition on which a rule applies: its own and, for an exception, that of a rule that it is to; None
    where more than :data:`MOST_RULES` rules would be written into it (with several parents each, they double)."""
    left = MOST_RULES

    def whole(rule: Rule) -> Condition | None:
        nonlocal left
        left -= 1
        if left < 0:
            return None
        parts = list(_parts(rule.when))
        if rule.unless is not None:
            parts.append(Not(item=rule.unless))
        parents: list[Condition] = []
        for name in rule.exception_to:
            parent = whole(policy.rule_index[name])
            if parent is None:
                return None
            parents.append(parent)
        if parents:
            parts += _parts(parents[0]) if len(parents) == 1 else (Or(items=tuple(parents)),)
        return parts[0] if len(parts) == 1 else And(items=tuple(parts))

    return whole(rule)


def own(english: English, rule: Rule) -> str:
    """The rule's own condition as a sentence."""
    unless = f", unless {english.sentence(rule.unless)}" if rule.unless is not None else ""
    return f"{english.sentence(rule.when)}{unless}"


def whole(policy: CompiledPolicy, english: English, rule: Rule) -> str:
    """The whole condition of a rule as a sentence; where that is too long, its own, and its parents by their names."""
    condition = applies(policy, rule)
    if condition is not None:
        return english.sentence(condition)
    return f"{own(english, rule)}, of requests to which the rule {listed(rule.exception_to, 'or')} applies"


def under(rule: Rule, below: Mapping[str, Sequence[Rule]]) -> Iterator[tuple[int, Rule, bool]]:
    """The exceptions to a rule, those to them and so on, each after what it is to: how deep, the exception, and
    whether it came before (what is under it is then left out)."""
    waiting = [(1, exception) for exception in reversed(below[rule.name])]
    told: set[str] = set()
    while waiting:
        depth, exception = waiting.pop()
        yield depth, exception, exception.name in told
        if exception.name not in told:
            told.add(exception.name)
            waiting += [(depth + 1, other) for other in reversed(below[exception.name])]


def _parts(condition: Condition) -> tuple[Condition, ...]:
    return condition.items if isinstance(condition, And) and condition.items else (condition,)


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
    read = {rule.name: list(fact_atoms(rule.when, rule.unless)) for rule in policy.rules}
    numbers = sorted(name for name, found in read.items() if any(atom.reads is NumberType for atom in found))
    if numbers:
        lost.append(f"thresholds: a model guesses the number that a detector measures, in {_names(numbers)}")
    patterns = sorted(
        name
        for name, found in read.items()
        if any(
            test.kind == "matches" for atom in found for test in primitives(meaning(atom, policy.fact_index[atom.fact]))
        )
    )
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
