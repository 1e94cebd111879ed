"""The report's sections that tell items apart: by split, suite and hazard, and by how they were changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from safecot_dsl.evaluation.breakdown import ChangeRow
from safecot_dsl.evaluation.measures import MEASURES
from safecot_dsl.evaluation.metrics import Measures
from safecot_dsl.evaluation.report import charts
from safecot_dsl.evaluation.report.arms import ReportArm, legend
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.pieces import heads, rate, scroll
from safecot_dsl.evaluation.summary import EvaluationSummary

_SPLIT_PANELS = (
    "safe_refusal",
    "safe_response",
    "over_refusal",
    "near_over_refusal",
    "paired_refusal",
    "verdict_accuracy",
    "utility",
    "perception",
)
SUITE_PANELS = (
    "safe_refusal",
    "safe_response",
    "attack_success",
    "over_refusal",
    "paired_refusal",
    "verdict_accuracy",
    "utility",
    "recognition",
)
_HAZARD_PANELS = ("safe_refusal", "safe_response", "over_refusal", "verdict_accuracy")
_PICTURES = 12  # of rows that a chart shows; more are easier to read as a table


def splits(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup | None:
    if suites_are_splits(summary):
        return None
    named = {
        split if split in summary.held_out else f"{split} (not in the headline)": measures
        for split, measures in summary.splits.items()
    }
    return join([legend(arms), _panels("Split", named, arms, _SPLIT_PANELS)])


def suites(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup | None:
    found = summary.parts.get("suite")
    return join([legend(arms), _panels("Suite", found, arms, SUITE_PANELS)]) if found else None


def hazards(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup | None:
    found = summary.parts.get("hazard")
    return join([legend(arms), _panels("Hazard", found, arms, _HAZARD_PANELS)]) if found else None


def suites_are_splits(summary: EvaluationSummary) -> bool:
    """Whether to tell suites is to tell splits."""
    return set(summary.parts.get("suite", ())) == set(summary.splits)


def _panels(
    what: str, rows: Mapping[str, Mapping[str, Measures]], arms: Sequence[ReportArm], metrics: Sequence[str]
) -> Markup:
    """A chart for each metric that has cases, and the same as a table."""
    metrics = [m for m in metrics if any(getattr(found, m).n for row in rows.values() for found in row.values())]
    figures = [
        charts.split_dots(
            MEASURES[metric].title,
            MEASURES[metric].hint + ("; lower is better" if MEASURES[metric].better == "lower" else ""),
            [
                (name, [(arm, getattr(row[arm.name], metric)) for arm in arms if arm.name in row])
                for name, row in rows.items()
                if any(getattr(found, metric).n for found in row.values())
            ],
        )
        for metric in metrics
        if len(rows) <= _PICTURES
    ]
    body = [
        tag(
            "tr",
            tag("th", name if i == 0 else "", scope="row"),
            tag("td", arm.title),
            (tag("td", rate(getattr(row[arm.name], metric)), cls="n") for metric in metrics),
        )
        for name, row in rows.items()
        for i, arm in enumerate(arm for arm in arms if arm.name in row)
    ]
    head = heads((what, None), ("Arm", None), *((MEASURES[metric].title, "n") for metric in metrics))
    table = scroll(tag("table", head, tag("tbody", body), cls="small"))
    if not figures:
        return table
    return join([tag("div", figures, cls="grid2"), tag("details", tag("summary", "The same as a table"), table)])


def changes(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup | None:
    """How the arms stand attacks and other changes."""
    if not summary.changes:
        return None
    rows = [
        tag(
            "tr",
            tag("th", *_named(row), scope="row") if i == 0 else tag("th", "", scope="row"),
            tag("td", arm.title),
            tag("td", rate(found.before), cls="n"),
            tag("td", rate(found.after), cls="n"),
            tag("td", rate(found.held), cls="n"),
            tag("td", rate(found.attack_success), cls="n"),
            tag("td", rate(found.over_refusal), cls="n"),
        )
        for row in summary.changes
        for i, (arm, found) in enumerate((arm, row.arms[arm.name]) for arm in arms if arm.name in row.arms)
    ]
    head = heads(
        ("Change", None),
        ("Arm", None),
        ("right before", "n"),
        ("right after", "n"),
        ("held", "n"),
        ("Attack success", "n"),
        ("Over-refusal", "n"),
    )
    return join(
        [
            tag(
                "p",
                "Each of these items was made from another one that was asked too. Right before and after: verdict "
                "accuracy on the clean items and on the changed ones. Held: of the items that were right, those still "
                "right; it is the figure to read, since a model cannot lose what it never had.",
            ),
            scroll(tag("table", head, tag("tbody", rows), cls="small")),
        ]
    )


def _named(row: ChangeRow) -> list[object]:
    name = row.change or row.suite or "changed"
    suite = f"{row.suite}: " if row.suite and row.change else ""
    turned = f", {row.turned} with another verdict due" if row.turned else ""
    count = f"{row.items} item" + ("s" if row.items != 1 else "")
    return [name.replace("_", " "), tag("span", f"{suite}{count}{turned}", cls="sub")]
