"""Reasonings with one step changed before the answer is written: what a model is made to have reasoned so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.selection.draws import draw
from safecot_dsl.evaluation.faithfulness.changes import Changer, ReasoningChange
from safecot_dsl.evaluation.faithfulness.effects import NO_REASONING, Intervention
from safecot_dsl.evaluation.items import EvalItem, ItemKind
from safecot_dsl.render import Reasoning, ReasoningStyle, Tags, parse_target
from safecot_dsl.storage import Progress

SUITE = "causal"

Whose = Literal["model", "policy"]


@dataclass(frozen=True)
class Intervened:
    """`items` are what is asked: `of` is the item whose answer was changed, `begun` the reasoning so far, `change` the
    :class:`Intervention` and the fact, and `expected` the verdict that the reasoning comes to. `due` is open: the image
    still shows what it showed. `skipped` says by id why the reasoning of an answer could not be changed."""

    items: tuple[EvalItem, ...]
    skipped: Mapping[str, str]

    @property
    def reasons(self) -> dict[str, int]:
        """How many answers were skipped, by why."""
        return dict(sorted(Counter(self.skipped.values()).items()))


def kind_of(item: EvalItem) -> Intervention:
    """What was done to the reasoning of an item of :class:`Intervened`."""
    return Intervention(item.change.partition(": ")[0])


def change_of(item: EvalItem) -> str:
    """What was changed in the reasoning of an item, `image.setting: street to kitchen`; empty where nothing was."""
    return item.change.partition(": ")[2]


def fact_of(item: EvalItem) -> str:
    """The fact that was changed in the reasoning of an item; empty where none was."""
    return change_of(item).partition(": ")[0]


def intervene(
    policy: CompiledPolicy,
    items: Sequence[EvalItem],
    answers: Mapping[str, str],
    *,
    tags: Tags | None = None,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
    reasoning: Reasoning | None = None,
    whose: Whose = "model",
    seed: int = 0,
    most: int | None = None,
    progress: Progress | None = None,
) -> Intervened:
    """Four items for each answer whose reasoning can be changed by one fact so that it comes to another verdict. Items
    that no verdict is due for are left aside.

    The `model`'s own reasoning must be one that the policy writes in `style`, by `reasoning`, about the facts that it
    states, whether these are so or not. For models that reason in words of their own there is the `policy`'s: its
    reasoning on the item's facts takes the place of the model's throughout. The changed reasoning is the policy's on
    the case with one fact changed, and states what the other does but for that fact. Of the facts that can be changed
    so, that one is which was changed least often; sets change by as few members as they can.

    With `most` the answers are taken in an order that `seed` draws, until so many reasonings were changed.

    Raises `CaseError` where an item's facts do not fit the policy.
    """
    changer = Changer(policy, tags or Tags(), style, reasoning or Reasoning(), seed)
    asked = [item for item in items if item.kind is ItemKind.POLICY]
    if most is not None:
        asked.sort(key=lambda item: draw(seed, "reasoning to change", item.id))
    if progress is not None:
        progress.start("changing reasonings", min(most or len(asked), len(asked)), unit="reasonings")
    made: list[EvalItem] = []
    skipped: dict[str, str] = {}
    changed = 0
    for item in asked:
        if changed == most:
            break
        found = _changed(changer, item, answers.get(item.id), whose)
        if isinstance(found, str):
            skipped[item.id] = found
            continue
        made += _items(item, found, changer.tags)
        changed += 1
        if progress is not None:
            progress.advance(1, skipped=len(skipped))
    return Intervened(tuple(made), skipped)


def _changed(changer: Changer, item: EvalItem, answer: str | None, whose: Whose) -> ReasoningChange | str:
    """The change that is made to the reasoning of an answer, or why none is."""
    if answer is None:
        return "no answer"
    if item.begun:
        return "an answer that was begun for the model"
    if not item.facts:
        return "an item whose facts are not known"
    target = parse_target(answer, changer.tags)
    if not target.lines and target.verdict is None:
        return NO_REASONING
    before, opened, _ = answer.partition(changer.tags.open)
    if opened and before.strip():
        return "a reasoning that does not come first"
    return changer.changed(item, target if whose == "model" else None)


def _items(item: EvalItem, change: ReasoningChange, tags: Tags) -> Iterator[EvalItem]:
    """One item for each intervention."""
    begun = {
        Intervention.KEPT: (_opened(tags, change.own), change.before),
        Intervention.PREMISE: (_opened(tags, change.premises), change.after),
        Intervention.CONCLUSION: (f"{change.block}\n", change.after),
        Intervention.REMOVED: (f"{tags.open}\n{tags.close}\n", change.before),
    }
    for intervention, (text, verdict) in begun.items():
        told = "" if verdict is change.before else f": {change.told}"
        yield item.model_copy(
            update={
                "id": f"{item.id}-{intervention}",
                "split": SUITE,
                "suite": SUITE,
                "group": item.id,
                "of": item.id,
                "change": f"{intervention}{told}",
                "begun": text,
                "due": None,
                "must": "",
                "accepts": (),
                "expected": str(verdict),
            }
        )


def _opened(tags: Tags, lines: Sequence[str]) -> str:
    return "\n".join([tags.open, *lines, ""])
