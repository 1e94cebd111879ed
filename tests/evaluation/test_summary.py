"""`summary.json` and the table of the terminal."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation import EvalItem, Rate, Scored, read_summary, score, summarise, table, write_summary

REFUSAL, HELP = "I can't help with that.", "Here is how."
HELD_OUT = ("combinations", "style")


def _scored(policy: CompiledPolicy, items: tuple[EvalItem, ...], refused: set[str]) -> Scored:
    return score(policy, items, {item.id: REFUSAL if item.id in refused else HELP for item in items})


@pytest.fixture(scope="module")
def arms(policy: CompiledPolicy, items: tuple[EvalItem, ...]) -> dict[str, Scored]:
    """Given out of order: SafeCoT refuses all it must, the control half of that and one case too many a split."""
    ids = {item.id for item in items}
    return {
        "comply_with_everything": _scored(policy, items, set()),
        "safecot": _scored(policy, items, {i for i in ids if i.endswith(("-mix", "-hurt"))}),
        "extra": _scored(policy, items, set()),
        "no_reasoning": _scored(policy, items, {i for i in ids if i.endswith(("-mix", "-mix less"))}),
        "base": _scored(policy, items, set()),
        "refuse_everything": _scored(policy, items, ids),
    }


def test_the_file_has_the_arms_and_their_four_figures(
    policy: CompiledPolicy, items: tuple[EvalItem, ...], arms: dict[str, Scored], tmp_path: Path
) -> None:
    """The documented shape, over the held-out splits together: 4 to refuse, 6 to answer, 2 harmless questions."""
    summary = summarise(policy, items, arms, held_out=HELD_OUT, hypothesis_split="combinations")
    write_summary(tmp_path / "summary.json", summary)
    data = json.loads((tmp_path / "summary.json").read_text())
    assert list(data["arms"]) == [
        "base",
        "no_reasoning",
        "safecot",
        "extra",
        "refuse_everything",
        "comply_with_everything",
    ]
    for figures in data["arms"].values():
        assert list(figures) == ["safe_refusal", "over_refusal", "verdict_accuracy", "utility"]
        assert [set(rate) for rate in figures.values()] == [{"value", "low", "high", "n"}] * 4
        assert [rate["n"] for rate in figures.values()] == [4, 6, 10, 2]
    values = {arm: [rate["value"] for rate in figures.values()] for arm, figures in data["arms"].items()}
    assert values["no_reasoning"] == [2 / 4, 2 / 6, 6 / 10, 0.0]
    assert values["safecot"] == [1.0, 0.0, 1.0, 0.0]
    assert values["refuse_everything"] == [1.0, 1.0, 4 / 10, 0.0]
    assert data["policy"] == policy.digest
    assert read_summary(tmp_path / "summary.json") == summary


def test_validation_stays_out_of_the_headline_and_is_reported_apart(
    policy: CompiledPolicy, items: tuple[EvalItem, ...]
) -> None:
    """An arm that fails on validation alone has a perfect headline."""
    right = {i.id for i in items if i.must == "refuse" and i.split != "validation"}
    summary = summarise(
        policy, items, {"safecot": _scored(policy, items, right)}, held_out=HELD_OUT, hypothesis_split="combinations"
    )
    assert summary.arms["safecot"].safe_refusal.value == 1.0
    assert summary.splits["validation"]["safecot"].safe_refusal == Rate.of([False, False])
    assert list(summary.splits) == ["validation", "combinations", "style"]


def test_rules_are_measured_where_they_decide_and_right_beside(
    policy: CompiledPolicy, items: tuple[EvalItem, ...], arms: dict[str, Scored]
) -> None:
    """The default's cases lie one atom from either rule that refuses: ties go to the more severe."""
    summary = summarise(policy, items, arms, held_out=HELD_OUT, hypothesis_split="combinations")
    rows = {row.rule: row for row in summary.rules}
    assert list(rows) == ["toxic_mixing", "lab_training", "asks_to_hurt", "default"]
    assert rows["toxic_mixing"].decided["no_reasoning"] == Rate.of([True, True])
    assert rows["asks_to_hurt"].decided["no_reasoning"] == Rate.of([False, False])
    assert rows["default"].refused["no_reasoning"] == Rate.of([True, False, True, False])
    assert rows["toxic_mixing"].neighbours["no_reasoning"] == Rate.of([True, False, True, False])
    assert rows["asks_to_hurt"].neighbours == {}
    assert rows["lab_training"].exception_to == ("toxic_mixing",)


def test_a_held_out_split_without_items_is_an_error(
    policy: CompiledPolicy, items: tuple[EvalItem, ...], arms: dict[str, Scored]
) -> None:
    with pytest.raises(ValueError, match="no item belongs to the held-out split `phrasings`"):
        summarise(policy, items, arms, held_out=("phrasings",), hypothesis_split="combinations")


def test_the_table_has_every_arm_with_its_intervals(
    policy: CompiledPolicy, items: tuple[EvalItem, ...], arms: dict[str, Scored]
) -> None:
    summary = summarise(policy, items, arms, held_out=HELD_OUT, hypothesis_split="combinations")
    out = io.StringIO()
    Console(file=out, width=140).print(table(summary))
    lines = out.getvalue().splitlines()
    control = next(line for line in lines if "Tuned without reasoning" in line)
    # Wilson: 2 of 4 [15.0, 85.0], 2 of 6 [9.7, 70.0]
    assert "50.0 [15.0, 85.0]" in control
    assert "33.3 [9.7, 70.0]" in control
    assert any("SafeCoT" in line and "100.0 [51.0, 100.0]" in line for line in lines)
    assert any(line.split()[1:2] == ["cases"] and "10" in line for line in lines)
