"""The floors of the house: a folder imports only from those above it, and the light ones stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "safecot_dsl"
FLOORS = (
    "diagnostics",
    "artifact",
    "engine",
    "criteria",
    "render",
    "reading",
    "analysis",
    "compiler",
    "workspace",
    "rewards",
    "testing",
    "storage",
    "models",
    "miniature",
    "facts",
    "dataset",
    "training",
    "evaluation",
    "guard",
    "export",
    "pipeline",
    "api",
    "lsp",
    "studio",
    "cli",
)
# Modules of the package itself, which any folder may import and which import none, but that `__init__` hands on what
# `api` and `rewards` have.
GROUND = ("", "datafiles", "errors", "extras", "processes", "systems")
HANDED_ON = ("api", "rewards")


def imported_names(source: str, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Line and full name of all that a file of `package` imports, in functions and under `TYPE_CHECKING` too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*start, *([node.module] if node.module else [])))
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def folder_of(name: str) -> str | None:
    """The part of the package that a full name lies in, `""` for the package itself; None for another package."""
    top, _, rest = name.partition(".")
    part = rest.split(".")[0]
    if top != "safecot_dsl":
        return None
    return part if part in FLOORS or part in GROUND else ""


def allowed(own: str) -> tuple[str, ...]:
    return (*GROUND, own, *(FLOORS[: FLOORS.index(own)] if own in FLOORS else ()))


def test_every_folder_has_its_floor() -> None:
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(FLOORS)
    modules = {"__init__", "datafiles", "errors", "extras", "highlighting", "processes", "systems"}
    assert {path.stem for path in PACKAGE.glob("*.py")} == modules


def test_imports_go_up_only() -> None:
    faults: list[str] = []
    seen = 0
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        own = place.parts[0] if len(place.parts) > 1 else ""
        for line, name in imported_names(path.read_text(encoding="utf-8"), ("safecot_dsl", *place.parts[:-1])):
            folder = folder_of(name)
            if folder is None:
                continue
            seen += 1
            if folder not in allowed(own) and not (str(place) == "__init__.py" and folder in HANDED_ON):
                faults.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert faults == []
    assert seen > 100  # It does find the imports that there are.


@pytest.mark.parametrize(
    "source",
    [
        "import safecot_dsl.cli",
        "from safecot_dsl.cli import main",
        "from safecot_dsl import cli",
        "def f():\n    from safecot_dsl.cli.main import app",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import safecot_dsl.cli",
        "from .. import cli",
        "from ..cli import main",
    ],
)
def test_every_form_of_import_is_seen(source: str) -> None:
    found = [folder_of(name) for _, name in imported_names(source, ("safecot_dsl", "engine"))]
    assert "cli" in found
    assert "cli" not in allowed("engine")


# --- what importing loads --------------------------------------------------------------------------------------------

MODELS = ("torch", "transformers", "peft", "accelerate", "pyarrow", "PIL", "polars", "numpy", "datasets", "trl")
MODELS += ("onnxruntime", "openai", "ray", "uvicorn", "starlette")
PARSER_AND_SOLVER = ("lark", "z3")


def loaded(module: str, watched: tuple[str, ...]) -> list[str]:
    """Which of the watched packages a fresh interpreter has loaded after importing a module."""
    script = f"import sys, {module}; print(*[name for name in {watched!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return run.stdout.split()


@pytest.mark.parametrize("folder", ["diagnostics", "artifact", "engine", "criteria", "render", "reading"])
def test_reading_an_artifact_loads_neither_parser_nor_solver_nor_models(folder: str) -> None:
    assert loaded(f"safecot_dsl.{folder}", (*PARSER_AND_SOLVER, *MODELS)) == []


@pytest.mark.parametrize("folder", ["compiler", "workspace", "api", "cli"])
def test_checking_a_policy_loads_no_models(folder: str) -> None:
    assert loaded(f"safecot_dsl.{folder}", (*MODELS, "hypothesis")) == []


def test_the_api_loads_the_solver_only_where_it_is_asked() -> None:
    assert loaded("safecot_dsl.api", ("z3",)) == []


def test_the_package_alone_loads_nothing() -> None:
    """Not one module of its own, nor of anybody's: `typing` alone would be most of what it costs."""
    assert loaded("safecot_dsl", (*PARSER_AND_SOLVER, *MODELS, "hypothesis", "pydantic", "typing", "rich")) == []


def test_what_a_fresh_interpreter_loads_is_seen() -> None:
    assert loaded("lark", PARSER_AND_SOLVER) == ["lark"]
