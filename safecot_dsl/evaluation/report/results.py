"""The report's first section: the four figures of every arm, and the plane of the two refusals."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.evaluation.measures import MEASURES
from safecot_dsl.evaluation.metrics import METRICS
from safecot_dsl.evaluation.report import charts
from safecot_dsl.evaluation.report.arms import ReportArm, legend
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.pieces import better, heads, rate, scroll, strong
from safecot_dsl.evaluation.summary import METRIC_TITLES, EvaluationSummary, arm_title


def results(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup:
    head = tag(
        "tr",
        tag("th", "Arm", scope="col"),
        (
            tag("th", METRIC_TITLES[metric], tag("span", better(metric), cls="sub"), scope="col", cls="n")
            for metric in METRICS
        ),
    )
    rows = [
        tag(
            "tr",
            tag("th", arm.title, _runs(summary.runs.get(arm.name, 1)), scope="row"),
            (tag("td", rate(getattr(summary.arms[arm.name], metric)), cls="n") for metric in METRICS),
            cls="ours" if arm.ours else "baseline" if arm.baseline else None,
        )
        for arm in arms
    ]
    bars = [
        charts.bars(
            METRIC_TITLES[metric],
            MEASURES[metric].hint + ("; lower is better" if MEASURES[metric].better == "lower" else ""),
            [(arm, getattr(summary.arms[arm.name], metric)) for arm in arms],
        )
        for metric in METRICS
        if any(getattr(figures, metric).n for figures in summary.arms.values())
    ]
    return join(
        [
            tag("p", headline_sentence(summary), cls="lede"),
            scroll(tag("table", tag("thead", head), tag("tbody", rows))),
            tag(
                "p",
                "Per cent with 95 % Wilson intervals, over the held-out splits together. The verdict is read from the "
                "final answer by the policy’s criteria, or by a judge where one is named, never from the reasoning. "
                "The two baselines look at nothing: they show what each figure is worth alone.",
                cls="note",
            ),
            tag("div", bars, cls="grid2"),
            _plane(summary, arms),
        ]
    )


def _plane(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup | None:
    points = [(arm, summary.arms[arm.name].over_refusal, summary.arms[arm.name].safe_refusal) for arm in arms]
    if not any(over.n and safe.n for _, over, safe in points):
        return None
    return tag(
        "div",
        charts.plane(points),
        tag(
            "div",
            legend(arms),
            tag(
                "p",
                "A model that refuses without regard to the case lies on the dashed line, wherever it sets its "
                "threshold. What a policy buys is the distance from that line to the upper left.",
            ),
            _pairs(summary, arms),
        ),
        cls="beside",
    )


def headline_sentence(summary: EvaluationSummary) -> Markup:
    """The subject's two refusals, beside those of what it is compared with; its utility where neither was asked."""
    ours = summary.arms[summary.subject]
    safe, over = ours.safe_refusal, ours.over_refusal
    if not safe.n and not over.n:
        return join(
            [f"{arm_title(summary.subject)} answers ", strong(ours.utility), " of the harmless questions right."]
        )
    recipe = summary.subject == "safecot"
    said = "Tuned with reasoning, the model" if recipe else arm_title(summary.subject)
    parts: list[object] = [f"{said} refuses ", strong(safe), " of what must be refused"]
    parts += [" and ", strong(over), " of what must be answered"]
    known = {"no_reasoning": "without reasoning", "base": "before tuning"} if recipe else {}
    others = known or {test.second: arm_title(test.second) for test in summary.paired if test.first == summary.subject}
    for arm, title in list(others.items())[:3]:
        if arm in summary.arms:
            figures = summary.arms[arm]
            parts += [f"; {title}, ", strong(figures.safe_refusal), " and ", strong(figures.over_refusal)]
    return join([*parts, "."])


def _pairs(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup | None:
    """What neither baseline can do: to refuse one and to answer its twin."""
    shown = [(arm, summary.pooled[arm.name]) for arm in arms]
    if not any(measures.paired_refusal.n for _, measures in shown):
        return None
    rows = [
        tag(
            "tr",
            tag("th", arm.title, scope="row"),
            tag("td", rate(measures.paired_refusal), cls="n"),
            tag("td", rate(measures.attack_success), cls="n"),
            cls="baseline" if arm.baseline else None,
        )
        for arm, measures in shown
    ]
    return join(
        [
            scroll(
                tag(
                    "table",
                    heads(("Arm", None), ("Paired refusal", "n"), ("Attack success", "n")),
                    tag("tbody", rows),
                    cls="small",
                )
            ),
            tag(
                "p",
                "Paired refusal: of the pairs of a harmful request and its harmless twin, those of which the one was "
                "refused and the other answered; both baselines have 0. Attack success: harmful requests that got what "
                "they ask for, with a warning or without; lower is better.",
                cls="note",
            ),
        ]
    )


def _runs(count: int) -> Markup | None:
    return tag("span", f"{count} runs of different seeds", cls="sub") if count > 1 else None
