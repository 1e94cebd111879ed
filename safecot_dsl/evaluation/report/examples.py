"""The cases that a report shows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation.items import EvalItem, ItemKind
from safecot_dsl.evaluation.measures import near_misses


def choose(policy: CompiledPolicy, items: Sequence[EvalItem], count: int) -> tuple[str, ...]:
    """The ids of `count` policy items, without a look at any answer.

    A round over the rules (in the policy's order, then the default's near misses, the default's others, unsure) takes
    from each the item whose id has the smallest hash, then a second round the next, and so on.
    """
    near = near_misses(items)
    strata: dict[str, list[EvalItem]] = {rule.name: [] for rule in policy.rules}
    strata |= {"default, near": [], "default": [], "unsure": []}
    for item in items:
        if item.kind is ItemKind.POLICY and item.rules:
            name = "default, near" if item.rules[0] == "default" and item.id in near else item.rules[0]
            strata.setdefault(name, []).append(item)
    waiting = [
        sorted(stratum, key=lambda item: hashlib.sha256(item.id.encode()).digest()) for stratum in strata.values()
    ]
    chosen: list[str] = []
    for position in range(max(map(len, waiting), default=0)):
        chosen += [stratum[position].id for stratum in waiting if position < len(stratum)]
    return tuple(chosen[:count])
