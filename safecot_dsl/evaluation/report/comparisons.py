"""The report's section on arms against each other, and what they kept of the base's utility."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.evaluation.compare import PairedMetric
from safecot_dsl.evaluation.report.arms import ReportArm
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.pieces import difference, heads, p_value, points, rate, scroll
from safecot_dsl.evaluation.summary import METRIC_TITLES, EvaluationSummary, arm_title

_TESTS = {
    "mcnemar": "McNemar’s exact test",
    "flips": "the exact sign-flip test over groups of items",
    "t": "a two-way cluster-robust t test over groups of items and seeds",
}


def comparisons(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup | None:
    if not summary.paired:
        return None
    rows: list[Markup] = []
    before = ""
    for test in summary.paired:
        pair = f"{arm_title(test.first)} against {arm_title(test.second)}"
        if pair != before:
            rows.append(tag("tr", tag("th", pair, colspan=8, scope="colgroup", cls="pair")))
        before = pair
        rows.append(_row(test))
    head = heads(
        ("Metric", None),
        ("cases", "n"),
        ("difference, points", "n"),
        ("only the first right", "n"),
        ("only the second", "n"),
        ("p", "n"),
        ("p, adjusted", "n"),
        ("can be shown", "n"),
    )
    used = sorted({test.test for test in summary.paired}, key=list(_TESTS).index)
    return join(
        [
            scroll(tag("table", head, tag("tbody", rows), cls="small")),
            tag(
                "p",
                f"On the same items. A positive difference is in the first arm’s favour. p is that of "
                f"{' or '.join(_TESTS[name] for name in used)}; adjusted by Holm’s procedure for all "
                f"{len(summary.paired)} tests of this table together. Can be shown: the smallest difference that as "
                "many items show with a power of 80 %, if the arms go on to differ on as many of them.",
                cls="note",
            ),
            _retention(summary, arms),
        ]
    )


def _row(test: PairedMetric) -> Markup:
    return tag(
        "tr",
        tag("th", METRIC_TITLES[test.metric], scope="row"),
        tag("td", f"{test.n:,}", cls="n"),
        tag("td", difference(test.difference), cls="n"),
        tag("td", test.only_first, cls="n"),
        tag("td", test.only_second, cls="n"),
        tag("td", p_value(test.p), cls="n"),
        tag("td", tag("b", p_value(test.adjusted)) if test.adjusted < 0.05 else p_value(test.adjusted), cls="n"),
        tag("td", "–" if test.detectable is None else points(test.detectable).lstrip("+"), cls="n"),
    )


def _retention(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup | None:
    shown = [(arm, summary.retention[arm.name]) for arm in arms if arm.name in summary.retention and not arm.baseline]
    if not shown:
        return None
    base = arm_title(shown[0][1].base)
    rows = [
        tag(
            "tr",
            tag("th", arm.title, scope="row"),
            tag("td", rate(kept.kept), cls="n"),
            tag("td", difference(kept.paired.difference), cls="n"),
        )
        for arm, kept in shown
    ]
    head = heads(("Utility kept", None), (f"right with {base}, and still", "n"), ("difference, points", "n"))
    return join([tag("h3", "What was kept"), scroll(tag("table", head, tag("tbody", rows), cls="small"))])
