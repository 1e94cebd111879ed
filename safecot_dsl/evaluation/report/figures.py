"""The report's sections on what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from safecot_dsl.evaluation.curves import Curve
from safecot_dsl.evaluation.metrics import METRICS, Metric
from safecot_dsl.evaluation.report import charts
from safecot_dsl.evaluation.report.arms import Arm, legend, look
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.pieces import badge, effect, held_mark, p_value, rate, scroll, strong
from safecot_dsl.evaluation.statistics import Rate
from safecot_dsl.evaluation.summary import ARM_TITLES, METRIC_TITLES, PairedMetric, RuleRow, Summary

_HINTS: dict[Metric, str] = {
    "safe_refusal": "requests to be refused that were refused",
    "over_refusal": "requests to be answered that were refused",
    "verdict_accuracy": "answers with the verdict that is due",
    "utility": "right answers to harmless questions",
}


def results(summary: Summary, arms: Sequence[Arm]) -> Markup:
    head = tag(
        "tr",
        tag("th", "Arm", scope="col"),
        (
            tag(
                "th",
                METRIC_TITLES[metric],
                tag("span", "lower is better" if metric == "over_refusal" else "higher is better", cls="sub"),
                scope="col",
                cls="n",
            )
            for metric in METRICS
        ),
    )
    rows = [
        tag(
            "tr",
            tag("th", arm.title, scope="row"),
            (tag("td", rate(getattr(summary.arms[arm.name], metric)), cls="n") for metric in METRICS),
            cls="ours" if arm.name == "safecot" else "pole" if arm.pole else None,
        )
        for arm in arms
    ]
    charts_ = [
        charts.bars(
            METRIC_TITLES[metric],
            _HINTS[metric] + ("; lower is better" if metric == "over_refusal" else ""),
            [(arm, getattr(summary.arms[arm.name], metric)) for arm in arms],
        )
        for metric in METRICS
    ]
    points = [(arm, summary.arms[arm.name].over_refusal, summary.arms[arm.name].safe_refusal) for arm in arms]
    return join(
        [
            tag("p", _headline_sentence(summary), cls="lede"),
            scroll(tag("table", tag("thead", head), tag("tbody", rows))),
            tag(
                "p",
                "Per cent with 95 % Wilson intervals, over the held-out splits together. The verdict is read from the "
                "final answer by the policy’s criteria, never from the reasoning. The two poles look at nothing: "
                "they show what each figure is worth alone.",
                cls="note",
            ),
            tag("div", charts_, cls="grid2"),
            tag(
                "div",
                charts.plane(points),
                tag(
                    "div",
                    legend(arms),
                    tag(
                        "p",
                        "A model that refuses without regard to the case lies on the dashed line, wherever it sets "
                        "its threshold. What a policy buys is the distance from that line to the upper left.",
                    ),
                    _paired_table(summary.paired),
                ),
                cls="beside",
            ),
        ]
    )


def _headline_sentence(summary: Summary) -> Markup:
    ours = summary.arms.get("safecot")
    if ours is None:
        return join(["This evaluation has no arm tuned with reasoning."])
    safe, over = ours.safe_refusal, ours.over_refusal
    parts: list[object] = ["Tuned with reasoning, the model refuses ", strong(safe), " of what must be refused"]
    parts += [" and ", strong(over), " of what must be answered"]
    control = summary.arms.get("no_reasoning")
    if control is not None:
        parts += ["; without reasoning, ", strong(control.safe_refusal), " and ", strong(control.over_refusal)]
    base = summary.arms.get("base")
    if base is not None:
        parts += ["; before tuning, ", strong(base.safe_refusal), " and ", strong(base.over_refusal)]
    return join([*parts, "."])


def _paired_table(tests: Sequence[PairedMetric]) -> Markup | None:
    if not tests:
        return None
    rows = [
        tag(
            "tr",
            tag("th", METRIC_TITLES[test.metric], scope="row"),
            tag("td", {"no_reasoning": "without reasoning", "base": "base"}.get(test.second, test.second)),
            tag("td", test.only_first, cls="n"),
            tag("td", test.only_second, cls="n"),
            tag("td", p_value(test.p), cls="n"),
        )
        for test in tests
    ]
    heads = (
        ("Metric", None),
        ("SafeCoT against", None),
        ("only SafeCoT right", "n"),
        ("only the other", "n"),
        ("p", "n"),
    )
    return tag(
        "details",
        tag("summary", "Paired tests (McNemar, exact)"),
        scroll(
            tag(
                "table",
                tag("thead", tag("tr", (tag("th", name, cls=cls, scope="col") for name, cls in heads))),
                tag("tbody", rows),
                cls="small",
            )
        ),
    )


def hypothesis(summary: Summary) -> Markup:
    judged = summary.hypothesis
    outcome = {
        True: "The hypothesis held on this run.",
        False: "The hypothesis did not hold on this run.",
        None: "The hypothesis is open: a figure that it needs is missing.",
    }[judged.held]
    rows = [
        tag(
            "tr",
            tag("td", held_mark(claim.held)),
            tag("th", claim.statement, tag("span", claim.note, cls="sub") if claim.note else None, scope="row"),
            tag("td", rate(claim.reference_rate) if claim.reference_rate else "–", cls="n"),
            tag("td", rate(claim.safecot_rate) if claim.safecot_rate else "–", cls="n"),
            tag("td", effect(claim.name, claim.effect), cls="n"),
            tag("td", p_value(claim.paired.p) if claim.paired else "–", cls="n"),
        )
        for claim in judged.claims
    ]
    heads = (("", None), ("Claim", None), ("Reference", "n"), ("SafeCoT", "n"), ("Effect", "n"), ("paired p", "n"))
    return join(
        [
            tag("p", "Set down before the run, and judged on the split ", tag("code", judged.split), ":"),
            tag("blockquote", judged.statement),
            tag("p", outcome, cls="outcome"),
            scroll(
                tag(
                    "table",
                    tag("thead", tag("tr", (tag("th", name, cls=cls, scope="col") for name, cls in heads))),
                    tag("tbody", rows),
                )
            ),
            tag(
                "p",
                "Judged by point estimates. It holds if the first two claims do, or the third, and the fourth. The "
                "intervals and the exact paired tests say how far chance alone could have moved them.",
                cls="note",
            ),
        ]
    )


def splits(summary: Summary, arms: Sequence[Arm]) -> Markup:
    panels = (
        ("safe_refusal", "Safe refusal", "higher is better"),
        ("over_refusal", "Over-refusal", "lower is better"),
        ("near_over_refusal", "Over-refusal next to a refusal", "one fact away from a case that must be refused"),
        ("verdict_accuracy", "Verdict accuracy", "higher is better"),
        ("utility", "Utility", "higher is better"),
        ("perception", "Perception", "right answers on what the image shows"),
    )
    figures = [
        charts.split_dots(
            title,
            hint,
            [
                (
                    split if split in summary.held_out else f"{split} (not in the headline)",
                    [(arm, getattr(measures[arm.name], key)) for arm in arms if arm.name in measures],
                )
                for split, measures in summary.splits.items()
            ],
        )
        for key, title, hint in panels
        if any(getattr(m, key).n for measures in summary.splits.values() for m in measures.values())
    ]
    head = tag(
        "tr",
        (tag("th", name, scope="col") for name in ("Split", "Arm")),
        (tag("th", title, scope="col", cls="n") for _, title, _ in panels),
    )
    rows = [
        tag(
            "tr",
            tag("th", split if i == 0 else "", scope="row"),
            tag("td", arm.title),
            (tag("td", rate(getattr(measures[arm.name], key)), cls="n") for key, _, _ in panels),
        )
        for split, measures in summary.splits.items()
        for i, arm in enumerate(arms)
        if arm.name in measures
    ]
    return join(
        [
            legend(arms),
            tag("div", figures, cls="grid2"),
            tag(
                "details",
                tag("summary", "The same as a table"),
                scroll(tag("table", tag("thead", head), tag("tbody", rows), cls="small")),
            ),
        ]
    )


def reasoning(summary: Summary, arms: Sequence[Arm]) -> Markup | None:
    lines = (
        ("reasoning", "Reasoning present", "answers to policy items that carry a reasoning block"),
        ("observed_right", "Observation right", "its first line is what the policy says of the image"),
        ("cited_right", "Rules cited right", "it ends in the rules that decide the case"),
        ("agreement", "Answer agrees", "the answer’s verdict is the one that the reasoning ends in"),
        ("unscored", "Unscored", "answers that the criteria cannot tell"),
    )
    shown = [arm for arm in arms if arm.name in summary.pooled]
    head = tag("tr", tag("th", "", scope="col"), (tag("th", arm.title, scope="col", cls="n") for arm in shown))
    rows = [
        tag(
            "tr",
            tag("th", title, tag("span", hint, cls="sub"), scope="row"),
            (tag("td", rate(getattr(summary.pooled[arm.name], key)), cls="n") for arm in shown),
        )
        for key, title, hint in lines
    ]
    return scroll(tag("table", tag("thead", head), tag("tbody", rows)))


def rule_rows(rules: Sequence[RuleRow], arms: Sequence[Arm]) -> Markup | None:
    if not rules:
        return None
    beside = [(row, row.neighbours) for row in rules if row.neighbours]
    return join(
        [
            tag("p", "Verdict accuracy on the held-out cases that the rule decides:"),
            _rule_table([(row, row.decided) for row in rules if any(rate.n for rate in row.decided.values())], arms),
            tag(
                "p",
                "Over-refusal right beside a rule: the share refused of the must-comply cases that no rule decides, by "
                "the rule that the fewest changes to the case would bring in force:",
            )
            if beside
            else None,
            _rule_table(beside, arms) if beside else None,
        ]
    )


def _rule_table(rows: Sequence[tuple[RuleRow, Mapping[str, Rate]]], arms: Sequence[Arm]) -> Markup:
    heads = [("Rule", None), ("Verdict", None), ("n", "n"), *((arm.title, "n") for arm in arms)]
    body = [
        tag(
            "tr",
            tag(
                "th",
                tag("code", row.rule),
                tag("span", "exception to " + ", ".join(row.exception_to), cls="sub") if row.exception_to else None,
                scope="row",
            ),
            tag("td", badge(row.verdict)),
            tag("td", max((value.n for value in rates.values()), default=0), cls="n"),
            (tag("td", rate(rates[arm.name]), charts.tiny_bar(rates[arm.name], arm), cls="n") for arm in arms),
        )
        for row, rates in rows
    ]
    return scroll(
        tag(
            "table",
            tag("thead", tag("tr", (tag("th", name, cls=cls, scope="col") for name, cls in heads))),
            tag("tbody", body),
            cls="small rules",
        )
    )


def training(curves: Mapping[str, Curve]) -> Markup | None:
    drawn = [(arm, curves[arm.name]) for arm in look(curves) if curves[arm.name].steps]
    if not drawn:
        return None
    rows = [
        tag(
            "tr",
            tag("th", arm.title, scope="row"),
            tag("td", curve.steps[-1], cls="n"),
            tag("td", f"{curve.losses[0]:.3g}", cls="n"),
            tag("td", f"{curve.losses[-1]:.3g}", cls="n"),
        )
        for arm, curve in drawn
    ]
    heads = (("Arm", None), ("steps", "n"), ("first loss", "n"), ("last loss", "n"))
    return tag(
        "div",
        charts.curve_chart(drawn),
        tag(
            "div",
            legend(arm for arm, _ in drawn),
            scroll(
                tag(
                    "table",
                    tag("thead", tag("tr", (tag("th", name, cls=cls, scope="col") for name, cls in heads))),
                    tag("tbody", rows),
                    cls="small",
                )
            ),
            tag(
                "p",
                "Losses of arms that learn different texts cannot be compared with each other: a reasoning is longer "
                "and more regular than an answer. The arms have the same rows and steps, not the same tokens.",
                cls="note",
            ),
        ),
        cls="beside",
    )


def show_limits(summary: Summary, limits: Sequence[str]) -> Markup:
    unscored = [f"{ARM_TITLES.get(arm, arm)} {m.unscored}" for arm, m in summary.pooled.items() if m.unscored.value]
    general = [
        "The intervals take the items as independent draws; items that share a group, an image or a phrasing are not, "
        "so the true uncertainty is larger. One run of each arm is shown: what another seed would give is not in them.",
        "The verdict of an answer is what the policy’s detectors find in it. An answer that they cannot tell counts as "
        "neither refusal nor compliance"
        + (f"; their share, in per cent: {'; '.join(unscored)}." if unscored else "; there was none here."),
        "The policy decides what is due from the facts with which a case was made: a wrong fact is a wrong measure.",
    ]
    return tag("ul", (tag("li", text) for text in (*general, *limits)))
