"""The extension for Visual Studio Code: its snippets are policies, and what is packaged is what it needs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.compiler import Reporter, parse_file
from safecot_dsl.datafiles import data_root, grammar_path
from safecot_dsl.diagnostics import SourceFile
from tests.compiler.sources import HEAD, TAIL, faults

EXTENSION = grammar_path("editors/vscode")
PACKAGE: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
SNIPPETS: dict[str, Any] = json.loads((EXTENSION / "snippets/safecot.json").read_text(encoding="utf-8"))
_PLACE = re.compile(r"\$(?:\{\d+:((?:[^{}\\]|\\.)*(?:\{[^{}]*\\\}(?:[^{}\\]|\\.)*)*)\}|\{\d+\|([^|]*)\|\}|\{?\d+\}?)")


def _inserted(snippet: dict[str, Any]) -> list[str]:
    """What an editor puts in where nothing is changed, once for each choice that the last choice of a snippet gives."""
    body = "\n".join(snippet["body"])
    choices = max((len(found.split(",")) for found in re.findall(r"\|([^|]*)\|\}", body)), default=1)

    def written(place: re.Match[str], number: int) -> str:
        if place[2] is not None:
            options = place[2].split(",")
            return options[number % len(options)]
        return re.sub(r"\\(.)", r"\1", place[1] or "")

    return [_PLACE.sub(lambda place, n=number: written(place, n), body) for number in range(choices)]


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_is_read_without_a_fault(name: str) -> None:
    snippet = SNIPPETS[name]
    assert snippet["description"]
    for text in _inserted(snippet):
        assert "$" not in text
        if snippet["prefix"].startswith("fact-"):
            text = f"facts query {{ {text} }}"
        if snippet["prefix"] not in ("policy", "library"):
            text = HEAD + text + TAIL
        report = Reporter(SourceFile("p.safecot", text))
        parse_file(report)
        assert report.diagnostics == [], text


def test_the_policy_of_the_snippet_has_nothing_wrong() -> None:
    (text,) = _inserted(SNIPPETS["Policy"])
    assert faults(text) == []


def test_each_declaration_has_a_snippet() -> None:
    prefixes = {snippet["prefix"].partition("-")[0] for snippet in SNIPPETS.values()}
    assert len({snippet["prefix"] for snippet in SNIPPETS.values()}) == len(SNIPPETS)
    assert prefixes >= set(
        "policy library facts group let taxonomy phrases criteria rule exception table example property law".split()
    )


def test_what_is_packaged_is_what_the_extension_names() -> None:
    """All else is left out, so that neither sources nor node_modules come with it."""
    listed = (EXTENSION / ".vscodeignore").read_text(encoding="utf-8").split()
    assert listed[0] == "**"
    packaged = {entry.removeprefix("!") for entry in listed[1:]}
    contributes = PACKAGE["contributes"]
    named = [PACKAGE["main"], contributes["languages"][0]["configuration"]]
    named += [entry["path"] for kind in ("grammars", "snippets") for entry in contributes[kind]]
    assert {name.removeprefix("./") for name in named} < packaged
    made = (EXTENSION / "bundle.js").read_text(encoding="utf-8")
    for name in packaged:
        assert (EXTENSION / name).is_file() or f'"{name}"' in made


def test_vsce_packages_it_without_a_warning(tmp_path: Path) -> None:
    """Where `npm install` was run in the extension's folder."""
    if not (EXTENSION / "node_modules/.bin/vsce").exists():
        pytest.skip("the extension's packages are not installed: `npm install` in grammar/editors/vscode")
    shutil.copytree(EXTENSION.parent, tmp_path / "grammar/editors", symlinks=True)
    shutil.copy(data_root() / "LICENSE", tmp_path)
    folder = tmp_path / "grammar/editors/vscode"
    run = subprocess.run(["npx", "vsce", "package"], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "WARNING" not in run.stdout + run.stderr
    assert list(folder.glob("*.vsix"))
