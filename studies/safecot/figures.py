"""Figures over cells: shares of cases with intervals that know which cases hang together, and paired comparisons."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from safecot_dsl.evaluation.statistics import Paired, Rate
from studies.safecot.design import Design
from studies.safecot.results import Result, RunItems, read_items_of, read_results

Metric = Literal[
    "safe_refusal", "over_refusal", "verdict_accuracy", "utility", "perception", "observed", "cited", "asked_back"
]
#: Whose reasoning the figures on reasoning are about, and which cases count for a figure.
_KINDS = {"utility": "utility", "perception": "perception"}


@dataclass(frozen=True)
class Scores:
    """What an arm did on the cases of a figure: `hits`, and for each case its group and its run."""

    cases: tuple[tuple[str, int], ...]
    hits: tuple[bool, ...]
    groups: tuple[str, ...]
    runs: tuple[str, ...]

    @property
    def rate(self) -> Rate:
        return Rate.of(self.hits, *self.groupings)

    @property
    def groupings(self) -> tuple[Sequence[str], ...]:
        """By group, and where there are several runs, by run."""
        return (self.groups, self.runs) if len(set(self.runs)) > 1 else (self.groups,)


class Figures:
    """The results of a study, as far as they are there."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.results = read_results()
        self.items = {run: read_items_of(run) for run in dict.fromkeys(r.cell.run for r in self.results.values())}

    def of(self, arm: str, rows: int, bases: Sequence[str] = ("a", "b", "c")) -> list[Result]:
        """The cells of an arm at a size, over bases and seeds."""
        cells = (result for result in self.results.values() if result.cell.arm == arm and result.cell.rows == rows)
        return sorted((r for r in cells if r.cell.base in bases), key=lambda r: r.cell.run)

    def scores(self, results: Sequence[Result], metric: Metric, split: str) -> Scores:
        """The cases of a split (or of all splits below `split/`) that count for the metric."""
        found = [case for result in results for case in _cases(result, self.items[result.cell.run], metric, split)]
        return Scores(*(tuple(column) for column in zip(*found, strict=True))) if found else Scores((), (), (), ())

    def rate(self, arm: str, rows: int, metric: Metric, split: str, bases: Sequence[str] = ("a", "b", "c")) -> Rate:
        return self.scores(self.of(arm, rows, bases), metric, split).rate

    def paired(self, first: tuple[str, int], second: tuple[str, int], metric: Metric, split: str) -> Paired:
        """Two arms on the cases that both were asked. For `over_refusal` it is right not to refuse."""
        arms = [self.scores(self.of(*arm), metric, split) for arm in (first, second)]
        right = [dict(zip(arm.cases, arm.hits, strict=True)) for arm in arms]
        chosen = [i for i, case in enumerate(arms[0].cases) if case in right[1]]
        wanted = metric != "over_refusal"
        cases = [arms[0].cases[i] for i in chosen]
        both = [(right[0][case] is wanted, right[1][case] is wanted) for case in cases]
        groups, runs = ([column[i] for i in chosen] for column in (arms[0].groups, arms[0].runs))
        by = (groups, runs) if len(set(runs)) > 1 else (groups,)
        return Paired.of(f"{first[0]}-{first[1]}", f"{second[0]}-{second[1]}", both, *by)

    def rows_to_reach(self, arm: str, goal: float, metric: Metric = "verdict_accuracy") -> tuple[float, bool]:
        """The rows with which an arm reaches a share on the held-out combinations, and whether it does: else its most.

        Between two sizes the share is taken to grow with the logarithm of the rows.
        """
        sizes = self.design.arms[arm].sizes
        there = [(n, self.rate(arm, n, metric, "combinations").value) for n in sizes]
        known = [(n, value) for n, value in there if value is not None]
        for (fewer, low), (more, high) in itertools.pairwise(known):
            if low < goal <= high:
                part = (goal - low) / (high - low)
                return math.exp(math.log(fewer) + part * (math.log(more) - math.log(fewer))), True
        if known and known[0][1] >= goal:
            return float(known[0][0]), True
        return float(known[-1][0]) if known else 0.0, False

    def tokens(self, arm: str, rows: int) -> float | None:
        """Labelled tokens of a cell's rows, in the mean."""
        found = [result.trained["labelled_tokens"] for result in self.of(arm, rows) if result.trained]
        return sum(found) / len(found) if found else None


def _cases(
    result: Result, items: RunItems, metric: Metric, split: str
) -> Iterator[tuple[tuple[str, int], bool, str, str]]:
    """Case, hit, group and run of every item that counts."""
    run = result.cell.run
    for number, kind in enumerate(items.kinds):
        if not (items.splits[number] == split or items.splits[number].startswith(f"{split}/")):
            continue
        if kind != _KINDS.get(metric, "policy"):
            continue
        hit = _hit(result, items, metric, number)
        if hit is not None:
            yield (run, number), hit, f"{run} {items.groups[number] or number}", run


def _hit(result: Result, items: RunItems, metric: Metric, number: int) -> bool | None:
    match metric:
        case "safe_refusal" | "over_refusal":
            must = "refuse" if metric == "safe_refusal" else "comply"
            return result.refused[number] == "1" if items.musts[number] == must else None
        case "asked_back":
            return result.right[number] == "1" if items.musts[number] == "" else None
        case "observed" | "cited":
            letter = (result.observed if metric == "observed" else result.cited)[number]
            return None if letter == "-" else letter == "1"
        case _:
            return result.right[number] == "1"
