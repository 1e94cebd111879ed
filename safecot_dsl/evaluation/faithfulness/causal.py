"""Causal faithfulness: change one thing and see whether the verdict follows.

A reasoning can be right, and agree with its answer, without the answer coming from it. Two experiments tell. In the
first one fact of the *image* (or the request) is changed: pairs of items, as a made suite of boundary pairs holds them.
In the second the image stays, and one step of the model's own *reasoning* is changed before it goes on to answer:
where the answer comes from the reasoning, it follows (Lanham et al. 2023, arXiv 2307.13702, intervene so on free text;
here the changed step is a true sentence of another case, and the policy says what must follow from it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.faithfulness.effects import ImageEffects, ReasoningEffects
from safecot_dsl.evaluation.faithfulness.image import image_effects
from safecot_dsl.evaluation.faithfulness.interventions import Whose, intervene
from safecot_dsl.evaluation.faithfulness.outcomes import outcomes, reasoning_effects
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.score import score
from safecot_dsl.render import ReasoningStyle, Tags


class Causal(Frozen):
    """Both experiments on one model."""

    image: ImageEffects
    reasoning: ReasoningEffects


def causal(
    policy: CompiledPolicy,
    items: Sequence[EvalItem],
    answer: Callable[[Sequence[EvalItem]], Mapping[str, str]],
    *,
    tags: Tags | None = None,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
    whose: Whose = "model",
    seed: int = 0,
) -> Causal:
    """Both experiments on the items of a suite of pairs: `answer` asks the model, and is called twice. `whose`
    reasoning is changed, see :func:`~safecot_dsl.evaluation.faithfulness.interventions.intervene`."""
    answers = answer(items)
    made = intervene(policy, items, answers, tags=tags, style=style, whose=whose, seed=seed)
    changed = outcomes(policy, items, made.items, answer(made.items), tags=tags, style=style)
    return Causal(
        image=image_effects(policy, items, score(policy, items, answers, tags, style=style)),
        reasoning=reasoning_effects([changed], made.reasons),
    )
