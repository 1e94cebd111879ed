"""The report on rule coverage, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from safecot_dsl.cli.open_ends import by_example, percentage, print_lines
from safecot_dsl.testing.coverage import Covered, GoalKind, RuleCoverage
from safecot_dsl.workspace.places import Places


def as_json(places: Places, coverage: RuleCoverage) -> dict[str, Any]:
    """The percentage of the goals within reach that are met, in all and by kind, and every goal."""
    kinds = {kind.value: _counts(coverage.of(kind)) for kind in GoalKind}
    return {**_counts(coverage), "kinds": kinds, "goals": [_goal(item, places) for item in coverage.items]}


def _counts(coverage: RuleCoverage) -> dict[str, Any]:
    counts = {status: coverage.count(status) for status in ("covered", "missing", "unreachable", "undecided")}
    return {"percent": coverage.percent, **counts}


def _goal(item: Covered, places: Places) -> dict[str, Any]:
    place = places.find(item.goal.key)
    return {
        "kind": item.goal.kind.value,
        "rule": None if item.goal.rule is None else item.goal.rule.name,
        "key": item.goal.key,
        "file": places.entry if place is None else place.file,
        "line": None if place is None else place.line,
        "goal": item.goal.text,
        "status": item.status,
        "cases": item.cases,
        "example": item.example,
    }


def show(places: Places, coverage: RuleCoverage) -> None:
    """The percentages, and what is not exercised with the examples that would do it."""
    print_lines(_lines(places, coverage))


def _lines(places: Places, coverage: RuleCoverage) -> Iterator[str]:
    def line(item: Covered, said: str) -> str:
        return f"{places.line(item.goal.key)}: {said}: {item.goal.text}"

    missing = [item for item in coverage.items if item.status == "missing"]
    yield from by_example((item.example or "", line(item, "not exercised")) for item in missing)
    rest = [line(item, "not decided in time") for item in coverage.items if item.status == "undecided"]
    rest += [line(item, "cannot be reached") for item in coverage.items if item.status == "unreachable"]
    yield from rest
    if rest:
        yield ""
    kinds = ((_plural(kind), coverage.of(kind)) for kind in GoalKind)
    counted = [f"{name} {one.count('covered')}/{one.reachable}" for name, one in kinds if one.items]
    yield f"{places.entry}: rule coverage {percentage(coverage.percent)}: {', '.join(counted)}"


def _plural(kind: GoalKind) -> str:
    return kind.value if kind in (GoalKind.DEFAULT, GoalKind.UNSURE) else f"{kind.value}s"
