"""An operator of the language is one entry in few tables: no other module tells one from another."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

from safecot_dsl.artifact import FactAtom

PACKAGE = Path(__file__).resolve().parents[2] / "safecot_dsl"
ATOMS = {atom.__name__ for atom in get_args(FactAtom)}
#: What changes with an operator (see `docs/design/extending-operator.md`).
TABLES = {
    "artifact/__init__.py",
    "artifact/conditions.py",
    "engine/operators.py",
    "render/operators.py",
    "export/told.py",
    "compiler/atoms.py",
    "testing/mutants_conditions.py",
    "testing/policies_conditions.py",
}
#: What writes conditions of its own, and so says which; it does not change with an operator.
WRITERS = {
    "analysis/boxes.py": {"Compare", "Is"},
    "analysis/difference_regions.py": {"Compare", "Is"},
    "analysis/regions.py": {"Between", "Compare", "Has", "Is"},
    "compiler/conditions.py": {"FlagIs"},
    "testing/laws_changes.py": {"Compare", "Contains", "Empty", "FlagIs"},
    "testing/policies.py": {"FlagIs"},
}
#: What asks for some of them: answers tried out in a dialogue, the miniature's world, what a table's cell can say, what
#: rules are generated of, and which nodes rows ask about.
READERS = {
    "cli/policy/questions.py": {"Between", "Compare", "Contains"},
    "dataset/policies/vocabulary.py": {"FlagIs", "Has", "Is"},
    "miniature/kinds.py": {"Has"},
    "miniature/lessons.py": {"Has", "Is"},
    "testing/policies_printed.py": ATOMS,
    "training/group_rows.py": {"Within"},
}


def imported(path: Path) -> set[str]:
    """The classes of atoms that a module imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {
        alias.name for node in froms if (node.module or "").startswith("safecot_dsl.artifact") for alias in node.names
    } & ATOMS


def test_no_other_module_knows_the_operators() -> None:
    found = {str(path.relative_to(PACKAGE)): imported(path) for path in sorted(PACKAGE.rglob("*.py"))}
    known = WRITERS | READERS
    beyond = {
        name: sorted(atoms - known.get(name, set()))
        for name, atoms in found.items()
        if name not in TABLES and atoms - known.get(name, set())
    }
    assert beyond == {}
    assert [name for name in known if not found[name]] == []  # the lists are no longer than need be
