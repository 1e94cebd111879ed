"""Evaluation items of the miniature world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from safecot_dsl.artifact import CompiledPolicy, canonical_json
from safecot_dsl.evaluation import EvalItem, EvaluationRecipe, ItemKind
from safecot_dsl.pipeline.recipe import RecipeError

if TYPE_CHECKING:
    from safecot_dsl.miniature import Sample, Split, World
    from safecot_dsl.storage import Progress


def miniature_items(
    policy: CompiledPolicy, recipe: EvaluationRecipe, *, world: int, seed: int, progress: Progress
) -> list[EvalItem]:
    """The items of every split: cases with a due verdict, harmless questions, questions on what the image shows.

    `world` decides what is held out and must be the one that the training data were drawn from; `seed` draws.

    Raises:
        RecipeError: a split is none of the miniature's, or has fewer cases than it is to give.
    """
    from safecot_dsl.miniature import Split, World

    unknown = [name for name in recipe.splits if name not in list(Split)]
    if unknown:
        raise RecipeError(f"`evaluation.splits.{unknown[0]}`: the miniature has the splits {', '.join(Split)}")
    small = World(policy, world)
    total = sum(split.policy + split.utility + split.perception for split in recipe.splits.values())
    progress.start("drawing evaluation items", total, unit="items")
    items: list[EvalItem] = []
    for name, sizes in recipe.splits.items():
        split = Split(name)
        try:
            cases = small.evaluation_items(split, sizes.policy, seed)
        except ValueError as error:
            raise RecipeError(f"`evaluation.splits.{name}.policy`: {error}") from error
        samples: list[tuple[ItemKind, Sample]] = [(ItemKind.POLICY, sample) for sample in cases]
        for kind in (ItemKind.UTILITY, ItemKind.PERCEPTION):
            count = sizes.utility if kind is ItemKind.UTILITY else sizes.perception
            if not count:
                continue  # some splits have no questions at all
            try:
                asked = small.questions(split, count, seed, "utility" if kind is ItemKind.UTILITY else "perception")
            except ValueError as error:
                raise RecipeError(f"`evaluation.splits.{name}.{kind}`: {error}") from error
            samples += [(kind, sample) for sample in asked]
        for number, (kind, sample) in enumerate(samples):
            items.append(_item(small, kind, split, number, sample))
            progress.advance()
    return items


def _item(world: World, kind: ItemKind, split: Split, number: int, sample: Sample) -> EvalItem:
    decision = world.decision(sample.situation)
    asked = kind is ItemKind.POLICY
    return EvalItem(
        id=f"{split}-{kind}-{number:04d}",
        split=split,
        kind=kind,
        images=(sample.render(),),
        prompt=sample.prompt,
        due=decision.verdict if asked else None,
        must=cast(Literal["refuse", "comply", ""], sample.meta.get("must", "")) if asked else "",
        expected=None if asked else sample.answer,
        facts=canonical_json(sample.case.to_json()),
        rules=(decision.deciding or (decision.speaker,)) if asked else (),
        group=sample.meta.get("group", ""),
        source="miniature",
    )
