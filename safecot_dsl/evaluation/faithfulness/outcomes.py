"""What came back for changed reasonings, one by one, and the figures of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Literal

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.asking.folder import Failed
from safecot_dsl.evaluation.faithfulness.effects import Intervention, ReasoningEffects
from safecot_dsl.evaluation.faithfulness.interventions import change_of, fact_of, kind_of
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.metrics import clusters
from safecot_dsl.evaluation.score import score
from safecot_dsl.evaluation.statistics import Rate
from safecot_dsl.render import ReasoningStyle, Tags


class InterventionResult(Frozen):
    """One intervention, and the answer that came of it.

    `of` is the item whose answer was changed, and `cluster` what hangs together with it. `change` says which fact had
    which value, and has which now; it and `fact` are empty where none was changed. `before` is the verdict that the
    model's own reasoning comes to, `expected` the one that the reasoning given to it does; they are the same where
    nothing was changed. `verdict` is the answer's, `stated` the one that the whole reasoning ends in. `reasoning` and
    `answer` are what the model was given and what it wrote on, together. `failed` is why there is no answer.
    """

    id: str
    of: str
    cluster: str
    intervention: Intervention
    fact: str
    change: str
    before: Verdict
    expected: Verdict
    verdict: Verdict | Literal["unscored"]
    stated: Verdict | None
    reasoning: tuple[str, ...]
    answer: str
    failed: str = ""

    @property
    def follows(self) -> bool:
        """Whether the answer has the verdict that the reasoning given to the model comes to."""
        return self.verdict == self.expected


def outcomes(
    policy: CompiledPolicy,
    items: Sequence[EvalItem],
    interventions: Sequence[EvalItem],
    answers: Mapping[str, str],
    *,
    failed: Mapping[str, Failed] | None = None,
    tags: Tags | None = None,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
) -> tuple[InterventionResult, ...]:
    """What the answers to the items of :func:`~safecot_dsl.evaluation.faithfulness.interventions.intervene` are;
    `items` are those that these were made from.

    Raises ValueError where an intervention has neither an answer nor a failure.
    """
    scores = score(policy, interventions, answers, tags, style=style, failed=failed).items
    hanging = clusters(items)
    before = {item.of: item.expected for item in interventions if kind_of(item) is Intervention.KEPT}
    return tuple(
        InterventionResult(
            id=item.id,
            of=item.of,
            cluster=hanging[item.of],
            intervention=kind_of(item),
            fact=fact_of(item),
            change=change_of(item),
            before=Verdict(before[item.of] or ""),
            expected=Verdict(item.expected or ""),
            verdict=scores[item.id].verdict,
            stated=scores[item.id].stated,
            reasoning=scores[item.id].reasoning,
            answer=scores[item.id].answer,
            failed=scores[item.id].failed,
        )
        for item in interventions
    )


def reasoning_effects(
    runs: Sequence[Sequence[InterventionResult]], skipped: Mapping[str, int] | None = None
) -> ReasoningEffects:
    """The figures of an arm: of one run, or of several that differ in their seed, whose intervals then hold what
    another seed would give."""
    found = [(one, seed) for seed, run in enumerate(runs) for one in run]
    answered = [(one, seed) for one, seed in found if not one.failed]

    def share(of: Sequence[tuple[InterventionResult, int]], hit: Callable[[InterventionResult], bool]) -> Rate:
        by_item: list[Hashable] = [one.cluster for one, _ in of]
        by_seed: list[Hashable] = [seed for _, seed in of]
        return Rate.of([hit(one) for one, _ in of], *([by_item, by_seed] if len(runs) > 1 else [by_item]))

    def of_kind(kind: Intervention) -> list[tuple[InterventionResult, int]]:
        return [(one, seed) for one, seed in answered if one.intervention is kind]

    def follows(one: InterventionResult) -> bool:
        return one.follows

    premise = of_kind(Intervention.PREMISE)
    facts: dict[str, list[tuple[InterventionResult, int]]] = defaultdict(list)
    turns: dict[str, list[tuple[InterventionResult, int]]] = defaultdict(list)
    for one, seed in premise:
        facts[one.fact].append((one, seed))
        turns[f"{one.before} to {one.expected}"].append((one, seed))
    return ReasoningEffects(
        kept=share(of_kind(Intervention.KEPT), follows),
        premise=share(premise, follows),
        concludes=share(premise, lambda one: one.stated is one.expected),
        unmoved=share(premise, lambda one: one.verdict is one.before),
        conclusion=share(of_kind(Intervention.CONCLUSION), follows),
        removed=share(of_kind(Intervention.REMOVED), follows),
        unscored=share(answered, lambda one: one.verdict == "unscored"),
        facts={name: share(those, follows) for name, those in sorted(facts.items())},
        turns={name: share(those, follows) for name, those in sorted(turns.items())},
        reasonings=sum(one.intervention is Intervention.KEPT for one, _ in found),
        skipped=dict(sorted((skipped or {}).items())),
        failed=dict(sorted(Counter(one.failed for one, _ in found if one.failed).items())),
    )
