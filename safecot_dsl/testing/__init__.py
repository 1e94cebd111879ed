"""Property-based testing of policies. What needs Hypothesis comes with the extra `test`, and loads when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safecot_dsl.errors import NoSuchCaseError
    from safecot_dsl.testing.coverage import rule_coverage
    from safecot_dsl.testing.examples import show_example
    from safecot_dsl.testing.mutation import mutate
    from safecot_dsl.testing.policies_texts import PolicyText, policy_texts
    from safecot_dsl.testing.strategies import cases, completions, pairs

__all__ = [
    "NoSuchCaseError",
    "PolicyText",
    "cases",
    "completions",
    "mutate",
    "pairs",
    "policy_texts",
    "rule_coverage",
    "show_example",
]

#: The module of each name.
_HOMES = {
    "NoSuchCaseError": "strategies_claims",
    "PolicyText": "policies_texts",
    "cases": "strategies",
    "completions": "strategies",
    "mutate": "mutation",
    "pairs": "strategies",
    "policy_texts": "policies_texts",
    "rule_coverage": "coverage",
    "show_example": "examples",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
