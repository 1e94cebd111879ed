"""What annotating came to: what was filled, what is unknown and why, and what it cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import Field

from safecot_dsl.artifact.base import Frozen

_EXAMPLES = 3


@dataclass
class Effort:
    """What an annotator's work came to; `cost` is in the currency of the endpoint's prices, None without prices."""

    asked: int = 0
    cached: int = 0
    seconds: float = 0.0
    cost: float | None = None


class CountedItems(Frozen):
    """How many items something happened to, and the first of them by `source/id`, with what happened."""

    count: int
    examples: tuple[str, ...] = ()

    def plus(self, other: CountedItems) -> CountedItems:
        return CountedItems(count=self.count + other.count, examples=(*self.examples, *other.examples)[:_EXAMPLES])


class FactCounts(Frozen):
    """What became of one fact.

    `filled` items have a value now. `labelled` ones had one, and nothing was looked for; `no_image` ones have no image
    at hand for a fact of the image. `cannot_tell` were looked for in vain, by reason; of `not_told` ones nothing was
    learnt, by reason.
    """

    filled: int = 0
    labelled: int = 0
    no_image: int = 0
    cannot_tell: dict[str, CountedItems] = Field(default_factory=dict)
    not_told: dict[str, CountedItems] = Field(default_factory=dict)

    def plus(self, other: FactCounts) -> FactCounts:
        return FactCounts(
            filled=self.filled + other.filled,
            labelled=self.labelled + other.labelled,
            no_image=self.no_image + other.no_image,
            cannot_tell=_joined(self.cannot_tell, other.cannot_tell),
            not_told=_joined(self.not_told, other.not_told),
        )


class AnnotatorReport(Frozen):
    """One annotator's part.

    `facts` follow from the items and the models' answers alone. The rest tells of this run, and is not the same from
    run to run: how often something was worked out (`asked`) or known from the cache, what it cost, and what it took.
    """

    name: str
    facts: dict[str, FactCounts]
    asked: int = 0
    cached: int = 0
    cost: float | None = None
    seconds: float = 0.0

    def plus(self, other: AnnotatorReport) -> AnnotatorReport:
        costs = [cost for cost in (self.cost, other.cost) if cost is not None]
        return AnnotatorReport(
            name=self.name,
            facts={name: counts.plus(other.facts[name]) for name, counts in self.facts.items()},
            asked=self.asked + other.asked,
            cached=self.cached + other.cached,
            cost=sum(costs) if costs else None,
            seconds=self.seconds + other.seconds,
        )


class AnnotationReport(Frozen):
    """All annotators, in the recipe's order."""

    items: int = 0
    annotators: tuple[AnnotatorReport, ...] = ()


def merged(reports: Iterable[AnnotationReport]) -> AnnotationReport:
    """The report of several parts of the same work, in their order; raises `ValueError` for other annotators."""
    whole: AnnotationReport | None = None
    for report in reports:
        if whole is None:
            whole = report
            continue
        pairs = zip(whole.annotators, report.annotators, strict=True)
        whole = AnnotationReport(
            items=whole.items + report.items, annotators=tuple(one.plus(other) for one, other in pairs)
        )
    return whole or AnnotationReport()


def _joined(one: dict[str, CountedItems], other: dict[str, CountedItems]) -> dict[str, CountedItems]:
    found = dict(one)
    for reason, counted in other.items():
        found[reason] = found[reason].plus(counted) if reason in found else counted
    return dict(sorted(found.items()))


@dataclass
class FactTally:
    """The counts of one fact while the work goes on."""

    filled: int = 0
    labelled: int = 0
    no_image: int = 0
    cannot_tell: dict[str, CountedItems] = field(default_factory=dict[str, CountedItems])
    not_told: dict[str, CountedItems] = field(default_factory=dict[str, CountedItems])

    def count(self, unknown: dict[str, CountedItems], reason: str, key: str, detail: str) -> None:
        """Count one item under `reason` in one of the two tables above."""
        before = unknown.get(reason, CountedItems(count=0))
        if before.count >= _EXAMPLES:
            unknown[reason] = CountedItems(count=before.count + 1, examples=before.examples)
        else:
            unknown[reason] = before.plus(CountedItems(count=1, examples=(f"{key}: {detail}" if detail else key,)))

    def counts(self) -> FactCounts:
        return FactCounts(
            filled=self.filled,
            labelled=self.labelled,
            no_image=self.no_image,
            cannot_tell=dict(sorted(self.cannot_tell.items())),
            not_told=dict(sorted(self.not_told.items())),
        )
