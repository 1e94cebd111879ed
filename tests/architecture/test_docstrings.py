"""A public function says in its docstring what it raises itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from safecot_dsl.datafiles import data_root

Function = ast.FunctionDef | ast.AsyncFunctionDef
#: What is raised for a mistake in the code that calls, or inside a `try` of the same function.
_UNTOLD = {"AssertionError", "NotImplementedError", "TypeError"}
_CAUGHT = {"tags_of"}


def _public(node: ast.Module | ast.ClassDef, told: str = "") -> Iterator[tuple[Function, str]]:
    """Functions and methods, each with the docstrings in which what it raises may stand."""
    for child in node.body:
        if isinstance(child, Function) and not child.name.startswith("_"):
            if text := ast.get_docstring(child):
                yield child, told + text
        elif isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from _public(child, ast.get_docstring(child) or "")


def _raised(function: Function) -> set[str]:
    """The errors that are made and raised in the function, but for functions within it."""
    found: set[str] = set()
    left: list[ast.AST] = list(function.body)
    while left:
        node = left.pop()
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            found.add(node.exc.func.id)
        if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            left += ast.iter_child_nodes(node)
    return {name for name in found if name.endswith("Error")} - _UNTOLD


def test_what_is_raised_is_said() -> None:
    raising, silent = 0, list[str]()
    for path in sorted((data_root() / "safecot_dsl").rglob("*.py")):
        for function, told in _public(ast.parse(path.read_text(encoding="utf-8"))):
            names = _raised(function)
            raising += bool(names)
            if "raises" not in told.lower() and function.name not in _CAUGHT:
                silent += [f"{path.name}: {function.name} raises {name}" for name in names if name not in told]
    assert raising > 200
    assert silent == []
