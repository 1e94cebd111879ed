"""A recipe is looked at before it is run: what it would do, and what it lacks."""

import json
from pathlib import Path

import pytest

from .conftest import CommandLine

RECIPE = """
name: planned
policy: {policy}
model: {model}
data:
  sources: [{{kind: jsonl, path: rows.jsonl, licence: CC0-1.0}}]
training: {{per_device_train_batch_size: 2, gradient_accumulation_steps: 2, num_train_epochs: 3}}
arms:
  twice: {{training: {{max_steps: 7}}}}
  safecot: {{}}
evaluation:
  hypothesis_split: boundary/boundary
  suites: [{{suite: boundary, items: 8}}]
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Ten rows of the household policy, for the base that ships."""
    root = Path(__file__).resolve().parents[2]
    facts = {"image.objects": ["bleach"], "image.setting": "kitchen", "query.intent": "mix"}
    rows = [json.dumps({"id": str(i), "prompt": f"Question {i}?", "facts": facts}) for i in range(10)]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    path = tmp_path / "planned.yaml"
    policy, model = root / "policies" / "household_chemicals.safecot", root / "recipes" / "miniature-base"
    path.write_text(RECIPE.format(policy=policy, model=model), encoding="utf-8")
    return path


def test_a_plan_says_what_would_be_done_and_does_none_of_it(safecotc: CommandLine, recipe: Path, tmp_path: Path):
    ended = safecotc("run", "--plan", recipe, "--out", tmp_path / "run", "--format", "json")
    assert ended.code == 0, ended.err + ended.out
    plan = json.loads(ended.out)
    assert plan["problems"] == []
    assert plan["parameters"] > 1_000_000
    arms = {arm["arm"]: (arm["rows"], arm["steps"], arm["seen"]) for arm in plan["arms"]}
    assert arms == {"twice": (10, 7, 28), "safecot": (10, 8, 32)}  # three epochs of ten rows, four a step
    assert plan["asked"] == 8
    assert not (tmp_path / "run" / "arms").exists()


def test_all_that_is_missing_is_named_at_once(safecotc: CommandLine, recipe: Path, tmp_path: Path):
    (tmp_path / "rows.jsonl").unlink()
    ended = safecotc("run", "--plan", recipe, "--set", "model=./nowhere", "--set", "evaluation.suites.0.suite=boundry")
    assert ended.code == 1
    missing = [line for line in ended.out.splitlines() if line.startswith("missing: ")]
    assert [line.split(": ")[1].split(" ")[0] for line in missing] == ["model", "source", "suite"]


def test_a_rate_gives_the_time(safecotc: CommandLine, recipe: Path):
    ended = safecotc("run", "--plan", recipe, "--rate", "0.1")
    assert "training: 60 rows, 10 minutes at 0.1 rows/s" in ended.out


def test_items_of_policies_that_are_generated_are_counted(safecotc: CommandLine, recipe: Path, tmp_path: Path):
    suite = "evaluation.suites=[{suite: unseen-policies, items: 6}]"
    split = "evaluation.hypothesis_split=unseen-policies/rules"
    out = tmp_path / "run"
    ended = safecotc("run", "--plan", recipe, "--set", suite, "--set", split, "--out", out, "--format", "json")
    plan = json.loads(ended.out)
    assert (plan["asked"], plan["problems"]) == (6, [])
    assert not out.exists()
