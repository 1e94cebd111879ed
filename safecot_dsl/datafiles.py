"""The one door to the data files that ship with the package: `grammar/`, `policies/`, `recipes/`."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_root() -> Path:
    """The folder that holds `grammar/`, `policies/` and `recipes/`: the checkout's top, or `_data` when installed."""
    installed = _PACKAGE / "_data"
    return installed if installed.is_dir() else _PACKAGE.parent


def grammar_path(name: str) -> Path:
    return data_root() / "grammar" / name


def policies_root() -> Path:
    """The root of the shipped policies; `std/` below it is the standard library."""
    return data_root() / "policies"


def recipes_root() -> Path:
    return data_root() / "recipes"
