"""`safecotc mutate`, and rule coverage in `safecotc test`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from safecot_dsl.cli.main import app

POLICY = """policy p { version "1" }
facts query {
  a : flag
  s : score
}
rule r {
  when    query.a and query.s >= 0.5
  verdict refuse
}
default comply
unsure clarify
example "both" { given query.a = yes, query.s = 0.5 expect refuse }
example "not a" { given query.a = no, query.s = 0.9 expect comply }
"""
# Twelve mutants; four are left, which `s` below 0.5, `s` just below it and `s` unknown would kill.


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "p.safecot").write_text(POLICY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


SHOWN = """\
p.safecot:11: survived: `unsure clarify` → `unsure warn` (only where facts are unknown)
p.safecot:11: survived: `unsure clarify` → `unsure redirect` (only where facts are unknown)

  # Confirm that this is what you want, and give it a name that says why.
  example "confirm: unsure (1)" {
    expect clarify by unsure
  }

p.safecot:7: survived: `query.s >= 0.5` left out in rule `r`

  # Confirm that this is what you want, and give it a name that says why.
  example "confirm: r (1)" {
    given  query.s = 0
    expect comply by default
  }

p.safecot:7: survived: `query.s >= 0.5` → `query.s >= 0.49` in rule `r`

  # Confirm that this is what you want, and give it a name that says why.
  example "confirm: r (2)" {
    given  query.s = 0.49
    expect comply by default
  }

score 66.6 %: 12 mutants, 8 killed, 4 survived, 0 equivalent
"""


def test_survivors_stand_above_the_example_that_would_notice_them(folder: Path) -> None:
    del folder
    code, out, err = run("mutate", "p.safecot")
    assert (code, out, err) == (0, SHOWN, "")


def test_json_has_the_score_and_every_mutant(folder: Path) -> None:
    del folder
    _, out, _ = run("mutate", "p.safecot", "--format", "json")
    report = json.loads(out)
    assert report["counts"] == {
        "made": 12,
        "tried": 12,
        "killed": 8,
        "survived": 4,
        "equivalent": 0,
        "undecided": 0,
    }
    assert report["score"] == pytest.approx(100 * 8 / 12)
    assert [len(report[name]) for name in ("killed", "survived", "equivalent", "undecided")] == [8, 4, 0, 0]
    assert report["killed"][0] == {
        "operator": "rule left out",
        "rule": "r",
        "key": "rule:r",
        "file": "p.safecot",
        "line": 6,
        "before": "rule r",
        "after": "",
        "sentence": "`rule r` left out",
        "by": "example:both",
    }
    moved = report["survived"][1]
    assert (moved["before"], moved["after"], moved["line"]) == ("query.s >= 0.5", "query.s >= 0.49", 7)
    # Where `a` is unknown, the mutant cannot tell either.
    assert (moved["verdict"], moved["mutant_verdict"], moved["complete"]) == ("comply", "clarify", True)
    assert moved["case"] == {"facts": {"query.s": 0.49}}
    assert moved["example"].endswith("expect comply by default\n}")


def test_a_goal_that_is_missed_fails(folder: Path) -> None:
    del folder
    assert run("mutate", "p.safecot", "--fail-under", "66.6")[0] == 0
    code, _, err = run("mutate", "p.safecot", "--fail-under", "66.7")
    assert code == 1
    assert err.endswith("error: p.safecot: the score is less than 66.7 %\n")
    assert run("mutate", "p.safecot", "--fail-under", "101")[0] == 2


def test_some_of_the_mutants(folder: Path) -> None:
    del folder
    first = run("mutate", "p.safecot", "--limit", "5", "--seed", "3")
    assert first[1].splitlines()[-1].startswith("score ")
    assert ": 5 of 12 mutants, " in first[1]
    assert run("mutate", "p.safecot", "--limit", "5", "--seed", "3")[:2] == first[:2]
    assert run("mutate", "p.safecot", "--limit", "0")[0] == 2


def test_a_policy_that_fails_its_examples_is_told_so(folder: Path) -> None:
    path = folder / "p.safecot"
    path.write_text(POLICY.replace("0.9 expect comply", "0.9 expect warn"), encoding="utf-8")
    code, _, err = run("mutate", "p.safecot")
    assert code == 1
    assert "p.safecot: the example `not a` fails of the policy itself: mend that first" in err


def test_a_policy_that_does_not_compile_and_an_artifact(folder: Path) -> None:
    assert run("compile", "p.safecot", "--out", "p.json")[0] == 0
    code, out, _ = run("mutate", "p.json")
    assert code == 0
    assert out == SHOWN.replace("p.safecot", "p.json")
    (folder / "p.safecot").write_text(POLICY.replace("query.a and", "query.x and"), encoding="utf-8")
    assert run("mutate", "p.safecot")[0] == 1
    assert run("mutate", "nothing.safecot")[0] == 1


# --- rule coverage ---------------------------------------------------------------------------------------------------

COVERED = """\
p.safecot:7: not exercised: `query.s >= 0.5` no, in rule `r`

  # Confirm that this is what you want, and give it a name that says why.
  example "confirm: r (1)" {
    given  query.a = yes, query.s = 0
    expect comply by default
  }

p.safecot:11: not exercised: `unsure` decides

  # Confirm that this is what you want, and give it a name that says why.
  example "confirm: unsure (1)" {
    expect clarify by unsure
  }

p.safecot: rule coverage 71.4 %: rules 1/1, conditions 3/4, default 1/1, unsure 0/1
"""


def test_coverage_says_what_is_not_exercised(folder: Path) -> None:
    del folder
    code, out, _ = run("test", "p.safecot", "--coverage")
    assert code == 0
    assert COVERED in out
    assert "rule coverage" not in run("test", "p.safecot")[1]


def test_coverage_as_json(folder: Path) -> None:
    del folder
    _, out, _ = run("test", "p.safecot", "--coverage", "--format", "json")
    coverage = json.loads(out)["policies"][0]["coverage"]
    assert coverage["percent"] == pytest.approx(100 * 5 / 7)
    assert coverage["kinds"]["condition"] == {
        "percent": 75.0,
        "covered": 3,
        "missing": 1,
        "unreachable": 0,
        "undecided": 0,
    }
    assert coverage["goals"][0] == {
        "kind": "rule",
        "rule": "r",
        "key": "rule:r",
        "file": "p.safecot",
        "line": 6,
        "goal": "rule `r` decides",
        "status": "covered",
        "cases": 1,
        "example": None,
    }
    assert json.loads(run("test", "p.safecot", "--format", "json")[1])["policies"][0]["coverage"] is None


def test_coverage_that_is_too_low_fails(folder: Path) -> None:
    del folder
    assert run("test", "p.safecot", "--coverage", "--fail-under", "71")[0] == 0
    code, _, err = run("test", "p.safecot", "--coverage", "--fail-under", "72")
    assert (code, err) == (1, "error: p.safecot: the rule coverage is less than 72 %\n")
    assert run("test", "p.safecot", "--fail-under", "72")[0] == 2
