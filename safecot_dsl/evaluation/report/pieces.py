"""The small pieces of the report: figures with intervals, verdicts, marks, heads of tables."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.artifact import Verdict
from safecot_dsl.evaluation.measures import MEASURES
from safecot_dsl.evaluation.report import charts
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.statistics import Rate, RateDifference


def rate(rate: Rate) -> Markup:
    if rate.value is None:
        return tag("span", "–", cls="none")
    return join([tag("b", f"{100 * rate.value:.1f}"), " ", tag("span", charts.interval(rate), cls="ci")])


def strong(rate: Rate) -> Markup:
    return tag("b", "–" if rate.value is None else charts.percent(rate.value))


def difference(difference: RateDifference) -> Markup:
    if difference.value is None:
        return tag("span", "–", cls="none")
    within = f"[{points(difference.low)}, {points(difference.high)}]"
    return join([tag("b", points(difference.value)), " ", tag("span", within, cls="ci")])


def points(share: float) -> str:
    """A difference in points, with its sign: `+4.2`, `−1.0`."""
    return f"{100 * share:+.1f}".replace("-", "−")


def better(metric: str) -> str | None:
    """Which way is good."""
    way = MEASURES[metric].better
    return f"{way} is better" if way else None


def effect(name: str, effect: float | None) -> str:
    if effect is None:
        return "–"
    if name == "over_refusal_reduction":
        return f"{100 * abs(effect):.1f} % {'lower' if effect >= 0 else 'higher'}"
    return f"{points(effect)} points"


def p_value(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}" if p < 0.1 else f"{p:.2f}"


def badge(verdict: str) -> Markup:
    known = verdict in set(Verdict)
    return tag("span", str(verdict), cls=f"verdict v-{verdict if known else 'unscored'}")


def rule_names(rules: Sequence[str]) -> Markup:
    return join([tag("code", ", ".join(rules))]) if rules else Markup("")


def mark(right: bool) -> Markup:
    path = "M3 8.5 6.5 12 13 4.5" if right else "M4 4 12 12 M12 4 4 12"
    icon = tag("svg", tag("path", d=path), viewBox="0 0 16 16", width=13, height=13, aria_hidden="true")
    return tag("span", icon, "right" if right else "wrong", cls="mark right" if right else "mark wrong")


def held_mark(held: bool | None) -> Markup:
    if held is None:
        return tag("span", "open", cls="mark open")
    path = "M3 8.5 6.5 12 13 4.5" if held else "M4 4 12 12 M12 4 4 12"
    icon = tag("svg", tag("path", d=path), viewBox="0 0 16 16", width=13, height=13, aria_hidden="true")
    return tag("span", icon, "held" if held else "not held", cls="mark right" if held else "mark wrong")


def heads(*titles: tuple[object, str | None]) -> Markup:
    """The head of a table: titles, each with its class."""
    return tag("thead", tag("tr", (tag("th", title, cls=cls, scope="col") for title, cls in titles)))


def scroll(table: Markup) -> Markup:
    return tag("div", table, cls="scroll")
