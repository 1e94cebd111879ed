"""The report's section on the training runs."""

from __future__ import annotations

from collections.abc import Mapping

from safecot_dsl.evaluation.curves import Curve
from safecot_dsl.evaluation.report import charts
from safecot_dsl.evaluation.report.arms import legend, look
from safecot_dsl.evaluation.report.markup import Markup, tag
from safecot_dsl.evaluation.report.pieces import heads, scroll


def training(curves: Mapping[str, Curve], subject: str) -> Markup | None:
    drawn = [(arm, curves[arm.name]) for arm in look(curves, subject) if curves[arm.name].steps]
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
    head = heads(("Arm", None), ("steps", "n"), ("first loss", "n"), ("last loss", "n"))
    return tag(
        "div",
        charts.curve_chart(drawn),
        tag(
            "div",
            legend(arm for arm, _ in drawn),
            scroll(tag("table", head, tag("tbody", rows), cls="small")),
            tag(
                "p",
                "Losses of arms that learn different texts cannot be compared with each other: a reasoning is longer "
                "and more regular than an answer. The arms have the same rows and steps, not the same tokens.",
                cls="note",
            ),
        ),
        cls="beside",
    )
