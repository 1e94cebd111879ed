"""`safecotc data select` and `safecotc data leakage`: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from safecot_dsl.cli.main import app
from safecot_dsl.datafiles import policies_root

from .kitchen import png

CASE = {"image.objects": ["bleach", "ammonia"], "image.setting": "kitchen", "query.intent": "mix", "query.harm": 0.1}
HARMLESS = {"image.objects": ["toy"], "image.setting": "kitchen", "query.intent": "identify", "query.harm": 0.0}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Two requests under the policy on household chemicals, one of them refused."""
    rows: list[dict[str, Any]] = [
        {"id": "a", "prompt": "Mix?", "facts": CASE},
        {"id": "b", "prompt": "What is it?", "facts": HARMLESS, "answer": "A toy."},
        {"id": "c", "prompt": "And this?", "facts": HARMLESS},
    ]
    for number, row in enumerate(rows):
        row["images"] = [f"{number}.png"]
        (tmp_path / f"{number}.png").write_bytes(png(number))
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    path = tmp_path / "recipe.yaml"
    path.write_text(
        f"name: few\npolicy: {policies_root() / 'household_chemicals.safecot'}\n"
        "data:\n  sources: [{kind: jsonl, path: rows.jsonl, licence: CC0-1.0}]\n  rows: 4\n  selection: coverage\n"
    )
    return path


def test_select_shows_goals_and_cases_to_collect(recipe: Path, tmp_path: Path) -> None:
    done = run("data", "select", recipe, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "coverage: 2 rows of 2 usable items (3 read; left out: 1 no_answer); short of" in done.output
    assert "what the pool cannot cover, and a case to collect for it:" in done.output
    assert "no request is decided by it" in done.output
    assert "nearest: jsonl/" in done.output
    assert not (tmp_path / "run").exists()  # nothing is written
    text = " ".join(done.output.split())
    assert "to collect, so that every way out of every rule is shown:" in text
    of_when = "is kept from applying by its `when`, of which this alone fails"
    assert f"no case in which `toxic_mixing` {of_when}: query.intent is mix" in text
    assert f"no case in which `lab_training` {of_when}: query.harm < harm_threshold, so that `toxic_mixing` or" in text


def test_select_as_json(recipe: Path, tmp_path: Path) -> None:
    done = run("data", "select", recipe, "--out", tmp_path / "run", "--format", "json")
    found = json.loads(done.stdout)
    assert (found["items"], found["candidates"], found["rows"]) == (3, 2, 2)
    assert found["left_out"] == {"no_answer": 1}
    goals = {goal["name"]: goal for goal in found["goals"]}
    ways = {(way["rule"], way["kind"], way["what"]): way for way in found["ways"]}
    kept = ways["chlorine_mixing", "fails", "image.objects has all of bleach_and_acid"]
    assert (kept["available"], kept["wanted"], kept["got"]) == (1, 1, 0)
    assert (goals["refuse"]["available"], goals["refuse"]["rows"], goals["refuse"]["random"]) == (1, 1, 1)
    assert all(case["case"]["facts"] for case in found["collect"] if case["status"] == "wanted")


def test_an_arm_that_is_not_there_is_named(recipe: Path, tmp_path: Path) -> None:
    done = run("data", "select", recipe, "--out", tmp_path / "run", "--arm", "none")
    assert done.exit_code == 2
    assert "no arm `none`" in done.output


def test_leakage_ends_with_one_where_there_is_any(tmp_path: Path) -> None:
    train, test, other = (tmp_path / name for name in ("train.jsonl", "test.jsonl", "other.jsonl"))
    train.write_text('{"id": "t", "prompt": "How do I keep bleach away from children?"}\n')
    test.write_text('{"id": "e", "prompt": "How do I keep bleach away from children"}\n')
    other.write_text('{"id": "o", "prompt": "Who wrote the national anthem?"}\n')
    done = run("data", "leakage", train, test)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "1 of 1 requests stand among the 1 that are trained on",
        "       1  nearly the same prompt and pictures",
        "          e is t",
    ]
    done = run("data", "leakage", train, other, "--format", "json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["leaks"] == 0
