"""Counts of the package's source: `python -m benchmarks.house [COMMIT ...]` (of `HEAD` where no commit is named).

For each commit, of the Python files that Git knows there: files and lines of the package and of the tests, the longest
files, circles of imports, classes that have their name with others, and modules that one other module imports. What is
not committed does not count. Nothing is imported.

- *Circles* are sets of modules of which each is reached from each by the imports that are carried out when a module is
  loaded: those in functions and under `TYPE_CHECKING` are left out.
- *Classes with one name*: how many names stand for more than one class, at the top of the package's modules.
- *Imported by one*: the modules, `__init__` and `__main__` left out, that just one other module of the package imports,
  anywhere in it.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "safecot_dsl"
LONGEST = 400  # lines of a file, as `docs/design/decisions.md` has it


def sources(commit: str) -> dict[str, str]:
    """The text of each Python file of the commit, by its path."""
    listed = _git("ls-tree", "-r", "--name-only", commit).decode().splitlines()
    paths = [path for path in listed if path.endswith(".py")]
    asked = "".join(f"{commit}:{path}\n" for path in paths).encode()
    answer = memoryview(_git("cat-file", "--batch", input=asked))
    found: dict[str, str] = {}
    at = 0
    for path in paths:
        head_end = bytes(answer[at : at + 200]).index(b"\n") + at
        size = int(bytes(answer[at:head_end]).split()[2])
        found[path] = bytes(answer[head_end + 1 : head_end + 1 + size]).decode("utf-8")
        at = head_end + 1 + size + 1
    return found


def _git(*command: str, input: bytes | None = None) -> bytes:
    return subprocess.run(["git", *command], cwd=ROOT, input=input, capture_output=True, check=True).stdout


def modules_of(files: Mapping[str, str]) -> dict[str, ast.Module]:
    """The package's modules, by their full name."""
    return {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): ast.parse(text)
        for path, text in files.items()
        if path.startswith(f"{PACKAGE}/")
    }


def _imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The full names that import statements name: a module, or a name in it. The package has no relative imports."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _carried_out(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that loading the module reaches."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def imported(modules: Mapping[str, ast.Module], *, loading: bool) -> dict[str, set[str]]:
    """The modules of the package that each imports: when it is `loading`, or anywhere in it."""
    found: dict[str, set[str]] = {}
    for name, tree in modules.items():
        named = _imports(_carried_out(tree) if loading else ast.walk(tree))
        meant = (each if each in modules else each.rpartition(".")[0] for each in named)
        found[name] = {each for each in meant if each in modules and each != name}
    return found


def circles(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """The strongly connected sets of more than one module, by Tarjan's algorithm, without recursion."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []
    for start in imports:
        if start in order:
            continue
        work = [(start, iter(sorted(imports[start])))]
        order[start] = low[start] = len(order)
        path.append(start)
        while work:
            name, rest = work[-1]
            after = next(rest, None)
            if after is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == order[name]:
                    members = path[path.index(name) :]
                    del path[path.index(name) :]
                    found += [sorted(members)] if len(members) > 1 else []
            elif after not in order:
                order[after] = low[after] = len(order)
                path.append(after)
                work.append((after, iter(sorted(imports[after]))))
            elif after in path:
                low[name] = min(low[name], order[after])
    return found


def counted(commit: str) -> dict[str, Any]:
    """The figures of one commit."""
    files = sources(commit)
    lines = {path: text.count("\n") for path, text in files.items()}
    package = {path: count for path, count in lines.items() if path.startswith(f"{PACKAGE}/")}
    tests = {path: count for path, count in lines.items() if path.startswith("tests/")}
    modules = modules_of(files)
    importers = Counter(name for names in imported(modules, loading=False).values() for name in names)
    packages = {
        path.removesuffix("/__init__.py").replace("/", ".") for path in package if path.endswith("/__init__.py")
    }
    plain = [name for name in modules if name not in packages and not name.endswith("__main__")]
    classes = Counter(node.name for tree in modules.values() for node in tree.body if isinstance(node, ast.ClassDef))
    return {
        "commit": _git("rev-parse", "--short", commit).decode().strip(),
        "package_files": len(package),
        "package_lines": sum(package.values()),
        "test_files": len(tests),
        "test_lines": sum(tests.values()),
        "lines_by_folder": dict(_by_folder(package).most_common()),
        f"over_{LONGEST}": sorted(path for path, count in package.items() if count > LONGEST),
        "circles": circles(imported(modules, loading=True)),
        "classes_with_one_name": {name: count for name, count in sorted(classes.items()) if count > 1},
        "imported_by_one": sum(importers[name] == 1 for name in plain),
        "imported_by_one_below_90_lines": sum(
            importers[name] == 1 and package[f"{name.replace('.', '/')}.py"] < 90 for name in plain
        ),
    }


def _by_folder(package: Mapping[str, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for path, count in package.items():
        parts = path.split("/")
        found[parts[1] if len(parts) > 2 else "."] += count
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Counts of the source of the package, at some commits.")
    parser.add_argument("commits", nargs="*", default=["HEAD"], metavar="COMMIT")
    found = [counted(commit) for commit in parser.parse_args().commits]
    table = Table("", *(each["commit"] for each in found))
    for name in found[0]:
        if name not in ("commit", "lines_by_folder"):
            values = [each[name] for each in found]
            table.add_row(name, *(f"{value:,}" if isinstance(value, int) else str(len(value)) for value in values))
    Console().print(table)
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
