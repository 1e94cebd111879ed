"""The report's section on the hypothesis that was set down before the run."""

from __future__ import annotations

from safecot_dsl.evaluation.hypothesis import Claim
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.pieces import effect, heads, held_mark, p_value, rate, scroll
from safecot_dsl.evaluation.summary import EvaluationSummary


def hypothesis(summary: EvaluationSummary) -> Markup | None:
    judged = summary.hypothesis
    if judged is None:
        return None
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
            tag("td", effect(claim.name, claim.effect), tag("span", _within(claim), cls="sub ci"), cls="n"),
            tag("td", p_value(claim.paired.p) if claim.paired else "–", cls="n"),
        )
        for claim in judged.claims
    ]
    head = heads(("", None), ("Claim", None), ("Reference", "n"), ("SafeCoT", "n"), ("Effect", "n"), ("paired p", "n"))
    return join(
        [
            tag("p", "Set down before the run, and judged on the split ", tag("code", judged.split), ":"),
            tag("blockquote", judged.statement),
            tag("p", outcome, cls="outcome"),
            scroll(tag("table", head, tag("tbody", rows))),
            tag(
                "p",
                "Judged by point estimates. It holds if the first two claims do, or the third, and the fourth. The "
                "intervals and the exact paired tests say how far chance alone could have moved them.",
                cls="note",
            ),
        ]
    )


def _within(claim: Claim) -> str | None:
    """The interval of an effect, where the effect is known."""
    if claim.effect is None:
        return None
    low, high = ("?" if end is None else f"{100 * end:+.1f}".replace("-", "−") for end in (claim.low, claim.high))
    return f"[{low}, {high}]"
