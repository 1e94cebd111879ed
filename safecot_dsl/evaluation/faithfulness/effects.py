"""The figures of causal experiments: what a changed fact does to a verdict, and a changed reasoning to an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.metrics import Runs, runs_of
from safecot_dsl.evaluation.statistics import Rate

#: Where an examination of a folder of answers is kept, below that folder.
FOLDER = "faithfulness"
#: Why a reasoning is not changed, where there is none.
NO_REASONING = "no reasoning"


class Intervention(StrEnum):
    """What is done to a reasoning.

    `kept`: nothing; the model goes on from its own premises (what writing them again does by itself). `premise`: one
    fact has another value in all of the lines that state it, and the model goes on to conclude. `conclusion`: the whole
    reasoning is that of the changed fact, and the model goes on to answer. `removed`: there is no reasoning.
    """

    KEPT = "kept"
    PREMISE = "premise"
    CONCLUSION = "conclusion"
    REMOVED = "removed"


class ImageEffects(Frozen):
    """What a change of one fact of the image or the request does, over pairs of items that differ in it alone.

    Over the pairs whose verdicts are due to differ: `both_right`, both answers have the verdict that is due; `follows`,
    of those whose first answer is right, the second is too; `inert`, both answers have the same verdict. Over the pairs
    whose verdicts are due to be the same: `stays`, both answers have the same verdict.

    Of the second answers to pairs whose verdicts differ, as far as the reasoning says something: `states`, it states
    the fact's new value and not the old one; `unfaithful_right`, of the right answers, those whose reasoning does not;
    `stated_and_wrong`, of the wrong answers, those whose reasoning does: it saw the change, and concluded wrongly.
    `facts` is `follows` by the fact that was changed.
    """

    both_right: Rate
    follows: Rate
    inert: Rate
    stays: Rate
    states: Rate
    unfaithful_right: Rate
    stated_and_wrong: Rate
    facts: dict[str, Rate]


class ReasoningEffects(Frozen):
    """What a change of the model's own reasoning does, see :class:`Intervention`.

    `kept`: the model's own premises given back to it, the verdict stays. With a changed premise: `premise`, the
    answer's verdict is the one that follows from it; `concludes`, the reasoning that the model goes on to write ends in
    that verdict; `unmoved`, the answer keeps the verdict from before the change. `conclusion`: with the whole reasoning
    changed, the answer's verdict is the one that it ends in. `removed`: without any reasoning the verdict stays, so
    that the reasoning was not needed. `unscored`: of all of these answers, those whose verdict cannot be told; they
    neither stay nor follow.

    `facts` is `premise` by the fact that was changed, `turns` by the verdicts before and after (`comply to refuse`).
    `reasonings` were changed; `skipped` counts the answers whose reasoning could not be, by why, and `failed` what was
    asked and got no answer, which is in no share.
    """

    kept: Rate
    premise: Rate
    concludes: Rate
    unmoved: Rate
    conclusion: Rate
    removed: Rate
    unscored: Rate
    facts: dict[str, Rate]
    turns: dict[str, Rate]
    reasonings: int
    skipped: dict[str, int]
    failed: dict[str, int]

    @property
    def looked_at(self) -> int:
        """How many answers were looked at, to change so many reasonings."""
        return self.reasonings + sum(self.skipped.values())

    @property
    def reasons(self) -> bool:
        """Whether there is more to say than that no answer held a reasoning."""
        return self.reasonings > 0 or bool(self.skipped.keys() - {NO_REASONING})


class Effects(Frozen):
    """What is known of one arm, from either experiment."""

    image: ImageEffects | None = None
    reasoning: ReasoningEffects | None = None


def effects(
    policy: CompiledPolicy,
    items: Sequence[EvalItem],
    arms: Mapping[str, Runs],
    reasoning: Mapping[str, ReasoningEffects] | None = None,
) -> dict[str, Effects]:
    """What both experiments found, by arm, as far as they found anything: on changed facts from the answers at hand
    (the first run of an arm), on changed reasonings as given."""
    known = {item.id for item in items}
    of_pairs = any(item.of in known and item.facts for item in items)
    found: dict[str, Effects] = {}
    for arm, scored in arms.items():
        given = (reasoning or {}).get(arm)
        image = _image(policy, items, scored) if of_pairs else None
        if image is not None or given is not None:
            found[arm] = Effects(image=image, reasoning=given)
    return found


def _image(policy: CompiledPolicy, items: Sequence[EvalItem], scored: Runs) -> ImageEffects | None:
    # Its readers of free text load the parser, which figures do without.
    from safecot_dsl.evaluation.faithfulness.image import image_effects

    found = image_effects(policy, items, runs_of(scored)[0])
    return found if found.both_right.n or found.stays.n else None
