"""`safecotc compile` and `safecotc policy schema`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import safecot_dsl
from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.workspace import compile_policy

from .conftest import POLICY, Run

SCHEMAS = Path(safecot_dsl.__file__).parent.parent / "docs" / "schema"


def test_the_artifact_is_written_beside_the_policy(safecotc: Run, folder: Path) -> None:
    result = safecotc("compile", "p.safecot")
    policy = compile_policy("p.safecot")
    assert result.code == 0
    assert result.out == f"p.json: kitchen 1.0.0, 3 rules, 5 facts\ndigest {policy.digest}\n"
    assert (folder / "p.json").read_text(encoding="utf-8") == policy.to_json()
    assert CompiledPolicy.from_json((folder / "p.json").read_bytes()) == policy


def test_the_artifact_is_written_where_it_is_asked_for(safecotc: Run, folder: Path) -> None:
    (folder / "out").mkdir()
    expected = compile_policy("p.safecot").to_json()
    for out, path in (("a.json", "a.json"), ("out", "out/p.json"), ("new/deep/b.json", "new/deep/b.json")):
        data = safecotc("compile", "p.safecot", "-o", out, "-f", "json").json()
        assert data["out"] == path
        assert (data["policy"], data["version"], data["rules"], data["facts"]) == ("kitchen", "1.0.0", 3, 5)
        assert (folder / path).read_text(encoding="utf-8") == expected
    assert safecotc("compile", "p.safecot", "-o", "-").out == expected


def test_nothing_is_written_for_a_policy_with_errors(safecotc: Run, folder: Path) -> None:
    (folder / "p.json").write_text("kept", encoding="utf-8")
    (folder / "p.safecot").write_text(POLICY.replace("verdict refuse", "verdict refused"), encoding="utf-8")
    before = sorted(folder.iterdir())
    result = safecotc("compile", "p.safecot")
    assert (result.code, result.out) == (1, "")
    assert "error[SC0305]" in result.err
    assert sorted(folder.iterdir()) == before
    assert (folder / "p.json").read_text(encoding="utf-8") == "kept"


def test_an_artifact_is_not_written_over_itself(safecotc: Run) -> None:
    safecotc("compile", "p.safecot")
    result = safecotc("compile", "p.json")
    assert (result.code, result.err) == (
        2,
        "error: p.json is a file that this command reads; name another with --out\n",
    )
    over = safecotc("compile", "p.safecot", "-o", "p.safecot")
    assert (over.code, over.err.split(";")[0]) == (2, "error: p.safecot: only the source of a policy ends in .safecot")
    into_its_folder = safecotc("compile", "p.json", "-o", ".")
    assert (into_its_folder.code, into_its_folder.err) == (result.code, result.err)
    assert safecotc("compile", "p.json", "-o", "copy.json").code == 0
    assert Path("copy.json").read_bytes() == Path("p.json").read_bytes()


def test_a_library_is_not_compiled(safecotc: Run, folder: Path) -> None:
    result = safecotc("compile", "lib.safecot")
    assert result.code == 1
    assert result.err == (
        "error: lib.safecot: this is a library: it is imported by policies and decides nothing itself\n"
    )
    assert not (folder / "lib.json").exists()


def test_what_cannot_be_written_is_one_line(process: Run, folder: Path) -> None:
    (folder / "file").write_text("", encoding="utf-8")
    result = process("compile", "p.safecot", "-o", "file/p.json")
    assert result.code == 3
    assert result.err.count("\n") == 1
    assert result.err.startswith("error: ")


def test_an_artifact_answers_as_its_policy(safecotc: Run) -> None:
    safecotc("compile", "p.safecot")
    for words in (("decide", "--case", "case.json"), ("explain", "--case", "case.json", "-f", "json"), ("prompt",)):
        name, *rest = words
        assert safecotc(name, "p.json", *rest).out == safecotc(name, "p.safecot", *rest).out


@pytest.mark.parametrize("subject", ["artifact", "decision", "recipe", "source", "suite"])
def test_the_published_schema_is_the_commands(subject: str, safecotc: Run) -> None:
    assert safecotc("policy", "schema", subject).out == (SCHEMAS / f"{subject}.schema.json").read_text(encoding="utf-8")


def test_the_schema_names_what_an_artifact_has(safecotc: Run) -> None:
    schema = safecotc("policy", "schema", "artifact").json()
    data = json.loads(compile_policy("p.safecot").to_json())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(data) <= set(schema["properties"])
    assert set(schema["required"]) <= set(data)
    assert schema["additionalProperties"] is False
