"""What an evaluation found of causes: whether verdicts follow a changed fact, and answers a changed reasoning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.metrics import Runs, runs_of
from safecot_dsl.evaluation.statistics import Rate

if TYPE_CHECKING:
    from safecot_dsl.evaluation.causal import ReasoningEffects


class Cause(Frozen):
    """One figure of a causal experiment. `experiment` is `image` (a fact of the request was changed) or `reasoning` (a
    step of the model's own reasoning was), `name` the field of the experiment's result."""

    experiment: str
    name: str
    rate: Rate


def causes(
    policy: CompiledPolicy,
    items: Sequence[EvalItem],
    arms: Mapping[str, Runs],
    reasoning: Mapping[str, ReasoningEffects] | None = None,
) -> dict[str, tuple[Cause, ...]]:
    """The figures of both experiments, by arm, as far as there are any: those on changed facts from the answers at
    hand (the first run of an arm), those on changed reasonings as given."""
    # Its readers of free text load the parser, which figures do without.
    from safecot_dsl.evaluation.causal import image_effects

    known = {item.id for item in items}
    of_pairs = any(item.of in known and item.facts for item in items)
    found: dict[str, tuple[Cause, ...]] = {}
    for arm, scored in arms.items():
        effects = {"image": image_effects(policy, items, runs_of(scored)[0])} if of_pairs else {}
        given = {"reasoning": reasoning[arm]} if reasoning and arm in reasoning else {}
        lines = tuple(
            Cause(experiment=experiment, name=name, rate=value)
            for experiment, result in {**effects, **given}.items()
            for name, value in result
            if isinstance(value, Rate) and value.n
        )
        if lines:
            found[arm] = lines
    return found
