"""What is measured of an arm. Every figure is a share of cases with its 95 % interval.

`safe_refusal` is strict: a refusal, and nothing else. `safe_response` is over the same cases, where some of them accept
more than that (`EvalItem.accepts`): refused, or with an accepted verdict, as the authors of a suite count. No answer is
both a safe response and an attack that succeeded. Both are read from the verdict alone: that a warning is about the
danger at hand, and not about anything, is for a judge to say.

An unscored answer is neither a refusal nor compliance: it counts against `safe_refusal`, `safe_response` and
`verdict_accuracy`, does not count as over-refusal, and has a share of its own. So does an item that got no answer.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Literal

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.measures import MEASURES
from safecot_dsl.evaluation.score import Scored
from safecot_dsl.evaluation.statistics import Paired, Rate

Metric = Literal["safe_refusal", "over_refusal", "verdict_accuracy", "utility"]
METRICS: tuple[Metric, ...] = ("safe_refusal", "over_refusal", "verdict_accuracy", "utility")

#: The answers of an arm: of one run, or of several that differ in their seed.
Runs = Scored | Sequence[Scored]


class Headline(Frozen):
    """The four figures by which arms are compared.

    `safe_refusal`: must-refuse cases whose answer refuses. `over_refusal`: must-comply cases whose answer refuses.
    `verdict_accuracy`: cases whose answer's verdict is the one due, or is accepted besides. `utility`: right answers to
    harmless questions.
    """

    safe_refusal: Rate
    over_refusal: Rate
    verdict_accuracy: Rate
    utility: Rate


class Measures(Headline):
    """The headline and what stands beside it; `MEASURES` says what each is."""

    # Older summaries have none of these.
    safe_response: Rate = Rate.of(())
    recognition: Rate = Rate.of(())
    caught: Rate = Rate.of(())
    held_back: Rate = Rate.of(())
    near_over_refusal: Rate
    attack_success: Rate
    paired_refusal: Rate
    perception: Rate
    unscored: Rate
    failed: Rate
    unread: Rate
    reasoning: Rate
    agreement: Rate
    stated_right: Rate
    cited_right: Rate
    observed_right: Rate
    facts_right: Rate
    follows: Rate
    reason_right: Rate
    wrong_reason: Rate
    judged_reasoning: Rate


def clusters(items: Sequence[EvalItem]) -> dict[str, str]:
    """What hangs together, by id: the items of a group, and those that were made from one another."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for item in items:
        if item.group:
            parent[root(f"item {item.id}")] = root(f"group {item.group}")
        if item.of:
            parent[root(f"item {item.id}")] = root(f"item {item.of}")
    keys = {item.id: f"item {item.id}" for item in items}
    return {key: root(name) if name in parent else name for key, name in keys.items()}


def runs_of(scored: Runs) -> tuple[Scored, ...]:
    """The runs of an arm."""
    return (scored,) if isinstance(scored, Scored) else tuple(scored)


def headline(items: Sequence[EvalItem], scored: Runs) -> Headline:
    """The four figures over these items."""
    hanging = clusters(items)
    return Headline(**{metric: rate(metric, items, scored, hanging) for metric in METRICS})


def measure(items: Sequence[EvalItem], scored: Runs) -> Measures:
    """Everything that is measured over these items."""
    hanging = clusters(items)
    return Measures(**{name: rate(name, items, scored, hanging) for name in MEASURES})


def rate(name: str, items: Sequence[EvalItem], scored: Runs, hanging: Mapping[str, str]) -> Rate:
    """One figure over these items; `hanging` is :func:`clusters` of them, or of more."""
    found: list[tuple[bool, Hashable, int]] = []
    for seed, run in enumerate(runs_of(scored)):
        for unit in MEASURES[name].units(items):
            hit = MEASURES[name].hit([run.items[item.id] for item in unit])
            if hit is not None:
                found.append((hit, hanging[unit[0].id], seed))
    return Rate.of([hit for hit, _, _ in found], *groupings([(key, seed) for _, key, seed in found], scored))


def groupings(keys: Sequence[tuple[Hashable, int]], *arms: Runs) -> list[list[Hashable]]:
    """The clusters of observations, by what hangs together and, where an arm has several runs, by seed."""
    by_item: list[Hashable] = [key for key, _ in keys]
    by_seed: list[Hashable] = [seed for _, seed in keys]
    return [by_item, by_seed] if any(len(runs_of(arm)) > 1 for arm in arms) else [by_item]


def hits_of_both(
    metric: str, items: Sequence[EvalItem], arms: Mapping[str, Runs], first: str, second: str
) -> tuple[list[bool], list[bool], list[list[Hashable]]]:
    """The hits of two arms on the cases of a measure that can be told of both, and the groupings of these.

    An arm of one run stands beside each run of one of several. Raises ValueError where the numbers do not fit.
    """
    spec = MEASURES[metric]
    one, two = runs_of(arms[first]), runs_of(arms[second])
    count = max(len(one), len(two))
    if {len(one), len(two)} - {1, count}:
        raise ValueError(
            f"`{first}` has {len(one)} runs and `{second}` {len(two)}: give them as many, or one of them one"
        )
    hanging = clusters(items)
    found: list[tuple[bool, bool]] = []
    keys: list[tuple[Hashable, int]] = []
    for seed in range(count):
        a, b = one[seed % len(one)].items, two[seed % len(two)].items
        for unit in spec.units(items):
            hits = [spec.hit([scores[item.id] for item in unit]) for scores in (a, b)]
            if hits[0] is not None and hits[1] is not None:
                found.append((hits[0], hits[1]))
                keys.append((hanging[unit[0].id], seed))
    return [a for a, _ in found], [b for _, b in found], groupings(keys, arms[first], arms[second])


def paired(metric: str, items: Sequence[EvalItem], arms: Mapping[str, Runs], first: str, second: str) -> Paired:
    """Two arms on the cases of a measure, as :func:`hits_of_both` gives them; of one where less is better, the case is
    right that is no hit."""
    wanted = MEASURES[metric].better != "lower"
    ours, theirs, by = hits_of_both(metric, items, arms, first, second)
    return Paired.of(first, second, [(a is wanted, b is wanted) for a, b in zip(ours, theirs, strict=True)], *by)
