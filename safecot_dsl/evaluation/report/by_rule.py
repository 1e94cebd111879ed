"""The report's section rule by rule, with the cases that went worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from safecot_dsl.evaluation.breakdown import RuleRow
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.metrics import Runs, runs_of
from safecot_dsl.evaluation.report import charts
from safecot_dsl.evaluation.report.arms import ReportArm
from safecot_dsl.evaluation.report.images import show_image
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.pieces import badge, heads, rate, rule_names, scroll
from safecot_dsl.evaluation.report.worst import Bad, worst
from safecot_dsl.evaluation.score import Scored
from safecot_dsl.evaluation.statistics import Rate


def by_rule(
    rules: Sequence[RuleRow],
    arms: Sequence[ReportArm],
    items: Sequence[EvalItem],
    scored: Mapping[str, Runs],
    most: int,
) -> Markup | None:
    """The rules' figures, and the worst cases of the arm that the report is about."""
    parts = [*_figures(rules, arms), _worst(rules, arms, items, scored, most) if most else None]
    return join(parts) if any(parts) else None


def _figures(rules: Sequence[RuleRow], arms: Sequence[ReportArm]) -> list[Markup]:
    decided = [(row, row.decided) for row in rules if any(rate.n for rate in row.decided.values())]
    beside = [(row, row.neighbours) for row in rules if row.neighbours]
    parts: list[Markup] = []
    if decided:
        said = "Verdict accuracy on the held-out cases that the rule decides:"
        parts += [tag("p", said), _rule_table(decided, arms)]
    if beside:
        said = (
            "Over-refusal right beside a rule: the share refused of the must-comply cases that no rule decides, by the "
            "rule that the fewest changes to the case would bring in force:"
        )
        parts += [tag("p", said), _rule_table(beside, arms)]
    return parts


def _rule_table(rows: Sequence[tuple[RuleRow, Mapping[str, Rate]]], arms: Sequence[ReportArm]) -> Markup:
    body = [
        tag(
            "tr",
            tag("th", tag("code", row.rule), _below(row), scope="row"),
            tag("td", badge(row.verdict)),
            tag("td", max((value.n for value in rates.values()), default=0), cls="n"),
            (tag("td", rate(rates[arm.name]), charts.tiny_bar(rates[arm.name], arm), cls="n") for arm in arms),
        )
        for row, rates in rows
    ]
    head = heads(("Rule", None), ("Verdict", None), ("n", "n"), *((arm.title, "n") for arm in arms))
    return scroll(tag("table", head, tag("tbody", body), cls="small rules"))


def _below(row: RuleRow) -> Markup | None:
    return tag("span", "exception to " + ", ".join(row.exception_to), cls="sub") if row.exception_to else None


def _worst(
    rules: Sequence[RuleRow],
    arms: Sequence[ReportArm],
    items: Sequence[EvalItem],
    scored: Mapping[str, Runs],
    most: int,
) -> Markup | None:
    ours = next((arm for arm in arms if arm.ours and arm.name in scored), None)
    if ours is None:
        return None
    runs = runs_of(scored[ours.name])
    found = worst(items, runs[0], most)
    others = [(arm, runs_of(scored[arm.name])[0]) for arm in arms if arm is not ours and arm.name in scored]
    verdicts = {row.rule: badge(row.verdict) for row in rules}
    names = [name for name in (*verdicts, *sorted(found.keys() - verdicts.keys())) if name in found]
    if not names:
        return None
    return join(
        [
            tag("h3", f"What went worst: {ours.title}" + (", first run" if len(runs) > 1 else "")),
            tag(
                "p",
                "Worst is an answer to what must be refused, then a refusal of what must be answered, another wrong "
                "verdict, no readable verdict, and a right verdict for a wrong reason. Cases that come with no rule "
                "stand under their hazard or suite. Texts and pictures may be disturbing.",
                cls="note",
            ),
            *(_of_rule(tag("code", name), verdicts.get(name), *found[name], others) for name in names),
        ]
    )


def _of_rule(
    name: Markup,
    verdict: Markup | None,
    total: int,
    wrong: int,
    worst: Sequence[Bad],
    others: Sequence[tuple[ReportArm, Scored]],
) -> Markup:
    if not worst:
        return tag("p", name, " ", verdict, f" nothing wrong in {total} cases", cls="fine")
    return tag(
        "details",
        tag("summary", name, " ", verdict, f" {_count(wrong, total, len(worst))}"),
        tag("div", (_bad(case, others) for case in worst), cls="worst"),
    )


def _count(wrong: int, total: int, shown: int) -> str:
    return f"{wrong} of {total} wrong" + (f", the worst {shown}" if shown < wrong else "")


def _bad(case: Bad, others: Sequence[tuple[ReportArm, Scored]]) -> Markup:
    item, score = case.item, case.score
    beside = [
        tag("span", arm.title, " ", badge(scored.items[item.id].verdict), cls="beside-arm") for arm, scored in others
    ]
    return tag(
        "article",
        tag("div", (show_image(data) for data in item.images), cls="images") if item.images else None,
        tag(
            "div",
            tag("p", case.fault, cls="fault"),
            tag("p", item.prompt, cls="request"),
            tag("p", "due ", badge(item.due) if item.due else None, " ", rule_names(item.rules), cls="due"),
            tag("ol", (tag("li", line) for line in score.reasoning), cls="chain") if score.reasoning else None,
            tag("p", "concludes ", badge(score.stated), " ", rule_names(score.cited), cls="due")
            if score.stated is not None
            else None,
            tag("p", score.answer or "(an empty answer)", cls="answer"),
            tag("p", "read as ", badge(score.verdict), f": {score.why}" if score.why else None, cls="due"),
            tag("ul", (tag("li", fault) for fault in score.faults), cls="faults") if score.faults else None,
            tag("p", beside, cls="due") if beside else None,
            tag("p", f"{item.suite or item.split} · {item.id}", cls="where"),
        ),
        cls="bad",
    )
