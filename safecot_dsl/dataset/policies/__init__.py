"""Policies that are generated of a policy: other rules over its facts, and changes of it, that read like real ones."""

from safecot_dsl.dataset.policies.changes import KINDS, PolicyKind
from safecot_dsl.dataset.policies.making import GeneratedPolicy, PolicyGenerator

__all__ = ["KINDS", "GeneratedPolicy", "PolicyGenerator", "PolicyKind"]
