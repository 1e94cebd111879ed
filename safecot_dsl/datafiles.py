"""The one door to the data files that ship: `grammar/`, `policies/`, `recipes/`, and the pages on error codes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_data"
MINIATURE_BASE = "miniature-base"


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
    """The folder of the miniature's base model, by its name (`miniature-base`): in a checkout it is with the recipes,
    else in a package of its own. None for any other name.

    Raises:
        ModuleNotFoundError: that package is not installed (:func:`safecot_dsl.extras.missing_extra` says the line).
    """
    if name != MINIATURE_BASE:
        return None
    folder = recipes_root() / name
    return folder if folder.is_dir() else Path(str(import_module("safecot_dsl_miniature").__file__)).parent / "model"


def is_packaged_model(name: str, folder: Path) -> bool:
    """Whether a model's name, read in `folder`, means the base model, and it is with no recipes: it is installed."""
    return name == MINIATURE_BASE and not (folder / name).is_dir() and not (recipes_root() / name).is_dir()


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
