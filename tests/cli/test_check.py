"""`safecotc check`."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import LIBRARY, POLICY, Run

FIVE = """policy five { version "1" }
facts image { objects : set of { knife, toy } }
facts query { harm : score }
rule one { when image.objects has knive verdict refuse }
rule two { when query.harm > 2 verdict refuse }
rule three { when image.object is empty verdict refuse }
rule four { verdict refused }
default comply
unsure clarify
"""


def test_a_policy_without_faults(safecotc: Run) -> None:
    result = safecotc("check", "p.safecot", "lib.safecot", "--quick")
    assert (result.code, result.out, result.err) == (0, "2 files checked: no errors, no warnings\n", "")
    result = safecotc("check", "p.safecot", "--quick", "--format", "json")
    assert (result.code, result.json()) == (0, {"diagnostics": []})


def test_five_faults_in_one_run(safecotc: Run, folder: Path) -> None:
    (folder / "five.safecot").write_text(FIVE, encoding="utf-8")
    result = safecotc("check", "five.safecot")
    assert result.code == 1
    assert result.out.count("error[") == 5
    assert result.out.endswith("1 file checked: 5 errors, no warnings\n")
    assert "help: did you mean `knife`?" in result.out
    data = safecotc("check", "five.safecot", "-f", "json")
    assert data.code == 1
    assert [(d["code"], d["severity"], d["file"], d["line"], d["column"]) for d in data.json()["diagnostics"]] == [
        ("SC0202", "error", "five.safecot", 4, 35),
        ("SC0203", "error", "five.safecot", 5, 30),
        ("SC0101", "error", "five.safecot", 6, 19),
        ("SC0301", "error", "five.safecot", 7, 6),
        ("SC0305", "error", "five.safecot", 7, 21),
    ]
    (knive, *_) = data.json()["diagnostics"]
    assert knive["message"] == "`knive` is not a value of `image.objects`"
    assert knive["fix"]["replacement"] == "knife"
    assert set(knive) == {
        "code", "severity", "message", "file", "line", "column", "end_line", "end_column", "notes", "help", "labels",
        "fix", "witness",
    }  # fmt: skip


def test_all_files_are_checked_and_a_librarys_fault_is_said_once(safecotc: Run, folder: Path) -> None:
    (folder / "lib.safecot").write_text(LIBRARY + "let broken = image.nothing\n", encoding="utf-8")
    (folder / "q.safecot").write_text(POLICY.replace("policy kitchen", "policy other"), encoding="utf-8")
    data = safecotc("check", "p.safecot", "q.safecot", "lib.safecot", "nowhere.safecot", "-f", "json")
    assert data.code == 1
    assert [(d["code"], d["file"]) for d in data.json()["diagnostics"]] == [
        ("SC0101", "lib.safecot"),
        ("SC0502", "nowhere.safecot"),
    ]


def test_a_failing_example_is_an_error(safecotc: Run, folder: Path) -> None:
    (folder / "p.safecot").write_text(POLICY.replace("expect comply", "expect refuse"), encoding="utf-8")
    result = safecotc("check", "p.safecot")
    assert result.code == 1
    assert "error[SC1001]: the example `storing` fails: expected `refuse`, the policy says `comply`" in result.out
    assert safecotc("compile", "p.safecot").code == 0  # it compiles all the same


def test_warnings_fail_only_when_asked(safecotc: Run, folder: Path) -> None:
    extra = 'criteria c { proposition p "p" {} for refuse { class a when p or not p otherwise b } }\n'
    (folder / "p.safecot").write_text(POLICY + extra, encoding="utf-8")
    result = safecotc("check", "p.safecot", "--quick")
    assert (result.code, result.out.count("warning[SC1002]")) == (0, 1)
    assert result.out.endswith("1 file checked: no errors, 1 warning\n")
    assert safecotc("check", "p.safecot", "--quick", "--strict").code == 1


def test_params_are_set(safecotc: Run) -> None:
    assert safecotc("check", "p.safecot", "--set", "limit=0.75").code == 0
    result = safecotc("check", "p.safecot", "--set", "limit=1.5", "-f", "json")
    assert result.code == 1
    assert [d["code"] for d in result.json()["diagnostics"]] == ["SC0203"]
    assert safecotc("check", "p.safecot", "--set", "limits=1").code == 1


@pytest.mark.parametrize("pair", ["limit", "limit=", "=1", "limit=high", "limit=0,5"])
def test_a_param_that_is_set_to_no_number_is_wrong_usage(pair: str, safecotc: Run) -> None:
    result = safecotc("check", "p.safecot", "--set", pair)
    assert result.code == 2
    assert result.err.startswith(f"error: `--set {pair}`: write NAME=NUMBER")


def test_an_artifact_is_checked_too(safecotc: Run) -> None:
    assert safecotc("compile", "p.safecot").code == 0
    assert safecotc("check", "p.json", "--quick").out == "1 file checked: no errors, no warnings\n"
    # The same findings, in the artifact's name.
    named = safecotc("check", "p.safecot").out.replace("p.safecot:", "p.json:")
    assert [line for line in named.splitlines() if "--> " in line or "[SC" in line] == [
        line for line in safecotc("check", "p.json").out.splitlines() if "--> " in line or "[SC" in line
    ]


def test_colour_is_for_terminals(safecotc: Run, folder: Path) -> None:
    (folder / "five.safecot").write_text(FIVE, encoding="utf-8")
    assert "\x1b" not in safecotc("check", "five.safecot").out


@pytest.mark.parametrize(
    "words", [(), ("check",), ("frobnicate",), ("check", "--frob"), ("schema", "x"), ("check", "p", "-f", "xml")]
)
def test_wrong_usage(words: tuple[str, ...], safecotc: Run) -> None:
    result = safecotc(*words)
    assert result.code == 2
    assert "Traceback" not in result.err


def test_help_and_version(safecotc: Run) -> None:
    assert safecotc("--help").code == 0
    for name in ("check", "compile", "decide", "explain", "prompt", "criteria", "grade", "schema"):
        assert safecotc(name, "--help").code == 0
    version = safecotc("--version")
    assert (version.code, version.out.split()[0]) == (0, "safecotc")


@pytest.mark.parametrize("words", [("check",), ("compile",), ("policy", "diff", "p.safecot")])
@pytest.mark.parametrize("name", ["recipe.yaml", "requests.csv"])
def test_a_recipe_or_a_table_is_not_read_as_a_policy(
    name: str, words: tuple[str, ...], safecotc: Run, folder: Path
) -> None:
    """Each of its lines would be a fault."""
    (folder / name).write_text("name: 'shop'\n")
    result = safecotc(*words, name)
    wanted = "name a .safecot file, a compiled .json artifact, or a folder of policies"
    assert (result.code, result.out, result.err) == (2, "", f"error: {name} is no policy: {wanted}\n")
