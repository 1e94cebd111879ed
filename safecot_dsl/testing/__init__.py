"""Property-based testing of policies. What needs Hypothesis comes with the extra `test`, and loads when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safecot_dsl.testing.examples import show_example
    from safecot_dsl.testing.strategies import cases, completions, pairs

__all__ = ["cases", "completions", "pairs", "show_example"]

_HOMES = {"cases": "strategies", "completions": "strategies", "pairs": "strategies", "show_example": "examples"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
