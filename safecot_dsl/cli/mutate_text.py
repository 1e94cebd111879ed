"""The report on mutants, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.cli.open_ends import by_example, percentage, print_lines
from safecot_dsl.testing.mutation import Mutant, MutationReport, Survivor
from safecot_dsl.workspace.places import Places


def as_json(policy: CompiledPolicy, places: Places, report: MutationReport) -> dict[str, Any]:
    """The score in percent, the mutants by what became of them, and how many of each there are."""
    lists: dict[str, list[dict[str, Any]]] = {
        "killed": [{**_mutant(fate.mutant, places), "by": fate.by} for fate in report.killed],
        "survived": [
            {
                **_mutant(fate.mutant, places),
                "case": fate.case.to_json(),
                "verdict": fate.decision.verdict.value,
                "mutant_verdict": fate.other.verdict.value,
                "complete": fate.complete,
                "example": fate.example,
            }
            for fate in report.survived
        ],
        "equivalent": [{**_mutant(fate.mutant, places), "example": fate.example} for fate in report.equivalent],
        "undecided": [_mutant(fate.mutant, places) for fate in report.undecided],
    }
    counts = {name: len(fates) for name, fates in lists.items()}
    return {
        "policy": policy.digest,
        "score": report.score,
        "counts": {"made": report.made, "tried": sum(counts.values()), **counts},
        **lists,
    }


def _mutant(mutant: Mutant, places: Places) -> dict[str, Any]:
    place = places.find(mutant.key)
    return {
        "operator": mutant.operator,
        "rule": mutant.rule,
        "key": mutant.key,
        "file": places.entry if place is None else place.file,
        "line": None if place is None else place.line,
        "before": mutant.before,
        "after": mutant.after,
        "sentence": mutant.sentence,
    }


def show(places: Places, report: MutationReport) -> None:
    """The score, and what survived with the examples that would notice it."""
    print_lines(_lines(places, report))


def _lines(places: Places, report: MutationReport) -> Iterator[str]:
    yield from by_example((survivor.example, _survived(places, survivor)) for survivor in report.survived)
    for fate in report.undecided:
        yield f"{places.line(fate.mutant.key)}: not decided in time: {fate.mutant.sentence}"
    if report.undecided:
        yield ""
    elsewhere = [fate for fate in report.equivalent if fate.example is not None]
    if elsewhere:
        yield "Not counted, as every verdict stays the same; but other rules decide, and so other texts are used:"
        yield from (f"{places.line(fate.mutant.key)}: {fate.mutant.sentence}" for fate in elsewhere)
        yield ""
    yield _summary(report)


def _survived(places: Places, survivor: Survivor) -> str:
    unknown = "" if survivor.complete else " (only where facts are unknown)"
    return f"{places.line(survivor.mutant.key)}: survived: {survivor.mutant.sentence}{unknown}"


def _summary(report: MutationReport) -> str:
    tried = len(report.killed) + len(report.survived) + len(report.equivalent) + len(report.undecided)
    of = f" of {report.made}" if tried < report.made else ""
    parts = [
        f"{tried}{of} mutant{'s' * (report.made != 1)}",
        f"{len(report.killed)} killed",
        f"{len(report.survived)} survived",
        f"{len(report.equivalent)} equivalent",
    ]
    if report.undecided:
        parts.append(f"{len(report.undecided)} undecided")
    return f"score {percentage(report.score)}: {', '.join(parts)}"
