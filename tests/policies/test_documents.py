"""The documents' snippets: whole policies compile, fragments parse, and the tutorial's commands answer as printed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from safecot_dsl.artifact import Verdict, read_case
from safecot_dsl.compiler import Reporter, parse_file
from safecot_dsl.diagnostics import SourceFile
from safecot_dsl.engine import decide
from safecot_dsl.workspace import compile_policy, open_policy
from tests.commands import CommandLine

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ["tutorial.md"]


def snippets(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_whole_policies_compile_without_a_finding(page: str, tmp_path: Path) -> None:
    found = snippets(page, "safecot")
    assert found
    for number, text in enumerate(found):
        path = tmp_path / f"snippet_{number}.safecot"
        path.write_text(text, encoding="utf-8")
        assert [str(d.span) + d.message for d in open_policy(path).diagnostics] == []


@pytest.mark.parametrize("page", PAGES)
def test_fragments_are_declarations(page: str) -> None:
    found = snippets(page, "safecot-fragment")
    assert found
    for text in found:
        reporter = Reporter(SourceFile(path=page, text='policy p {\n  version "1"\n}\n' + text))
        tree = parse_file(reporter)
        assert reporter.diagnostics == [], text
        assert tree.declarations


def test_the_tutorials_examples_come_out_as_written(tmp_path: Path) -> None:
    path = tmp_path / "medicines.safecot"
    path.write_text(snippets("tutorial.md", "safecot")[-1], encoding="utf-8")
    policy = compile_policy(path)
    assert len(policy.examples) == 5
    for example in policy.examples:
        decision = decide(policy, read_case(policy, {"facts": example.given}))
        assert decision.verdict is example.expect, example.name
        assert (decision.deciding or (decision.speaker,)) == example.by, example.name


@pytest.fixture
def safecotc(command_line: CommandLine, tmp_path: Path) -> Callable[..., str]:
    """Runs a command in the test's folder; what it says."""

    def run(*arguments: str) -> str:
        ended = command_line(*arguments, folder=tmp_path)
        return ended.out + ended.err

    return run


def printed(command: str) -> str:
    """What the tutorial shows below the last console line that begins with `command`."""
    for block in reversed(snippets("tutorial.md", "console")):
        lines = block.rstrip("\n").split("\n")
        starts = [number for number, line in enumerate(lines) if line.startswith(f"$ {command}")]
        if starts:
            return "\n".join(lines[starts[-1] + 1 :])
    raise AssertionError(command)


def test_the_tutorials_misspelling_is_reported_as_printed(safecotc: Callable[..., str], tmp_path: Path) -> None:
    text = snippets("tutorial.md", "safecot")[-1]
    misspelt = text.replace("query.intent is overdose", "query.intent is overdoes", 1)
    (tmp_path / "medicines.safecot").write_text(misspelt, encoding="utf-8")
    assert safecotc("check", "medicines.safecot").rstrip() == printed("safecotc check")


def test_the_tutorials_case_is_decided_as_printed(safecotc: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "medicines.safecot").write_text(snippets("tutorial.md", "safecot")[-1], encoding="utf-8")
    case = {"facts": {"image.objects": ["pills"], "query.intent": "overdose"}}
    (tmp_path / "case.json").write_text(json.dumps(case), encoding="utf-8")
    decision = json.loads(safecotc("decide", "medicines.safecot", "--case", "case.json"))
    shown = json.loads(printed("safecotc decide"))
    assert decision.pop("policy").startswith("sha256:")
    assert shown.pop("policy") == "sha256:…"
    assert decision == shown
    assert decision["verdict"] == Verdict.REFUSE

    explained = safecotc("explain", "medicines.safecot", "--case", "case.json")
    text = printed("safecotc explain medicines.safecot --case case.json")
    shown = text[text.index("Decision ") :].removesuffix("\n  …")
    assert shown in explained
