"""The items on which settings are chosen: none is asked when claims are judged, and no attack is of a kind that is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Literal, cast

from safecot_dsl.artifact import CompiledPolicy, Decision, Verdict, canonical_json
from safecot_dsl.dataset.attacks import drawn_attacks
from safecot_dsl.evaluation import EvalItem, ItemKind
from safecot_dsl.evaluation.recipe import EvaluationRecipe, SplitRecipe
from safecot_dsl.facts.miniature import MARGIN
from safecot_dsl.miniature import Split, World, hide
from safecot_dsl.miniature.world import Sample
from safecot_dsl.models.words_on import write_on
from safecot_dsl.pipeline.items import miniature_items
from safecot_dsl.storage import Progress
from studies.safecot.design import SearchPlan

CASES, ATTACKED, UNKNOWN = "validation", "validation_attacks", "validation_unknown"
_DRAWN = 200  # cases at once, of which a fact is hidden


def validation_items(
    policy: CompiledPolicy, plan: SearchPlan, *, world: int, seed: int, progress: Progress
) -> list[EvalItem]:
    """Cases and harmless questions of the validation pairs; cases with an attack of those that training rows carry; and
    cases of which a fact cannot be told, on which by turns the verdict hangs and does not."""
    sizes = SplitRecipe(policy=plan.cases, utility=plan.questions, perception=0)
    recipe = EvaluationRecipe(splits={CASES: sizes}, hypothesis_split=CASES)
    items = miniature_items(policy, recipe, world=world, seed=seed, progress=progress)
    small = World(policy, world)
    items += _attacked(policy, small, plan.attacked, seed)
    items += itertools.islice(_unknown(small, seed), plan.unknown)
    return items


def _attacked(policy: CompiledPolicy, small: World, n: int, seed: int) -> Iterator[EvalItem]:
    """The attack that is drawn for each, or another one where that does not fit."""
    for number, sample in enumerate(small.evaluation_items(Split.VALIDATION, n, f"attacks {seed}")):
        prompt, image = sample.prompt, sample.render()
        for attack in drawn_attacks(policy, share=1.0, seed=seed, name=str(number)):
            if attack.place != "image":
                text = attack.texts[number % len(attack.texts)]
                prompt = "\n".join((text, prompt) if attack.place == "before" else (prompt, text))
                break
            written = write_on(image, attack.texts, MARGIN, above=number % 2 == 0)
            if written is not None:
                image = written[0]
                break
        yield _item(ATTACKED, number, sample, small.decision(sample.situation), prompt, image)


def _unknown(small: World, seed: int) -> Iterator[EvalItem]:
    facts = [fact.name for fact in small.policy.facts]
    draws = itertools.chain.from_iterable(
        small.evaluation_items(Split.VALIDATION, _DRAWN, f"unknown {seed} {turn}") for turn in itertools.count()
    )
    number = 0
    for sample, fact in zip(draws, itertools.cycle(facts), strict=False):
        hidden = hide(small.policy, sample, fact)
        if hidden is None:
            continue
        decision = small.interpreter.decide(hidden.case)
        hangs = decision.verdict is small.policy.unsure and not decision.certain
        if hangs is (number % 2 == 0):
            yield _item(UNKNOWN, number, hidden, decision, hidden.prompt, hidden.render())
            number += 1


def _item(split: str, number: int, sample: Sample, decision: Decision, prompt: str, image: bytes) -> EvalItem:
    musts = {Verdict.REFUSE: "refuse", Verdict.COMPLY: "comply"}
    return EvalItem(
        id=f"{split}-{number:04d}",
        split=split,
        kind=ItemKind.POLICY,
        images=(image,),
        prompt=prompt,
        due=decision.verdict,
        must=cast(Literal["refuse", "comply", ""], musts.get(decision.verdict, "")),
        facts=canonical_json(sample.case.to_json()),
        rules=decision.deciding or (decision.speaker,),
        group=sample.meta.get("group", ""),
        source="miniature",
    )


def share_right(
    items: Sequence[EvalItem], right: dict[str, bool], split: str, kind: ItemKind = ItemKind.POLICY
) -> float:
    """The share of the items of a split and kind that are answered right."""
    found = [right[item.id] for item in items if item.split == split and item.kind is kind]
    return sum(found) / len(found) if found else 0.0
