"""Arms against each other, on the same items: differences with intervals, and tests in one family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.measures import MEASURES
from safecot_dsl.evaluation.metrics import METRICS, Runs, clusters, groupings, paired, runs_of
from safecot_dsl.evaluation.statistics import Paired, Rate, holm
from safecot_dsl.evaluation.statistics.power import detectable

#: By what arms are compared.
COMPARED = (*METRICS, "paired_refusal")


class PairedMetric(Paired):
    """A test on one metric. `adjusted` is its p-value in the family of all tests of the summary, by Holm's procedure.

    `detectable` is the smallest difference, as a share, that as many cases show with a power of 0.8 at the level 0.05,
    if the arms go on to differ on as many of them as here; None where no number of cases was enough.
    """

    metric: str
    adjusted: float
    detectable: float | None = None


class Retention(Frozen):
    """What an arm kept of the base's general ability: `kept` of the utility items that the base gets right are still
    right, and `paired` sets all of them beside each other."""

    base: str
    kept: Rate
    paired: Paired


def comparisons(
    items: Sequence[EvalItem], arms: Mapping[str, Runs], pairs: Sequence[tuple[str, str]]
) -> tuple[PairedMetric, ...]:
    """Each pair of arms by each metric that has cases, in one family."""
    tests = [(metric, paired(metric, items, arms, first, second)) for first, second in pairs for metric in COMPARED]
    tests = [(metric, test) for metric, test in tests if test.n]
    adjusted = holm([test.p for _, test in tests])
    return tuple(
        PairedMetric(
            metric=metric,
            adjusted=value,
            detectable=detectable(test.n, (test.only_first + test.only_second) / test.n),
            **test.model_dump(),
        )
        for (metric, test), value in zip(tests, adjusted, strict=True)
    )


def retention(items: Sequence[EvalItem], arms: Mapping[str, Runs], base: str) -> dict[str, Retention]:
    """What each other arm kept of `base`; empty without utility items."""
    asked = [unit[0] for unit in MEASURES["utility"].units(items)]
    if base not in arms or not asked:
        return {}
    hanging = clusters(asked)
    found: dict[str, Retention] = {}
    for arm, scored in arms.items():
        if arm != base:
            before = runs_of(arms[base])
            kept = [
                (run.items[item.id].right, (hanging[item.id], seed))
                for seed, run in enumerate(runs_of(scored))
                for item in asked
                if before[seed % len(before)].items[item.id].right
            ]
            found[arm] = Retention(
                base=base,
                kept=Rate.of([hit for hit, _ in kept], *groupings([key for _, key in kept], scored)),
                paired=paired("utility", asked, arms, arm, base),
            )
    return found
