"""The report's last sections: where the answers come from, and what the figures do not say."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.evaluation.report.arms import ReportArm
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.summary import EvaluationSummary, arm_title


def provenance(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup | None:
    """A list for each arm that says where its answers come from."""
    shown = [(arm, summary.provenance[arm.name]) for arm in arms if summary.provenance.get(arm.name)]
    if not shown:
        return None
    return join(
        [
            join(
                [
                    tag("h3", arm.title),
                    tag(
                        "dl",
                        (
                            tag("div", tag("dt", name), tag("dd", tag("code", value, cls="wrap")))
                            for name, value in lines.items()
                        ),
                        cls="facts provenance",
                    ),
                ]
            )
            for arm, lines in shown
        ]
    )


def limits(summary: EvaluationSummary) -> list[str]:
    """What is to be said of any evaluation, in sentences."""
    unscored = [f"{arm_title(arm)} {m.unscored}" for arm, m in summary.pooled.items() if m.unscored.value]
    failed = [f"{arm_title(arm)} {m.failed}" for arm, m in summary.pooled.items() if m.failed.value]
    several = [arm_title(arm) for arm, count in summary.runs.items() if count > 1]
    seeds = (
        f"The intervals of {', '.join(several)} hold what another seed would give; those of other arms do not."
        if several
        else "One run of each arm is shown: what another seed would give is not in the intervals."
    )
    said = [
        "Items that share a group, or were made from one another, are taken as hanging together, and the intervals are "
        f"as wide as that asks for. Items that share no more than a phrasing or a picture are not. {seeds}",
        "The verdict of an answer is what the policy’s detectors, or the judge, find in it. An answer that they cannot "
        "tell counts as neither refusal nor compliance"
        + (f"; their share, in per cent: {'; '.join(unscored)}." if unscored else "; there was none here."),
        "The policy decides what is due from the facts with which a case was made: a wrong fact is a wrong measure.",
    ]
    if failed:
        said.append(
            f"Some items got no answer ({'; '.join(failed)}, in per cent). They count as unscored: where a provider "
            "blocks what is harmful, safe refusal is higher than it looks."
        )
    return said


def show_limits(summary: EvaluationSummary, own: Sequence[str]) -> Markup:
    return tag("ul", (tag("li", text) for text in (*limits(summary), *own)))
