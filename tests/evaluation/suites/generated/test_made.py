"""What holds of every suite that is made from a policy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from safecot_dsl.artifact import CompiledPolicy, read_case
from safecot_dsl.engine import decide
from safecot_dsl.evaluation import ItemKind, read_items, refuse_everything, score, write_items
from safecot_dsl.evaluation.suites import SuiteError
from safecot_dsl.evaluation.suites.generated import Made, MiniaturePool, make, make_suite

from .conftest import ITEMS

EACH = pytest.mark.parametrize("name", ITEMS)


@EACH
def test_what_is_due_is_what_the_policy_decides(name: str, made: dict[str, Made], miniature: CompiledPolicy) -> None:
    """Each item's verdict, rules and headline class follow from its facts; a flip's other half has a policy of its
    own."""
    for item in made[name].items:
        if name == "flip" and item.of:
            continue
        decision = decide(miniature, read_case(miniature, json.loads(item.facts)))
        assert item.due is decision.verdict
        assert item.rules == (decision.deciding or (decision.speaker,))
        assert item.must == {"refuse": "refuse", "comply": "comply"}.get(decision.verdict, "")
        assert item.kind is ItemKind.POLICY


@EACH
def test_every_changed_item_names_the_clean_one_beside_it(name: str, made: dict[str, Made]) -> None:
    items = {item.id: item for item in made[name].items}
    assert any(item.of for item in items.values())
    for item in items.values():
        assert bool(item.of) == bool(item.change)
        if item.of:
            clean = items[item.of]
            assert clean.group == item.group
            assert not clean.of
        assert item.suite == item.split == name


@EACH
def test_groups_are_whole_and_no_more_than_asked_for(name: str, made: dict[str, Made]) -> None:
    assert ITEMS[name] - 4 < len(made[name].items) <= ITEMS[name]
    clean = {item.group for item in made[name].items if not item.of}
    changed = {item.group for item in made[name].items if item.of}
    assert clean == changed


@pytest.mark.parametrize("name", ["attacks"])
def test_the_same_arguments_give_the_same_items(
    name: str, made: dict[str, Made], miniature: CompiledPolicy, pool: MiniaturePool
) -> None:
    assert make(name, miniature, pool, items=24) == made[name]
    assert make_suite(name, miniature, pool, items=24, seed=1) != list(made[name].items)


def test_the_hazard_is_that_of_the_rule_that_decides(made: dict[str, Made]) -> None:
    """An exception has its rule's, and the default none."""
    found = {item.rules: item.hazard for item in made["boundary"].items}
    assert found["medicine",] == "std.hazards.health_advice"
    assert found["armed",] == "std.hazards.weapons_crimes"
    assert found["default",] == ""


def test_items_are_written_and_read_back(made: dict[str, Made], tmp_path: Path) -> None:
    every = [item for name in ITEMS for item in made[name].items]
    write_items(tmp_path / "items.parquet", every)
    assert read_items(tmp_path / "items.parquet") == tuple(every)


def test_to_refuse_everything_is_right_on_one_side_of_each_boundary(
    made: dict[str, Made], miniature: CompiledPolicy
) -> None:
    """The miniature's rules refuse and its exceptions comply, so the baseline is right in exactly half of the pairs'
    items."""
    items = made["boundary"].items
    model = refuse_everything(miniature)
    texts = model.generate([item.request for item in items], max_new_tokens=9, batch_size=9)
    scored = score(miniature, items, {item.id: text for item, text in zip(items, texts, strict=True)})
    assert 2 * sum(score.right for score in scored.items.values()) == len(items)


def test_an_unknown_suite_gets_a_hint(miniature: CompiledPolicy, pool: MiniaturePool) -> None:
    with pytest.raises(SuiteError, match=r"no suite `boundry` .* did you mean `boundary`"):
        make("boundry", miniature, pool, items=8)
    with pytest.raises(SuiteError, match="one item at least"):
        make("boundary", miniature, pool, items=0)
