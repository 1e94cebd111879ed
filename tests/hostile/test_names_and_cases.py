"""Hostile names of files, and hostile cases."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from safecot_dsl.artifact import CaseError, CompiledPolicy, read_case
from safecot_dsl.criteria import read_judgement
from safecot_dsl.diagnostics import render_json, render_text
from safecot_dsl.diagnostics.github import render_github
from safecot_dsl.diagnostics.sarif import render_sarif
from safecot_dsl.storage.json_text import parse_json
from safecot_dsl.workspace import compile_policy, open_policy

POLICY = """policy p { version "1" }
facts image { seen : set of { knife, toy } text : text }
facts query { harm : score minor : flag }
rule r { when query.harm > 0.5 verdict refuse }
default comply
unsure clarify
"""


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> CompiledPolicy:
    path = tmp_path_factory.mktemp("policy") / "p.safecot"
    path.write_text(POLICY, encoding="utf-8")
    return compile_policy(path)


@pytest.mark.parametrize("name", ["\x1b[2J", "\n::error::x", "\u202ecod", "\r", "%0A<script>", "a b'\"`$(id)"])
def test_a_files_name_steers_neither_terminal_nor_log(name: str, tmp_path: Path) -> None:
    """It stands in every format, since faults have a place; two files, so that a label names one too."""
    path = tmp_path / f"{name}.safecot"
    path.write_text('policy p { version "1" }\nrule r { when image.x verdict refuse }\nrule r {}\n', encoding="utf-8")
    opened = open_policy(path)
    assert len(opened.diagnostics) > 1
    shown = render_text(opened.diagnostics, opened.sources).plain
    assert not {"\x1b", "\r", "\u202e"} & set(shown)
    assert not any(line.startswith("::error::") for line in shown.split("\n"))
    logged = render_github(opened.diagnostics, tmp_path)
    assert len(logged.strip().split("\n")) == len(opened.diagnostics)
    assert all(line.startswith(("::error file=", "::warning file=")) for line in logged.strip().split("\n"))
    sarif = json.loads(json.dumps(render_sarif(opened.diagnostics, opened.sources, tmp_path)))
    for result in sarif["runs"][0]["results"]:
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.isascii()
        assert not set('\x1b\n\r <>"`') & set(uri)
    assert json.loads(json.dumps(render_json(opened.diagnostics)))[0]["code"]


def test_a_pipe_is_not_imported(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lib.safecot")
    path = tmp_path / "p.safecot"
    path.write_text(POLICY.replace("facts image", "import lib\nfacts image"), encoding="utf-8")
    assert [d.message for d in open_policy(path).diagnostics] == ["there is no file for `lib`"]


@pytest.mark.parametrize("what", ["import", "extend"])
def test_links_in_a_circle_are_no_file(what: str, tmp_path: Path) -> None:
    (tmp_path / "a.safecot").symlink_to(tmp_path / "b.safecot")
    (tmp_path / "b.safecot").symlink_to(tmp_path / "a.safecot")
    path = tmp_path / "p.safecot"
    path.write_text(f'policy p {{ version "1" }}\n{what} a\ndefault comply\nunsure clarify\n', encoding="utf-8")
    assert {d.code for d in open_policy(path).diagnostics} == {"SC0103"}
    assert [d.code for d in open_policy(tmp_path / "a.safecot").diagnostics] == ["SC0502"]


def test_a_base_is_not_found_outside_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "base.safecot").write_text(POLICY, encoding="utf-8")
    (tmp_path / "inside" / "base.safecot").symlink_to(tmp_path / "base.safecot")
    path = tmp_path / "inside" / "p.safecot"
    path.write_text('policy p { version "1" }\nextend base\n', encoding="utf-8")
    assert ("SC0103", "`base` leads out of the folder that imports start from") in [
        (d.code, d.message) for d in open_policy(path).diagnostics
    ]


@pytest.mark.parametrize(
    "facts",
    [
        {"x" * 100_000: 1},
        {"query.harm": [0] * 100_000},
        {"query.harm": 10**5_000},
        {"query.harm": "x" * 100_000},
        {"image.seen": [["knife"]]},
        {"image.seen": [{}]},
        {"query.minor": {"unknown": 1}},
        {"image.text": {"unknown": True, "x": 1}},
    ],
    ids=lambda facts: str(next(iter(facts)))[:12],
)
def test_a_hostile_case_is_refused_in_few_words(facts: dict[str, object], policy: CompiledPolicy) -> None:
    with pytest.raises(CaseError) as refused:
        read_case(policy, {"facts": facts})
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("depth", [100, 900, 990, 5_000, 1_000_000])
def test_a_deep_case_is_refused(depth: int, policy: CompiledPolicy) -> None:
    with pytest.raises(ValueError):  # of which CaseError is one
        read_case(policy, parse_json('{"facts":{"query.harm":' + "[" * depth + "]" * depth + "}}"))


def test_a_key_twice_among_many_is_found_at_once() -> None:
    text = "{" + ",".join(f'"k{i}":0' for i in range(200_000)) + ',"k199999":1}'
    started = time.process_time()
    with pytest.raises(ValueError, match='the key "k199999" stands twice'):
        parse_json(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "answer", ["[" * 100_000, '{"p": ' * 100_000, '{"p": ' + "9" * 10_000 + "}", "NaN", '{"p": 1}']
)
def test_a_judges_hostile_answer_is_a_judges_failure(answer: str) -> None:
    with pytest.raises(ValueError):
        read_judgement(answer, ("p",))
