"""The one door to the data files that ship: `grammar/`, `policies/`, `recipes/`, and the pages on error codes."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_data"


def data_root() -> Path:
    """The folder that holds `grammar/`, `policies/` and `recipes/`: the checkout's top, or `_data` when installed."""
    return _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent


def grammar_path(name: str) -> Path:
    return data_root() / "grammar" / name


def policies_root() -> Path:
    """The root of the shipped policies; `std/` below it is the standard library."""
    return data_root() / "policies"


def recipes_root() -> Path:
    return data_root() / "recipes"


def shipped_model(name: str) -> Path | None:
    """The folder of a model that ships with the recipes, by its name (`miniature-base`); None for any other name."""
    folder = recipes_root() / name
    return folder if "/" not in name and (folder / "config.json").is_file() else None


def codes_root() -> Path:
    """The folder of the pages on error codes: `docs/codes/` of the checkout, `codes/` of the data when installed."""
    root = data_root()
    return root / "codes" if root == _INSTALLED else root / "docs" / "codes"


def code_pages() -> dict[str, Path]:
    """The page of each code, sorted by code: Markdown whose first line is `# CODE: title`."""
    return {path.stem: path for path in sorted(codes_root().glob("SC*.md"))}


def code_title(page: Path) -> str:
    """The title of a code's page, without the code."""
    with page.open(encoding="utf-8") as lines:
        return lines.readline().partition(": ")[2].rstrip("\n")
