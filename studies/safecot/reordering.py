"""The policy with its rules in the opposite order, which decides the same and weighs them in that order."""

from __future__ import annotations

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.policy import Rule, compute_digest


def reordered(policy: CompiledPolicy) -> CompiledPolicy:
    """The last rule first; an exception stands behind its rule still. Verdicts do not hang on the order of rules."""
    rules: list[Rule] = []
    for rule in reversed(policy.rules):
        if not rule.exception_to:
            rules += [rule, *(other for other in policy.rules if rule.name in other.exception_to)]
    rules = list({rule.name: rule for rule in rules}.values())
    rules += [rule for rule in policy.rules if rule not in rules]
    changed = policy.model_copy(update={"rules": tuple(rules)})
    return CompiledPolicy.from_json(changed.model_copy(update={"digest": compute_digest(changed)}).to_json())
