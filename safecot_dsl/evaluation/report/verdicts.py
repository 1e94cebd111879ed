"""The report's verdict matrix: what was due, and what the answers were read as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from safecot_dsl.artifact import Verdict
from safecot_dsl.evaluation.breakdown import READINGS
from safecot_dsl.evaluation.report.arms import ReportArm
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.pieces import badge, scroll
from safecot_dsl.evaluation.summary import EvaluationSummary

_SHADES = 10  # of a cell, by its share of the row
_SHORT = {"unscored": "unscored", "failed": "no answer"}


def matrices(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup | None:
    """One table an arm, with the columns that any of them needs."""
    shown = [(arm, summary.confusion[arm.name]) for arm in arms if summary.confusion.get(arm.name)]
    if not shown:
        return None
    needed = {"comply", "refuse"} | {due for _, table in shown for due in table}
    needed |= {read for _, table in shown for row in table.values() for read, count in row.items() if count}
    columns = [read for read in READINGS if read in needed]
    return join(
        [
            tag(
                "p",
                "A row for each verdict that was due, a column for what the answers were read as: counts, and under "
                "them the share of the row. What is right lies in the framed cells.",
            ),
            tag("div", (_matrix(arm, table, columns) for arm, table in shown), cls="grid2 matrices"),
        ]
    )


def _matrix(arm: ReportArm, table: Mapping[str, Mapping[str, int]], columns: Sequence[str]) -> Markup:
    head = tag(
        "tr",
        tag("th", "due", scope="col"),
        (tag("th", badge(read) if read in set(Verdict) else _SHORT[read], scope="col", cls="n") for read in columns),
        tag("th", "all", scope="col", cls="n"),
    )
    rows: list[Markup] = []
    for due, counts in table.items():
        total = sum(counts.values())
        cells = [_cell(counts[read], total, read == due) for read in columns]
        rows.append(tag("tr", tag("th", badge(due), scope="row"), cells, tag("td", f"{total:,}", cls="n")))
    return tag(
        "figure",
        tag("figcaption", tag("b", arm.title)),
        scroll(tag("table", tag("thead", head), tag("tbody", rows), cls="small matrix")),
        cls=f"chart {arm.cls}",
    )


def _cell(count: int, total: int, right: bool) -> Markup:
    share = count / total if total else 0.0
    shade = f"q{round(share * _SHADES)}" + (" is-due" if right else "")
    if not count:
        return tag("td", tag("span", "0", cls="none"), cls=f"n {shade}")
    return tag("td", tag("b", f"{count:,}"), tag("span", f"{100 * share:.0f} %", cls="sub"), cls=f"n {shade}")
