"""Round trips as equations, over random policies in all that the language has.

parse ∘ format = parse            (syntax trees)
load ∘ save = identity            (artifacts)
decide ∘ load ∘ compile = decide  (the command line, in JSON, and the interpreter in this process)
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.cli.main import app
from safecot_dsl.compiler import Reporter, parse_file
from safecot_dsl.compiler.formatting import format_text
from safecot_dsl.compiler.syntax.node import TreeNode
from safecot_dsl.compiler.syntax.tree import Comment
from safecot_dsl.datafiles import policies_root
from safecot_dsl.diagnostics import SourceFile
from safecot_dsl.engine import Interpreter
from safecot_dsl.testing.policies_texts import PolicyText, policy_texts
from safecot_dsl.workspace import compile_policy, open_policy
from tests.engine import reference
from tests.strategies import examples

from .compare import random_cases

SHIPPED = sorted(policies_root().rglob("*.safecot"))

# Where something stands. Everything else in a tree means something.
_PLACES = {"start", "end", "offsets", "line", "column"}


def shape(node: Any) -> Any:
    """A syntax tree as plain data, without places and without blanks behind a comment."""
    if isinstance(node, Comment):
        return node.text.rstrip()
    if isinstance(node, TreeNode):
        inner = {field: shape(getattr(node, field)) for field in node.fields if field not in _PLACES}
        return type(node).__name__, inner
    if isinstance(node, (list, tuple)):
        return [shape(item) for item in node]
    return node


def parsed(text: str) -> Any:
    report = Reporter(SourceFile("p.safecot", text))
    tree = parse_file(report)
    assert not report.failed, [diagnostic.message for diagnostic in report.diagnostics]
    return shape(tree)


@examples(40)
@given(policy_texts())
def test_formatting_parses_to_the_same_tree(policy: PolicyText) -> None:
    for text in policy.files.values():
        assert parsed(format_text(text)) == parsed(text)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_formatting_a_shipped_file_parses_to_the_same_tree(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert parsed(format_text(text)) == parsed(text)


def test_trees_that_differ_are_told_apart() -> None:
    head = 'policy p { version "1" }\ndefault comply\nunsure clarify\n'
    assert parsed(head + "rule a { when x.b verdict warn }") != parsed(head + "rule a { when x.c verdict warn }")
    assert parsed(head + "# one\nparam a = 1") != parsed(head + "# two\nparam a = 1")
    assert parsed(head + "param a = 1") == parsed(head.replace("\n", "\n\n") + "   param  a=1")


def loaded_again(policy: CompiledPolicy) -> CompiledPolicy:
    text = policy.to_json()
    loaded = CompiledPolicy.from_json(text)
    assert loaded == policy
    assert loaded.to_json() == text
    return loaded


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_loading_a_shipped_policy_gives_what_was_saved(path: Path) -> None:
    policy = open_policy(path).policy
    if policy is None:
        assert open_policy(path).is_library
    else:
        loaded_again(policy)


@examples(15)
@given(policy=policy_texts(), seed=st.integers(0, 2**32))
def test_the_command_line_decides_as_the_interpreter_and_the_reference(
    policy: PolicyText, seed: int, tmp_path: Path
) -> None:
    """From the text, and from the artifact that was compiled from it; of cases, some with what JSON writes oddly."""
    path = policy.write(tmp_path)
    compiled = loaded_again(compile_policy(path))
    cases = [case for case in random_cases(policy.built, 40, Random(seed)) if is_utf8(json.dumps(case.to_json()))]
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(case.to_json()) + "\n" for case in cases), "utf-8")
    saved = tmp_path / "artifact.json"
    run("compile", path, "--out", saved)
    assert saved.read_text("utf-8") == compiled.to_json()
    from_text = run("decide", path, "--cases", tmp_path / "cases.jsonl")
    assert run("decide", saved, "--cases", tmp_path / "cases.jsonl") == from_text
    said = [json.loads(line) for line in from_text.splitlines()]
    interpreter = Interpreter(compiled)
    assert said == [interpreter.decide(case).model_dump(mode="json") for case in cases]
    built = json.loads(policy.built.to_json())
    for decision, case in zip(said, cases, strict=True):
        assert decision | {"policy": ""} == reference.decide(built, case.to_json()["facts"]) | {"policy": ""}


def is_utf8(text: str) -> bool:
    """JSON without a lone surrogate, which no file in UTF-8 can hold."""
    return "\\ud800" not in text


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout
