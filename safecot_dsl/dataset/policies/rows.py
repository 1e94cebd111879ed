"""The rows of generated policies: which share of them each policy gets, its makers, and what became of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.policies.making import GeneratedPolicy
from safecot_dsl.dataset.recipe import DataRecipe

if TYPE_CHECKING:
    from safecot_dsl.dataset.pool import BlockCounts
    from safecot_dsl.dataset.workers import PieceMaker


class KindCount(Frozen):
    """What a kind of generated policies came to: how many there are, their rows, and the drafts that were not kept."""

    kind: str
    policies: int
    rows: int


class GeneratedReport(Frozen):
    """What the generated policies came to, by kind; `left_out` counts the drafts that were not kept, by why."""

    kinds: tuple[KindCount, ...]
    left_out: dict[str, int]


@dataclass
class PolicyRowCounts:
    """What was left out under one generated policy, by reason, and what its rows were short of."""

    left_out: Counter[str] = field(default_factory=Counter[str])
    short: Counter[str] = field(default_factory=Counter[str])


def recipe_of_share(recipe: DataRecipe, number: int) -> DataRecipe:
    """The recipe with the rows of one of the policies that share them: `number` counts these from 0, the recipe's own
    first where it has rows. What cannot be shared evenly goes to the first ones; contrast pairs stay whole."""
    generated = recipe.generated
    if generated is None:
        return recipe
    policies = generated.generated + generated.own
    pair = 2 if recipe.selection == "contrast" else 1
    rows = pair * _share((recipe.rows or 0) // pair, policies, number)
    replay = recipe.replay
    if replay is not None:
        again = _share(replay.rows, policies, number)
        replay = replay.model_copy(update={"rows": again}) if again else None
    return recipe.model_copy(update={"rows": rows, "replay": replay, "policies": ()})


def _share(whole: int, parts: int, number: int) -> int:
    return whole // parts + (number < whole % parts)


def makers_of(own: PieceMaker) -> list[PieceMaker]:
    """What makes the pieces of the data set: the recipe's own policy's, where it has rows, and one for each generated
    policy, whose requests are those of the same sources, opened once.

    A generated policy has all the facts of the recipe's own, so that a request fits both.
    """
    from safecot_dsl.dataset.setup import Worker
    from safecot_dsl.dataset.state import GenerationState
    from safecot_dsl.dataset.workers import PieceMaker, blocks_of_turn

    worker = own.worker
    settings = worker.recipe.generated
    if settings is None:
        return [own]
    makers: list[PieceMaker] = []
    blocks = own.blocks
    if settings.own:
        setup = replace(worker.setup, recipe=recipe_of_share(worker.recipe, 0), generated=(), opened=worker.sources)
        makers.append(PieceMaker(Worker(setup, answerer=worker.answerer, progress=worker.progress), own.state))
    for policy in worker.setup.generated:
        setup = replace(
            worker.setup,
            policy=policy.policy,
            recipe=recipe_of_share(worker.recipe, policy.number + settings.own),
            other=None,
            generated=(),
            under=policy.name,
            opened=worker.sources,
            sampled=blocks_of_turn(blocks, policy.number)[1],
        )
        state = GenerationState(own.state.folder / "generated" / policy.name)
        makers.append(PieceMaker(Worker(setup, answerer=worker.answerer, reader=worker), state, turn=policy.number))
    return makers


def counts_under(name: str, counts: BlockCounts) -> BlockCounts:
    """What was counted under a generated policy, as it is counted in for the whole data set: the strata are of rules
    that the recipe's own policy does not have, and each example says under which policy."""
    counts.strata.clear()
    for details in counts.left_out.examples.values():
        details[:] = [f"under `{name}`: {detail}" for detail in details]
    return counts


def report_of(policies: tuple[GeneratedPolicy, ...], rows: dict[str, int], left_out: dict[str, int]) -> GeneratedReport:
    """The report on generated policies. `rows` are those of each, by name."""
    kinds: dict[str, list[str]] = {}
    for policy in policies:
        kinds.setdefault(policy.kind, []).append(policy.name)
    return GeneratedReport(
        kinds=tuple(
            KindCount(kind=kind, policies=len(names), rows=sum(rows.get(name, 0) for name in names))
            for kind, names in kinds.items()
        ),
        left_out=dict(sorted(left_out.items())),
    )
