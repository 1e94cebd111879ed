"""Rules and the exceptions to them."""

from __future__ import annotations

from safecot_dsl.artifact import CompiledPolicy, Rule


def exceptions_of(policy: CompiledPolicy) -> dict[str, list[Rule]]:
    """The exceptions to each rule, by its name, in the order of declaration."""
    exceptions: dict[str, list[Rule]] = {rule.name: [] for rule in policy.rules}
    for rule in policy.rules:
        for parent in rule.exception_to:
            exceptions[parent].append(rule)
    return exceptions


def parents_first(policy: CompiledPolicy) -> list[Rule]:
    """The rules in an order in which a rule comes after all that it is an exception to; `ValueError` for a cycle."""
    exceptions = exceptions_of(policy)
    waiting = {rule.name: len(rule.exception_to) for rule in policy.rules}
    ready = [rule for rule in policy.rules if not rule.exception_to]
    for rule in ready:  # grows while it is walked
        for exception in exceptions[rule.name]:
            waiting[exception.name] -= 1
            if not waiting[exception.name]:
                ready.append(exception)
    if len(ready) != len(policy.rules):
        raise ValueError("the exceptions of the policy form a cycle")
    return ready
