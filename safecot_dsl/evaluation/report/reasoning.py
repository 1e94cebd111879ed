"""The report's section on what the reasoning is worth, and the judge beside the criteria."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.evaluation.judging.agreement import JudgeAgreement
from safecot_dsl.evaluation.measures import MEASURES
from safecot_dsl.evaluation.report.arms import ReportArm
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.pieces import badge, heads, rate, scroll
from safecot_dsl.evaluation.summary import EvaluationSummary, arm_title

#: What a reasoning is worth, part by part, and what that says of the answers: shown here and in Markdown.
PARTS = ("reasoning", "reason_right", "stated_right", "cited_right", "facts_right", "follows")
SHOWN_BY = ("wrong_reason", "caught", "held_back")
_LINES = (
    *PARTS,
    "observed_right",
    "agreement",
    *SHOWN_BY,
    "judged_reasoning",
    "unscored",
    "failed",
    "unread",
)
_ALWAYS = frozenset({"reasoning", "unscored"})


def reasoning(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup | None:
    shown = [arm for arm in arms if arm.name in summary.pooled]
    if not shown:
        return None
    lines = [
        name
        for name in _LINES
        if name in _ALWAYS or any(getattr(summary.pooled[arm.name], name).value for arm in shown)
    ]
    rows = [
        tag(
            "tr",
            tag("th", MEASURES[name].title, tag("span", MEASURES[name].hint, cls="sub"), scope="row"),
            (tag("td", rate(getattr(summary.pooled[arm.name], name)), cls="n") for arm in shown),
        )
        for name in lines
    ]
    head = heads(("", None), *((arm.title, "n") for arm in shown))
    return join(
        [
            scroll(tag("table", head, tag("tbody", rows))),
            tag(
                "p",
                "Answer and reasoning are graded apart: a right verdict for a wrong reason is right above and counted "
                "here. What is held against the reasoning is the policy’s and the case’s, not another model’s opinion, "
                "unless a line says so. None of this shows that the reasoning caused the answer.",
                cls="note",
            ),
        ]
    )


def judged(summary: EvaluationSummary) -> Markup | None:
    """How far the judge agrees with the criteria, arm by arm."""
    if not summary.agreements:
        return None
    return join(
        [
            tag(
                "p",
                "A model judged these answers, and the verdicts are its own. The policy’s criteria read them too. "
                "Kappa is Cohen’s: agreement beyond chance, 1 at most.",
            ),
            *(_agreement(arm_title(arm), found) for arm, found in summary.agreements.items()),
        ]
    )


def _agreement(title: str, found: JudgeAgreement) -> Markup:
    columns = list(next(iter(found.table.values()), {}))
    rows = [
        tag("tr", tag("th", badge(one), scope="row"), (tag("td", row[other], cls="n") for other in columns))
        for one, row in found.table.items()
    ]
    head = heads((f"{found.first}, by {found.second}", None), *((badge(other), "n") for other in columns))
    return join(
        [
            tag("h3", title),
            tag(
                "p",
                "agreed ",
                rate(found.agreed),
                f"; kappa {found.kappa} over five classes, {found.refusal} on refused or not; "
                f"{found.both} of {found.answers} answers that both could tell",
            ),
            scroll(tag("table", head, tag("tbody", rows), cls="small")),
        ]
    )
