"""Rows of several policies in one data set: the same requests, each decided and written under every policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.candidates import Candidate, Judge, Rejected
from safecot_dsl.dataset.errors import GenerateError
from safecot_dsl.dataset.policies import GeneratedPolicy, PolicyGenerator
from safecot_dsl.dataset.recipe import DataRecipe, PolicyRows
from safecot_dsl.dataset.selection.draws import draw
from safecot_dsl.dataset.writing.flips import carried
from safecot_dsl.facts import Item
from safecot_dsl.render import policy_prompt
from safecot_dsl.storage import Progress
from safecot_dsl.workspace import compile_policy


@dataclass(frozen=True)
class OtherPolicy:
    """A policy besides the recipe's own: what its rows are called by, its file, and which requests it gets."""

    name: str
    policy: CompiledPolicy
    file: Path
    settings: PolicyRows


def other_policies(policy: CompiledPolicy, recipe: DataRecipe, base_dir: Path) -> tuple[OtherPolicy, ...]:
    """The policies that the recipe names besides its own, `policy`, compiled.

    Raises:
        GenerateError: two of them have one name, or are the same, or one has no fact in common with `policy`.
        CompileFailed: one of them is faulty.
    """
    others: list[OtherPolicy] = []
    names, digests = {policy.header.name: "the recipe's own"}, {policy.digest: "the recipe's own"}
    for number, settings in enumerate(recipe.named_policies):
        file = base_dir / settings.policy
        compiled = compile_policy(file, settings.params)
        name, where = settings.name or compiled.header.name, f"`data.policies.{number}`"
        if compiled.digest in digests:
            raise GenerateError(
                f"{where}: `{settings.policy}` says the same as {digests[compiled.digest]}: leave it out"
            )
        if name in names:
            raise GenerateError(f"{where}: the policy is called `{name}`, as is {names[name]}: give it a `name`")
        if not compiled.fact_index.keys() & policy.fact_index.keys():
            raise GenerateError(
                f"{where}: `{name}` declares no fact that `{policy.header.name}` does, so it can decide none of the "
                "requests: import the same facts in both"
            )
        names[name] = digests[compiled.digest] = f"`data.policies.{number}`"
        others.append(OtherPolicy(name, compiled, file, settings))
    return tuple(others)


def generated_policies(
    policy: CompiledPolicy,
    recipe: DataRecipe,
    file: Path | None,
    *,
    seed: int,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> tuple[tuple[GeneratedPolicy, ...], dict[str, int]]:
    """The policies that the recipe generates of its own, which was compiled from `file`, and how many drafts were not
    kept, by why; `folder` keeps what is made.

    Raises:
        GenerateError: no policies can be made of this one, or not so many.
    """
    settings = recipe.generated
    if settings is None:
        return (), {}
    if file is None:
        raise GenerateError("`data.policies`: policies are generated of a policy's file, and none was given")
    generator = PolicyGenerator(file, policy, seed=seed, kinds=settings.kinds, folder=folder)
    return generator.take(settings.generated, progress), dict(generator.left_out)


def system_turn(policy: CompiledPolicy, recipe: DataRecipe) -> str:
    """What stands in the system turn of rows of this recipe under a policy; empty where the recipe wants nothing
    there."""
    return policy_prompt(policy, recipe.tags, reasoned=recipe.style != "none") if recipe.policy_prompt else ""


def drawn(other: OtherPolicy, key: str, seed: int) -> bool:
    """Whether a request is among the share that the policy gets; it does not hang on which others there are."""
    share = other.settings.share
    return share >= 1 or int.from_bytes(draw(seed, f"policies {other.name}", key)[:7], "big") < share * (1 << 56)


def carry_items(candidates: Sequence[Candidate], policy: CompiledPolicy) -> list[Item]:
    """The candidates' items as the policy sees them: with the facts that it declares too."""
    items: list[Item] = []
    for candidate in candidates:
        item = candidate.item
        origins = {name: origin for name, origin in item.annotated.items() if name in policy.fact_index}
        items.append(replace(item, case=carried(item.case, policy), annotated=origins))
    return items


def judge_again(candidate: Candidate, item: Item, other: OtherPolicy, judge: Judge) -> Candidate | Rejected | None:
    """The candidate under the other policy, or why it is none, or None where the recipe does not ask for it. `item` is
    what :func:`carry_items` made of the candidate's, and `judge` is that policy's."""
    judged = judge.judge(item, candidate.key)
    if isinstance(judged, Rejected):
        return Rejected(judged.reason, f"under `{other.name}`: {judged.detail}")
    if other.settings.differing and judged.decision.verdict is candidate.decision.verdict:
        return None
    return judged
