"""Policies that no arm of a recipe is trained on, and how the arms are asked under them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation import EvalItem
from safecot_dsl.evaluation.items import ItemKind
from safecot_dsl.pipeline import Run, load_recipe
from safecot_dsl.pipeline.recipe import Recipe, RecipeError
from safecot_dsl.pipeline.unseen import policies_of_no_arm, sources_input, told, unseen_inputs
from safecot_dsl.render import policy_prompt
from safecot_dsl.storage import Progress
from tests.dataset.policies.workshop import write_requests, write_workshop
from tests.models.families import build_smolvlm


@pytest.fixture
def workshop(tmp_path: Path) -> CompiledPolicy:
    return write_workshop(tmp_path)[1]


def recipe_of(arms: dict[str, dict[str, Any]], suite: str = "unseen-policies") -> Recipe:
    source = {"kind": "jsonl", "path": "requests.jsonl", "licence": "CC0-1.0", "name": "hand"}
    data = {"sources": [source], "rows": 100, "policy_prompt": True, "policies": {"generated": 3}}
    return Recipe.model_validate(
        {
            "name": "unseen",
            "policy": "workshop.safecot",
            "seed": 5,
            "data": data,
            "arms": {name: {"data": keys} for name, keys in arms.items()},
            "evaluation": {"suites": [{"suite": suite}]},
        }
    )


def test_what_is_unseen_begins_after_the_arm_with_most_policies(workshop: CompiledPolicy, tmp_path: Path) -> None:
    recipe = recipe_of({"few": {}, "many": {"policies": {"generated": 7}}, "listed": {"policies": []}})
    found = policies_of_no_arm(recipe, workshop, tmp_path, tmp_path / "policies")
    assert (found.trained, found.others) == (7, ())
    listed = recipe_of({"listed": {"policies": [{"policy": "workshop.safecot"}]}})
    found = policies_of_no_arm(listed, workshop, tmp_path, tmp_path / "policies")
    assert (found.trained, [policy.digest for policy in found.others]) == (0, [workshop.digest])


def test_arms_whose_policies_are_of_different_kinds_have_no_common_sequence(
    workshop: CompiledPolicy, tmp_path: Path
) -> None:
    recipe = recipe_of({"all": {}, "rules": {"policies": {"generated": 3, "kinds": ["rules"]}}})
    with pytest.raises(RecipeError, match="different `kinds`"):
        policies_of_no_arm(recipe, workshop, tmp_path, tmp_path / "policies")


def test_each_arm_is_asked_in_the_words_of_its_rows(workshop: CompiledPolicy) -> None:
    """One that learnt to answer alone is not asked to reason; the base, and an arm without a prompt, are."""
    recipe = recipe_of({"reasoning": {}, "alone": {"style": "none"}, "bare": {"policy_prompt": False, "policies": []}})
    prompt = policy_prompt(workshop)
    item = EvalItem(id="1", split="s", kind=ItemKind.POLICY, prompt="?", system=prompt, policy=workshop.to_json())
    alone = policy_prompt(workshop, reasoned=False)
    assert alone != prompt
    assert told(item, workshop, recipe.data_of("reasoning"), "own").system == prompt
    assert told(item, workshop, recipe.data_of("alone"), "own").system == alone
    assert told(item, workshop, recipe.data_of("bare"), "").system == prompt
    assert told(item, workshop, None, "").system == prompt
    plain = item.model_copy(update={"policy": "", "system": ""})
    assert told(plain, workshop, recipe.data_of("alone"), "own").system == "own"
    assert told(plain, workshop, None, "").system == ""


def test_the_items_are_made_again_where_the_arms_policies_change(workshop: CompiledPolicy) -> None:
    one, more = recipe_of({"a": {}}), recipe_of({"a": {"policies": {"generated": 4}}})
    assert unseen_inputs(one, workshop) != unseen_inputs(more, workshop)
    assert unseen_inputs(recipe_of({"a": {}}, "boundary"), workshop) == {}
    assert sources_input(one.data_of("a"), workshop).keys() == {"sources of the policy"}
    assert sources_input(recipe_of({"a": {"policies": []}}).data_of("a"), workshop) == {}


@pytest.mark.long
def test_arms_are_trained_on_generated_policies_and_asked_under_others(tmp_path: Path) -> None:
    """From nothing to the report, with a tiny model: with reasoning, and without."""
    write_workshop(tmp_path)
    write_requests(tmp_path)
    model = build_smolvlm(tmp_path / "tiny")
    config = json.loads((model / "config.json").read_text())
    config["text_config"]["max_position_embeddings"] = 8192  # a byte is nearly a token
    (model / "config.json").write_text(json.dumps(config))
    recipe = recipe_of({"reasoning": {}, "no_reasoning": {"style": "none"}}).model_dump(mode="json", exclude_unset=True)
    recipe |= {"model": str(model), "training": {"max_steps": 2, "per_device_train_batch_size": 2}}
    recipe["data"]["rows"] = 12
    suite = {"suite": "unseen-policies", "items": 8}
    recipe["evaluation"] = {"suites": [suite], "max_new_tokens": 4, "hypothesis_split": "unseen-policies/rules"}
    path = tmp_path / "unseen.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    out = tmp_path / "run"
    with Progress(quiet=True) as progress:
        run = Run(load_recipe(path), path, out, progress)
        summary = run.evaluate()
        asked = {item.id: item for item in run.items}
    assert summary.items == 8
    assert {item.split for item in asked.values()} >= {"unseen-policies/trained", "unseen-policies/rules"}
    for arm in ("reasoning", "no_reasoning"):
        kept = {file.name for file in (out / "arms" / arm / "data" / "policies").glob("*.safecot")}
        assert len(kept) == 3
        report = json.loads((out / "arms" / arm / "data" / "report.json").read_text())
        assert [sum(one["verdicts"].values()) for one in report["policies"]] == [3, 3, 3, 3]
    assert (out / "report.html").is_file()
