"""`safecotc diff`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import ReasoningStyle, answer_text, reasoning_lines, render
from safecot_dsl.workspace import compile_policy

from .conftest import MIXING, POLICY, Run

LAB = "when query.harm < limit"


@pytest.fixture
def against(safecotc: Run, folder: Path) -> Any:
    """Compares the policy with itself after a replacement; what is returned is the result of the command."""

    def run(old: str, new: str, *words: str) -> Any:
        assert old in POLICY
        (folder / "new.safecot").write_text(POLICY.replace(old, new), encoding="utf-8")
        return safecotc("diff", "p.safecot", "new.safecot", *words)

    return run


def test_the_same_policy(safecotc: Run) -> None:
    result = safecotc("diff", "p.safecot", "p.safecot", "--fail-on", "any")
    assert (result.code, result.out, result.err) == (0, "equal: the policies are the same\n", "")


def test_a_policy_and_its_artifact(safecotc: Run) -> None:
    safecotc("compile", "p.safecot")
    assert safecotc("diff", "p.json", "p.safecot").out == "equal: the policies are the same\n"


def test_a_threshold_that_counts_itself(against: Any) -> None:
    result = against(LAB, "when query.harm <= limit")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[:8] == [
        "laxer: some cases are decided laxer, none stricter",
        "",
        "refuse -> redirect",
        "  where   image.objects has all of { ammonia, bleach } and query.intent is mix "
        "and query.harm between 0.5 and 0.5",
        "  example image.objects = { ammonia, bleach }, query.harm = 0.5, query.intent = mix",
        "  was     refuse by mixing",
        "  now     redirect by training",
        "",
    ]
    assert lines[8].startswith("share      of 10,000 cases drawn evenly, ")
    assert lines[9:] == ["rules      changed: training"]


@pytest.mark.parametrize(
    ("fail_on", "laxer", "stricter"), [("laxer", 1, 0), ("stricter", 0, 1), ("any", 1, 1), ("none", 0, 0)]
)
def test_the_exit_code_says_what_was_asked_for(against: Any, fail_on: str, laxer: int, stricter: int) -> None:
    for operator, code, word in (("<=", laxer, "laxer"), (" > 0.1 and query.harm <", stricter, "stricter")):
        result = against(LAB, f"when query.harm {operator} limit", "--fail-on", fail_on)
        assert result.code == code
        assert result.out.startswith(f"{word}: ")
        assert result.err == (f"error: NEW is {word} in some cases (--fail-on {fail_on})\n" if code else "")


def test_what_only_ignorance_softens_fails_too(against: Any) -> None:
    result = against("unsure clarify", "unsure comply", "--fail-on", "laxer")
    assert result.code == 1
    assert result.out.splitlines()[0] == (
        "equal: every case is decided alike where all facts are known; where some facts are unknown, some are laxer"
    )
    assert "clarify -> comply where facts are unknown" in result.out


def test_only_texts(against: Any) -> None:
    result = against("Chlorine gas forms.", "Toxic gas forms.", "--fail-on", "any")
    assert (result.code, result.out) == (
        0,
        "equal: every case is decided alike; only texts changed\n\ntexts      rule:mixing.think\n",
    )


def test_within_a_hazard(safecotc: Run, folder: Path) -> None:
    # `shouting` has no hazard: that it is laxer now is no matter of `harm`.
    (folder / "new.safecot").write_text(POLICY.replace("verdict warn", "verdict comply"), encoding="utf-8")
    assert safecotc("diff", "p.safecot", "new.safecot", "--fail-on", "laxer").code == 1
    for name in ("harm", "lib.harm"):
        result = safecotc("diff", "p.safecot", "new.safecot", "--fail-on", "laxer", "--hazard", name)
        assert (result.code, result.out.splitlines()[0]) == (
            0,
            "equal: every case to which a rule on lib.harm applies is decided alike",
        )
    result = safecotc("diff", "p.safecot", "new.safecot", "--hazard", "harn")
    assert (result.code, result.err) == (2, "error: `--hazard harn`: OLD has no such hazard; did you mean `harm`?\n")
    result = safecotc("diff", "p.safecot", "new.safecot", "--hazard", "health")
    assert (result.code, result.err) == (
        2,
        "error: `--hazard health`: OLD has no such hazard; its rules are about `harm`\n",
    )


def test_params_of_one_side(safecotc: Run) -> None:
    result = safecotc("diff", "p.safecot", "p.safecot", "--new-set", "limit=0.7", "--format", "json")
    found = result.json()
    assert (found["result"], found["params"]) == ("laxer", [{"name": "limit", "before": 0.5, "after": 0.7}])
    assert [region["where"] for region in found["regions"]] == [
        "image.objects has all of { ammonia, bleach } and query.intent is mix "
        "and query.harm >= 0.5 and query.harm < 0.7"
    ]
    same = safecotc(
        "diff", "p.safecot", "p.safecot", "--set", "limit=0.7", "--old-set", "limit=0.5", "--format", "json"
    )
    assert same.json()["params"] == found["params"]
    assert safecotc("diff", "p.safecot", "p.safecot", "--new-set", "limit").code == 2


def test_the_json_witness_is_a_case_that_decide_takes(against: Any, safecotc: Run, folder: Path) -> None:
    found = against(LAB, "when query.harm <= limit", "--format", "json").json()
    (region,) = found["regions"]
    for key in ("witness", "example"):
        (folder / "case.json").write_text(json.dumps(region[key]), encoding="utf-8")
        for policy, decision in (("p.safecot", "old_decision"), ("new.safecot", "new_decision")):
            assert safecotc("decide", policy, "--case", "case.json").json()["verdict"] == region[decision]["verdict"]
    assert (found["laxer"], found["stricter"], found["complete"], found["not_listed"]) == ("sat", "unsat", True, [])


def test_markdown(against: Any) -> None:
    lines = against(LAB, "when query.harm <= limit", "--format", "markdown").out.splitlines()
    assert lines[0] == "**laxer**: some cases are decided laxer, none stricter (kitchen 1.0.0 → kitchen 1.0.0)"
    assert lines[2] == "### refuse → redirect"
    assert "  - now: `redirect by training`" in lines


def test_what_is_not_listed_is_said(against: Any) -> None:
    result = against(LAB, "when query.harm <= limit", "--regions", "0")
    assert result.out.startswith("laxer: some cases are decided laxer, none stricter\n")
    assert "not listed there are or may be further cases refuse -> redirect; --regions lists more" in result.out


def test_policies_that_cannot_be_compared(safecotc: Run, folder: Path) -> None:
    assert safecotc("diff", "p.safecot", "absent.safecot").code == 1
    assert safecotc("diff", "p.safecot", "lib.safecot").code == 1
    (folder / "broken.safecot").write_text(POLICY.replace("verdict warn", "verdict worn"), encoding="utf-8")
    result = safecotc("diff", "broken.safecot", "p.safecot")
    assert (result.code, result.out) == (1, "")
    assert "worn" in result.err


def test_imports_are_found_on_the_path(safecotc: Run, folder: Path) -> None:
    (folder / "libraries").mkdir()
    (folder / "lib.safecot").rename(folder / "libraries" / "lib.safecot")
    assert safecotc("diff", "p.safecot", "p.safecot").code == 1
    assert safecotc("diff", "p.safecot", "p.safecot", "--path", "libraries").code == 0


# --- rows ------------------------------------------------------------------------------------------------------------

CASES = {
    "mixing": {**MIXING, "query.harm": 0.9},
    "edge": {**MIXING, "query.harm": 0.5},
    "storing": {"image.objects": ["bleach"], "query.intent": "store", "query.harm": 0.1, "image.text": ""},
}


def row(policy: CompiledPolicy, id: str) -> dict[str, Any]:
    """The row of a data set for a case, with the columns that a comparison reads."""
    from safecot_dsl.artifact import read_case

    case = read_case(policy, {"facts": CASES[id]})
    rendered = render(Interpreter(policy), case, style=ReasoningStyle.FULL, seed=f"0/{id}", source_answer="Like this.")
    return {
        "id": id,
        "facts": json.dumps(case.to_json()),
        "verdict": rendered.verdict.value,
        "rules": [{"name": name, "file": None, "line": None} for name in rendered.cited],
        "sentences": [{"step": s.step, "text": s.text} for s in rendered.answer],
        "reasoning": "\n".join(reasoning_lines(rendered)),
        "answer": answer_text(rendered),
        "style": "full",
        "seed": f"0/{id}",
        "policy": policy.digest,
    }


@pytest.fixture
def rows(folder: Path) -> list[dict[str, Any]]:
    """Rows made from the policy, in `rows.jsonl` and `rows.parquet`."""
    policy = compile_policy(folder / "p.safecot")
    made = [row(policy, id) for id in CASES]
    (folder / "rows.jsonl").write_text("".join(json.dumps(each) + "\n" for each in made), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(made), folder / "rows.parquet")
    return made


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
def test_rows_that_change(against: Any, name: str) -> None:
    found = against(LAB, "when query.harm <= limit", "--rows", name, "--format", "json")
    assert found.err == ""
    changes = found.json()["rows"]
    assert (changes["total"], changes["foreign"], changes["counts"]) == (3, 0, {"verdict": 1})
    (changed,) = changes["changed"]
    assert (changed["row"], changed["id"]) == (1, "edge")
    assert (changed["old_verdict"], changed["new_verdict"]) == ("refuse", "redirect")
    assert (changed["old_rules"], changed["new_rules"]) == (["mixing"], ["training"])
    text = against(LAB, "when query.harm <= limit", "--rows", name).out
    assert "rows       1 of 3 change: 1 the verdict\n" in text
    assert "rows       edge: refuse by mixing -> redirect by training\n" in text


@pytest.mark.usefixtures("rows")
def test_rows_whose_text_changes(against: Any) -> None:
    text = against("Chlorine gas forms.", "Toxic gas forms.", "--rows", "rows.jsonl", "--format", "json").json()
    assert {(each["id"], each["what"]) for each in text["rows"]["changed"]} == {("mixing", "text"), ("edge", "text")}


@pytest.mark.usefixtures("rows")
def test_rows_under_other_rules(safecotc: Run, folder: Path) -> None:
    (folder / "new.safecot").write_text(POLICY.replace("mixing", "blending"), encoding="utf-8")
    found = safecotc("diff", "p.safecot", "new.safecot", "--rows", "rows.jsonl", "--format", "json").json()
    # The complying row puts no rule in question, and says so whatever rules are called.
    assert found["rows"]["counts"] == {"rules": 2}


@pytest.mark.usefixtures("rows")
def test_rows_that_were_not_made_from_the_old_policy(safecotc: Run, folder: Path) -> None:
    (folder / "new.safecot").write_text(POLICY.replace("verdict warn", "verdict comply"), encoding="utf-8")
    result = safecotc("diff", "new.safecot", "p.safecot", "--rows", "rows.jsonl")
    assert "3 of 3 rows were not made from OLD" in result.err
    assert "rows       0 of 3 change\n" in result.out


@pytest.mark.usefixtures("rows")
def test_rows_that_the_new_policy_cannot_read(safecotc: Run, folder: Path) -> None:
    (folder / "new.safecot").write_text(POLICY.replace("store", "keep"), encoding="utf-8")
    found = safecotc("diff", "p.safecot", "new.safecot", "--rows", "rows.jsonl", "--format", "json").json()["rows"]
    (unreadable,) = [each for each in found["changed"] if each["what"] == "unreadable"]
    assert (unreadable["id"], unreadable["new_verdict"]) == ("storing", None)
    assert unreadable["reason"] == "`query.intent`: 'store' is not one of mix, keep"


def test_facts_that_the_new_policy_does_not_declare_are_left_out(
    safecotc: Run, folder: Path, rows: list[dict[str, Any]]
) -> None:
    facts = {"facts": {**CASES["edge"], "query.tone": "calm"}}
    edited = {**rows[1], "facts": json.dumps(facts)}
    (folder / "rows.jsonl").write_text(json.dumps(edited) + "\n", encoding="utf-8")
    found = safecotc("diff", "p.safecot", "p.safecot", "--rows", "rows.jsonl", "--format", "json").json()["rows"]
    assert (found["ignored"], found["changed"]) == ({"query.tone": 1}, [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "line 1 is not JSON"),
        ("[]", "line 1 is not an object"),
        ("{}", "row 0 has no `facts`"),
        ('{"facts": "{", "verdict": "refuse", "rules": []}', "`facts` is not JSON"),
        ('{"facts": "[]", "verdict": "refuse", "rules": []}', "`facts` is a case"),
        ('{"facts": "{}", "verdict": "refuse", "rules": [1]}', "`rules` is a list of objects"),
    ],
)
def test_files_that_are_no_rows(safecotc: Run, folder: Path, content: str, said: str) -> None:
    (folder / "rows.jsonl").write_text(content + "\n", encoding="utf-8")
    result = safecotc("diff", "p.safecot", "p.safecot", "--rows", "rows.jsonl")
    assert result.code == 1
    assert said in result.err
    (folder / "rows.parquet").write_bytes(b"no parquet")
    assert "cannot be read as Parquet" in safecotc("diff", "p.safecot", "p.safecot", "--rows", "rows.parquet").err
