"""Policies of a recipe's own beside its one: those that its arms are trained on, and those that none of them is."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy, canonical_json
from safecot_dsl.dataset import DataRecipe
from safecot_dsl.dataset.conditioning import system_turn
from safecot_dsl.dataset.policies import KINDS, PolicyGenerator
from safecot_dsl.evaluation import EvalItem
from safecot_dsl.evaluation.policies import policy_of
from safecot_dsl.evaluation.suites.generated import UNSEEN, UnseenPolicies
from safecot_dsl.pipeline.recipe import Recipe, RecipeError
from safecot_dsl.workspace import compile_policy


def policies_of_no_arm(recipe: Recipe, policy: CompiledPolicy, base_dir: Path, folder: Path) -> UnseenPolicies:
    """The policies that no arm is trained on: what is generated after those of the arm that has most of them. `folder`
    keeps the ones before, which are those that the arms' rows are made under.

    Raises:
        RecipeError: the arms generate policies of different kinds, so that no sequence holds them all.
        GenerateError: no policies can be made of the recipe's own.
    """
    arms = [recipe.data_of(arm) for arm in recipe.arms]
    asked = [data.generated for data in arms if data.generated is not None]
    if len({settings.kinds for settings in asked}) > 1:
        raise RecipeError(
            f"`evaluation.suites`: `{UNSEEN}` goes on where the policies of the arms end, and the arms generate "
            "different `kinds`"
        )
    kinds = asked[0].kinds if asked else KINDS
    generator = PolicyGenerator(base_dir / recipe.policy, policy, seed=recipe.seed, kinds=kinds, folder=folder)
    named = {one.policy: one.params for data in arms for one in data.named_policies}
    others = tuple(compile_policy(base_dir / file, params) for file, params in named.items())
    return UnseenPolicies(generator, max((settings.generated for settings in asked), default=0), others)


def sources_input(recipe: DataRecipe, policy: CompiledPolicy) -> dict[str, str]:
    """The files of the policy, where others are generated of it: groups that no rule names are in no artifact."""
    files = policy.source_map.files
    return {"sources of the policy": ",".join(file.sha256 for file in files)} if recipe.generated is not None else {}


def unseen_inputs(recipe: Recipe, policy: CompiledPolicy) -> dict[str, str]:
    """What the items of unseen policies depend on besides the policy and the seed; nothing where none are asked."""
    if all(entry.suite != UNSEEN for entry in recipe.evaluation.suites):
        return {}
    files = [file.sha256 for file in policy.source_map.files]
    arms = [recipe.data_of(arm).model_dump(mode="json", include={"policies"}) for arm in recipe.arms]
    return {"policies of the arms": canonical_json({"arms": arms, "files": files})}


def told(item: EvalItem, policy: CompiledPolicy, data: DataRecipe | None, system: str) -> EvalItem:
    """The item as an arm with these data is asked it: under `system` where it has no system turn of its own. One of a
    policy of its own is asked under that in the words of the arm's rows: an arm without reasoning learnt others."""
    if item.policy and data is not None and data.policy_prompt:
        return item.model_copy(update={"system": system_turn(policy_of(item, policy), data)})
    return item if item.system or not system else item.model_copy(update={"system": system})
