"""Why a case is decided as it is, in a few lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.engine.explain import ConditionNode, Explanation, RuleExplanation
from safecot_dsl.engine.values import show_value

_MAX_RULES = 8  # of those that are not decided, the strictest: nobody reads more in a terminal


def reasons(explanation: Explanation, policy: CompiledPolicy) -> list[str]:
    """Why a case is decided as it is: the rules in force and what makes them so, what they replace, what keeps the
    exceptions to them away; for `default`, what keeps the nearest rule away; for `unsure`, what is open."""
    decision = explanation.decision
    rules = {rule.name: rule for rule in explanation.rules}
    lines: list[str] = []
    if not decision.certain:
        lines.append(f"it lies between {decision.lower} and {decision.upper}, by what is not known")
        undecided = sorted((rules[name] for name in decision.undecided), key=lambda rule: -rule.verdict.strictness)
        for rule in undecided[:_MAX_RULES]:
            applies = "applies, if nothing replaces it" if rule.applies == "yes" else "may apply"
            lines.append(f"{_named(rule, policy)} {applies}: {rule.verdict}")
            lines += _indented(_literals(rule, "maybe"))
        if len(undecided) > _MAX_RULES:
            more = len(undecided) - _MAX_RULES
            lines.append(f"and {more} more rule{'' if more == 1 else 's'} may apply")
        return [*lines, f"what would settle it: {', '.join(decision.unsettled)}"]
    if not decision.deciding:
        open_rules = ", ".join(decision.undecided)
        lines.append(f"whatever {open_rules} may come to, it stays so" if open_rules else "no rule applies")
        if explanation.nearest is not None and not open_rules:
            rule = rules[explanation.nearest]
            lines.append(f"{_named(rule, policy)} comes nearest ({rule.verdict}), but")
            lines += _indented(_literals(rule, "no"))
        return lines
    for name in decision.deciding:
        lines.append(f"{_named(rules[name], policy)} applies: {rules[name].verdict}")
        lines += _indented(_literals(rules[name], "yes"))
        for parent in rules[name].exception_to:
            if rules[parent].applies == "yes":
                lines.append(f"  it replaces {_named(rules[parent], policy)}, which would be {rules[parent].verdict}")
        for other in explanation.rules:
            if name in other.exception_to and other.applies == "no":
                lines.append(f"  not {_named(other, policy)}, an exception that would be {other.verdict}:")
                lines += _indented(_literals(other, "no"), "    ")
    for name in decision.effective:
        if name not in decision.deciding:
            lines.append(f"{_named(rules[name], policy)} applies too: {rules[name].verdict}")
    return lines


def _named(rule: RuleExplanation, policy: CompiledPolicy) -> str:
    title = policy.rule_index[rule.name].title
    return f"{rule.name} ({title})" if title else rule.name


def _indented(lines: Iterator[str], indent: str = "  ") -> list[str]:
    return [f"{indent}{line}" for line in lines]


def _literals(rule: RuleExplanation, truth: str) -> Iterator[str]:
    """The conditions that make the rule come to `truth`, each with the value that makes it so."""
    yield from _made_so(rule.when, truth)
    if rule.unless is not None:
        unless = {"yes": "no", "no": "yes", "maybe": "maybe"}[truth]
        yield from (f"unless: {line}" for line in _made_so(rule.unless, unless))


def _made_so(node: ConditionNode, truth: str) -> Iterator[str]:
    """The parts of a condition that come to `truth`, where it does itself."""
    if node.truth != truth:
        return
    if node.fact is not None:
        said = {"yes": "", "no": " does not hold", "maybe": " may hold"}[truth]
        yield f"{node.text}{said}" + (f"   [{node.fact}: {_value(node.value)}]")
        return
    inner = [part for part in node.parts if part.truth == truth]
    if not inner:  # `not (...)`, whose part comes to the contrary
        yield node.text if truth == "yes" else f"{node.text} {'does not hold' if truth == 'no' else 'may hold'}"
    for part in inner:
        yield from _made_so(part, truth)


def _value(value: Any) -> str:
    return "not known" if value is None else show_value(value)
