"""A name of a class means one thing: no two modules of the package have a class of one name."""

from __future__ import annotations

import ast
from collections import defaultdict

from safecot_dsl.datafiles import data_root


def test_no_two_modules_have_a_class_of_one_name() -> None:
    root = data_root()
    found: dict[str, set[str]] = defaultdict(set)
    for path in (root / "safecot_dsl").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].add(path.relative_to(root).as_posix())
    assert len(found) > 500
    assert {name: sorted(modules) for name, modules in found.items() if len(modules) > 1} == {}
