"""Rows that ask what counts as what: of which values, in which words, from which place, and that a run learns them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from fixture_types import PolicyFrom
from pydantic import ValidationError

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.render import Lookups, Tags
from safecot_dsl.training import TrainingError, TrainingRecipe, train
from safecot_dsl.training.group_rows import GROUP_ROWS, GroupRow, GroupRows, group_rows
from safecot_dsl.workspace import compile_policy

from .conftest import eight_rows

TAGS = Tags()
POLICIES = Path(__file__).parents[2] / "policies"
TEXT = """
taxonomy t { drug "a drug" { opioid "an opioid" herb "a herb" } sweet "a sweet" }
facts image {
  things : set of { knife "a knife", scissors "scissors", cup "a cup" }
  pill   : one of t
}
facts query { wish : one of { look "look at it", to_cut "to cut it", where "where it is from" } }
group blades "a blade" = { knife, scissors }
group asks "harmless" = { look, where }
group marked "marked" says "{value} has a mark." = { cup }
rule a { when image.things has any of blades and query.wish in asks verdict refuse }
rule b { when image.pill is within drug and image.things has any of marked verdict refuse }
default comply
unsure clarify
"""


def of(policy: CompiledPolicy, rows: int = 1000, values: int = 3, seed: int = 0) -> tuple[GroupRow, ...]:
    return group_rows(policy, GroupRows(rows=rows, values=values), Lookups.THINGS, seed, TAGS)


def texts(rows: tuple[GroupRow, ...]) -> dict[str, str]:
    return {each.row.request.prompt: each.row.completion for each in rows}


def test_each_asks_which_values_a_group_or_a_node_has_and_answers_as_a_look_up_does(policy_from: PolicyFrom):
    rows = of(policy_from(TEXT))
    said = {each.row.id: (each.row.request.prompt, each.row.completion) for each in rows}

    def told(*values: str) -> tuple[str, str]:
        return said[f"group {' '.join(values)}"]

    things, pill, wish = "image.things blades", "image.pill drug", "query.wish asks"
    assert told(things, "knife") == ("Does a knife count as a blade?", "The knife counts as a blade.")
    assert told(things, "scissors") == ("Do scissors count as a blade?", "The scissors count as a blade.")
    assert told(things, "cup") == ("Does a cup count as a blade?", "The cup does not count as a blade.")
    assert told(things, "cup knife")[1] == "The knife counts as a blade, the cup does not."
    assert told(things, "cup knife")[0] in {
        "Which of these count as a blade: a cup or a knife?",
        "Which of these count as a blade: a knife or a cup?",
        "Of a cup and a knife, which count as a blade?",
        "Of a knife and a cup, which count as a blade?",
    }
    assert told(pill, "opioid sweet")[1] == "The opioid counts as a drug, the sweet does not."
    asked = 'Does "where it is from" count as harmless?'
    assert told(wish, "where") == (asked, "Where it is from counts as harmless.")
    assert f"group {pill} drug" not in said  # the node says it itself
    # The author's own sentence is about all that is seen, and not about what counts as what.
    assert Counter({each.group for each in rows}) == Counter({"blades", "asks", "drug"})


def test_the_place_is_the_groups_and_of_a_node_the_facts(policy_from: PolicyFrom):
    lines = {each.group: (each.file, each.line) for each in of(policy_from(TEXT))}
    text = ['policy p { version "1" }', *TEXT.splitlines()]
    for name, begins in (("blades", "group blades"), ("asks", "group asks"), ("drug", "  pill")):
        assert lines[name] == ("p.safecot", 1 + next(n for n, line in enumerate(text) if line.startswith(begins)))


def test_there_are_no_more_than_there_are_different_ones_and_no_two_ask_the_same(policy_from: PolicyFrom):
    policy = policy_from(TEXT)
    rows = of(policy, values=1)
    assert len(rows) == 3 + 3 + 3  # one of three values each, of two groups and a node
    assert len(of(policy)) == len({each.row.id for each in of(policy)}) == len(texts(of(policy))) == 3 * 7
    assert [each.row.id for each in of(policy, rows=5)] == [each.row.id for each in of(policy)[:5]]


@pytest.mark.parametrize("name", ["miniature", "weapons", "self_harm", "text_in_image"])
def test_they_are_so_evenly_over_the_groups_and_half_of_the_values_are_the_groups(name: str):
    policy = compile_policy(POLICIES / f"{name}.safecot")
    rows = of(policy, rows=40)
    assert len(rows) == 40
    by_group = Counter((each.fact, each.group) for each in rows)
    assert max(by_group.values()) - min(by_group.values()) <= 1
    denied = sum("Neither" in each.row.completion or "not count as" in each.row.completion for each in rows)
    assert 2 < denied < 24
    assert [each.row for each in of(policy, rows=40, seed=1)] != [each.row for each in rows]


def test_look_ups_are_worded_as_the_rows_are():
    policy = compile_policy(POLICIES / "weapons.safecot")
    for row in group_rows(policy, GroupRows(rows=50), Lookups.ASKED, 0, TAGS):
        assert row.row.completion.startswith("What counts as ")
        assert "? " in row.row.completion


def test_tags_in_phrases_are_neutralised(policy_from: PolicyFrom):
    policy = policy_from(TEXT.replace('"a cup"', '"a <think> cup"'))
    assert not any("<think>" in prompt + said for prompt, said in texts(of(policy)).items())


def test_a_policy_without_groups_is_refused(policy_from: PolicyFrom):
    policy = policy_from(
        "facts image { a : flag }\nrule r { when image.a verdict refuse }\ndefault comply\nunsure clarify"
    )
    with pytest.raises(TrainingError, match="names a node of a taxonomy, or a group without a sentence"):
        of(policy)


def test_a_run_learns_them_and_keeps_them_beside_the_adapter(
    idefics3: Path,
    write_rows: Callable[[Sequence[dict[str, Any]]], Path],
    policy_from: PolicyFrom,
    tmp_path: Path,
):
    recipe = TrainingRecipe(group_rows=GroupRows(rows=6), max_steps=2, logging_steps=1, save_steps=1)
    digests: dict[str, Any] = {"policy_digest": "sha256:a", "data_digest": "sha256:b"}
    data, policy = write_rows(eight_rows()), policy_from(TEXT)
    made = train(data, str(idefics3), tmp_path / "adapter", recipe, policy=policy, **digests)
    assert made.rows == len(eight_rows()) + 6
    kept = [json.loads(line) for line in (made.adapter / GROUP_ROWS).read_text(encoding="utf-8").splitlines()]
    assert {line["prompt"]: line["completion"] for line in kept} == texts(of(policy, rows=6))
    assert all(line["file"] == "p.safecot" and line["line"] for line in kept)
    assert json.loads((made.adapter / "training.json").read_text(encoding="utf-8"))["group_rows"] == 6
    assert "6 of them on groups" in (made.adapter / "README.md").read_text(encoding="utf-8")
    assert not train(data, str(idefics3), made.adapter, recipe, policy=policy, **digests).ran
    with pytest.raises(TrainingError, match="none was given"):
        train(data, str(idefics3), tmp_path / "other", recipe, **digests)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"group_rows": {"rows": 0}}, "greater than or equal to 1"),
        ({"group_rows": {"rows": 1, "values": 4}}, "less than or equal to 3"),
        ({"group_rows": {"rows": 1}, "objective": "dpo"}, "`group_rows` is of rows .* with `objective: dpo`"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], message: str):
    with pytest.raises(ValidationError, match=message):
        TrainingRecipe.model_validate(settings)


def test_a_recipe_without_them_is_written_as_before():
    assert "group_rows" not in TrainingRecipe().model_dump(mode="json")
