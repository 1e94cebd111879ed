"""The pages for those who carry the project on: what they name is there, and the site's navigation has every page."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    *sorted(page.relative_to(ROOT).as_posix() for page in (ROOT / "docs" / "design").glob("*.md")),
    "docs/platforms.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
)
#: The first part of a path from the repository's top. What begins otherwise is no path of ours.
TOPS = (
    *(".ci", ".github", "benchmarks", "docs", "grammar", "policies", "recipes", "safecot_dsl", "studies", "studio"),
    "tests",
)
#: The package's folders: pages on reasons name a module below them (`engine/meaning.py`) without the package before it.
FLOORS = tuple(path.parent.name for path in (ROOT / "safecot_dsl").glob("*/__init__.py"))
FILES_AT_THE_TOP = ("Makefile", "pyproject.toml", "constraints.txt", "mkdocs.yml", "action.yml")
FENCED = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"`([A-Z]\w+|\w+\(\))`")


NAMES_NONE = ("SECURITY.md",)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """A page without its fenced blocks, where a worked example names files that are to be made."""
    return FENCED.sub("", text_of(page))


def named_paths(text: str) -> list[str]:
    """The paths that stand in code spans, from the repository's top, or of a module from the package's; `NAME` in one
    stands for any name."""
    spans = [span for span in re.findall(r"`([^`\n]+)`", text) if re.fullmatch(r"[\w./*-]+", span)]
    return [
        s
        for s in spans
        if s in FILES_AT_THE_TOP
        or ("/" in s and s.split("/")[0] in TOPS)
        or (s.split("/")[0] in FLOORS and s.endswith(".py"))
    ]


def is_there(path: str) -> bool:
    """Whether a path is in the tree: a file, a folder where it ends in `/`, or any of what `NAME` or `*` stands for."""
    if path.split("/")[0] in FLOORS and path.endswith(".py") and not (ROOT / path).is_file():
        path = f"safecot_dsl/{path}"
    if "NAME" in path or "*" in path:
        return any(ROOT.glob(path.replace("NAME", "*")))
    return (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file()


def defined_in(path: Path) -> set[str]:
    """The names that a module defines at its top, and the methods of its classes."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    named = named_paths(prose(page))
    assert [path for path in named if not is_there(path)] == []
    assert named or page in NAMES_NONE, "the page names no file: is it written in another way?"


@pytest.mark.parametrize("page", PAGES)
def test_every_module_that_a_page_runs_is_there(page: str) -> None:
    """`python -m benchmarks.house` and its like, in examples too."""
    for name in re.findall(r"python -m ((?:benchmarks|safecot_dsl|studies|tests)[\w.]*)", text_of(page)):
        path = name.rstrip(".").replace(".", "/")
        assert any(is_there(one) for one in (f"{path}.py", f"{path}/__main__.py")), f"{page}: python -m {name}"


def test_a_name_in_brackets_is_defined_in_the_files_before_it() -> None:
    """On the page on architecture: "`FILE` (`name()`, `Class`)"."""
    checked = 0
    for match in re.finditer(
        r"`(safecot_dsl/[\w/]+\.py)` \(((?:`[^`]+`(?:, )?)+)\)", prose("docs/design/architecture.md")
    ):
        names = {name.removesuffix("()") for name in NAMED.findall(match[2])}
        assert names - defined_in(ROOT / match[1]) == set(), match[0]
        checked += len(names)
    assert checked > 40


def test_what_is_not_there_is_found() -> None:
    """The checks above can fail."""
    assert named_paths("in `safecot_dsl/engine/nowhere.py`, `safecot_dsl`, `a/b.py` and `docs/codes/`") == [
        "safecot_dsl/engine/nowhere.py",
        "docs/codes/",
    ]
    assert not is_there("safecot_dsl/engine/nowhere.py")
    assert named_paths("in `engine/meaning.py`, `engine/` and `a/meaning.py`") == ["engine/meaning.py"]
    assert is_there("engine/meaning.py")
    assert not is_there("engine/nowhere.py")
    assert not is_there("docs/codes")
    assert is_there("docs/codes/")
    assert is_there("recipes/sources/NAME.yaml")
    assert "decide" in defined_in(ROOT / "safecot_dsl/engine/interpreter.py")


def test_the_floors_are_those_that_imports_are_held_against() -> None:
    layers = ast.parse(text_of("tests/architecture/test_layers.py"))
    (floors,) = [
        ast.literal_eval(node.value)
        for node in layers.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "FLOORS"
    ]
    section = text_of("docs/design/architecture.md").split("## The floors")[1].split("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == floors
    begun = re.findall(r"\| `(safecot_dsl/[\w/]+\.py)` \|$", section, re.MULTILINE)
    assert [path.split("/")[1] for path in begun] == list(floors)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md"])
def test_links_lead_somewhere(page: str) -> None:
    """Of the pages that stand outside of `docs/`; `tests/test_documentation.py` does the others."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not target.startswith("https://"):
            assert (ROOT / target.partition("#")[0]).exists(), target


def test_the_navigation_of_the_site_has_every_page_once() -> None:
    """`make docs` would say so, too; it is not part of the tests, since it needs an environment of its own."""
    docs = ROOT / "docs"

    def pages(entries: list[object]) -> list[str]:
        found: list[str] = []
        for entry in entries:
            inner = next(iter(entry.values())) if isinstance(entry, dict) else entry
            if isinstance(inner, list):
                found += pages(inner)
            elif "*" in str(inner):  # `docs/site_hooks.py` puts the pages in its place
                found += [path.relative_to(docs).as_posix() for path in docs.glob(str(inner))]
            else:
                found.append(str(inner))
        return found

    named = pages(yaml.safe_load(text_of("mkdocs.yml"))["nav"])
    assert sorted(named) == sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))
