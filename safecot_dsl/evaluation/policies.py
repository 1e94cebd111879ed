"""Which policy an item is decided and judged by: the evaluation's, or one of its own."""

from __future__ import annotations

from functools import lru_cache

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation.items import EvalItem

_POLICIES = 256  # that are remembered: items of one policy stand together or take turns


def policy_of(item: EvalItem, policy: CompiledPolicy) -> CompiledPolicy:
    """The policy that an item is judged by: its own where it has one, else `policy`, that of the evaluation.

    Raises:
        ValueError: the item's own is no artifact, or its digest is not that of its content.
    """
    return _compiled(item.policy) if item.policy else policy


@lru_cache(maxsize=_POLICIES)
def _compiled(text: str) -> CompiledPolicy:
    return CompiledPolicy.from_json(text)
