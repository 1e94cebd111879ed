"""The grammar for editors, and the extension for Visual Studio Code: data that must agree with the language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from safecot_dsl.artifact import Header, Verdict
from safecot_dsl.cli.main import app
from safecot_dsl.datafiles import grammar_path, policies_root

GRAMMAR: dict[str, Any] = json.loads(grammar_path("editors/safecot.tmLanguage.json").read_text(encoding="utf-8"))
EXTENSION = grammar_path("editors/vscode")
ALTERNATIVES = re.compile(r"\(\?<!\[\.\\w\]\)\(\?:([a-z|]+)\)\(\?!\\w\)")


def _rules(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _rules(value)
    elif isinstance(node, list):
        for value in node:
            yield from _rules(value)


def _words(rule: dict[str, Any]) -> list[str]:
    found = ALTERNATIVES.fullmatch(rule["match"])
    assert found, rule["match"]
    return found[1].split("|")


def test_its_keywords_are_those_of_the_language() -> None:
    text = grammar_path("safecot.lark").read_text(encoding="utf-8")
    keywords = re.findall(r'^[A-Z_]+: "([a-z]+)"$', text, re.MULTILINE)
    listed = [word for rule in GRAMMAR["repository"]["keyword"]["patterns"] for word in _words(rule)]
    assert sorted(listed) == sorted(keywords)


def test_its_verdicts_are_the_five() -> None:
    assert _words(GRAMMAR["repository"]["verdict"]) == list(Verdict)


def test_its_patterns_compile_and_its_parts_are_there() -> None:
    """In what Python's `re` and Oniguruma, which editors use, have in common."""
    patterns = [rule[key] for rule in _rules(GRAMMAR) for key in ("match", "begin", "end") if key in rule]
    assert len(patterns) > 30
    for pattern in patterns:
        re.compile(pattern)
    included = {rule["include"] for rule in _rules(GRAMMAR) if "include" in rule}
    assert {name.removeprefix("#") for name in included} <= set(GRAMMAR["repository"])
    for rule in _rules(GRAMMAR):
        if "captures" in rule:
            assert max(map(int, rule["captures"])) <= re.compile(rule["match"]).groups


def _scope(text: str) -> list[tuple[str, str]]:
    """The words of one line with the first rule that takes each, as an editor's tokeniser does with rules that match.

    Rules with a beginning and an end are left out: the lines here have no texts in them.
    """
    named = [GRAMMAR["repository"][rule["include"].removeprefix("#")] for rule in GRAMMAR["patterns"]]
    listed = [rule for entry in named for rule in entry.get("patterns", [entry]) if "begin" not in entry]
    rules = [(re.compile(rule["match"]), rule) for rule in listed if "match" in rule]
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        matches = [(match, rule) for pattern, rule in rules if (match := pattern.search(text, position))]
        if not matches:
            break
        match, rule = min(matches, key=lambda entry: entry[0].start())  # of several there, the first
        if "captures" in rule:
            found += [(match[int(n)], c["name"]) for n, c in rule["captures"].items() if match[int(n)]]
        else:
            found.append((match[0], rule["name"]))
        position = max(match.end(), position + 1)
    return [(word, scope.removesuffix(".safecot")) for word, scope in found if re.match(r"\w", word)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rule rule { when image.rule", "keyword.control.declaration entity.name.function keyword.other.clause "
         "support.class.subject variable.other.property"),
        ("  intent : one of topics", "variable.other.property storage.type keyword.operator.word "
         "variable.other.readwrite"),
        ("  row at_home : mix, < 0.5 then refuse", "keyword.control.declaration entity.name.function "
         "variable.other.readwrite constant.numeric keyword.other.clause constant.language.verdict"),
        ("import std.hazards as h", "keyword.control.declaration entity.name.namespace keyword.control.declaration "
         "entity.name.namespace"),
        ("  hazard hazards.verdict", "keyword.other.clause entity.name.namespace variable.other.member"),
        ("let ruler = not refused", "keyword.control.declaration variable.other.constant keyword.operator.word "
         "variable.other.readwrite"),
        ("  when query.text matches /when/i", "keyword.other.clause support.class.subject variable.other.property "
         "keyword.operator.word"),
        ("group sharp says", "keyword.control.declaration entity.name.type keyword.other.clause"),
        ("  harm : score says { below 0.5 else", "variable.other.property storage.type keyword.other.clause "
         "keyword.other.clause constant.numeric keyword.other.clause"),
        ("# rule when", ""),
    ],
)  # fmt: skip
def test_words_are_what_they_are(line: str, expected: str) -> None:
    assert [scope for _, scope in _scope(line)] == expected.split()


def test_the_header_s_keys_are_not_mistaken_for_clauses() -> None:
    header = GRAMMAR["repository"]["header"]
    assert all(re.match(header["begin"], f"{word} p {{") for word in ("policy", "library"))
    assert set(Header.model_fields) > {"title", "version"}
    for policy in policies_root().glob("**/*.safecot"):
        text = policy.read_text(encoding="utf-8")
        assert len(re.findall(header["begin"], text, re.MULTILINE)) == 1, policy


def test_the_extension_starts_a_command_that_there_is_on_files_that_there_are() -> None:
    package = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    contributes = package["contributes"]
    program, *arguments = contributes["configuration"]["properties"]["safecot.command"]["default"]
    assert program == "safecotc"
    assert CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0
    (language,) = contributes["languages"]
    (grammar,) = contributes["grammars"]
    assert language["extensions"] == [".safecot"]
    assert grammar["language"] == language["id"] == "safecot"
    assert grammar["scopeName"] == GRAMMAR["scopeName"]
    assert (EXTENSION / language["configuration"]).is_file()
    assert 'entryPoints: ["extension.js"]' in (EXTENSION / "bundle.js").read_text(encoding="utf-8")
    assert f"onLanguage:{language['id']}" in package["activationEvents"]


def test_the_extension_s_brackets_comments_and_indentation() -> None:
    configuration = json.loads((EXTENSION / "language-configuration.json").read_text(encoding="utf-8"))
    assert configuration["comments"] == {"lineComment": "#"}
    assert configuration["brackets"] == [["{", "}"], ["(", ")"]]
    deeper = re.compile(configuration["indentationRules"]["increaseIndentPattern"])
    assert deeper.match("rule r {")
    assert deeper.match('example "a {" {')
    assert not deeper.match("group g = { a, b }")
    assert not deeper.match("# rule r {")
    assert not deeper.match('  risk "{image.objects"')


def test_the_extension_says_how_it_is_installed() -> None:
    assert "pip install 'safecot-dsl[editor]'" in (EXTENSION / "README.md").read_text(encoding="utf-8")
    assert Path(EXTENSION / "extension.js").read_text(encoding="utf-8").startswith("// ")
