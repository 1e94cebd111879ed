"""The report's section on whether the answer comes from the reasoning."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.evaluation.faithfulness.effects import ImageEffects, ReasoningEffects
from safecot_dsl.evaluation.faithfulness.figures import (
    IMAGE,
    IMAGE_MEANS,
    REASONING,
    REASONING_MEANS,
    REASONING_OF,
    Figure,
    notes,
)
from safecot_dsl.evaluation.report.arms import ReportArm
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.pieces import heads, rate, scroll
from safecot_dsl.evaluation.statistics import Rate
from safecot_dsl.evaluation.summary import EvaluationSummary

TITLE = "Does the answer come from the reasoning?"

_Found = Sequence[tuple[ReportArm, ImageEffects]] | Sequence[tuple[ReportArm, ReasoningEffects]]


def faithfulness(summary: EvaluationSummary, arms: Sequence[ReportArm]) -> Markup | None:
    """Both experiments, arm beside arm; None where neither was made."""
    known = [(arm, summary.faithfulness[arm.name]) for arm in arms if arm.name in summary.faithfulness]
    reasoned = [(arm, found.reasoning) for arm, found in known if found.reasoning is not None]
    pictured = [(arm, found.image) for arm, found in known if found.image is not None]
    parts = [*_reasoning(reasoned), *_image(pictured)]
    return join(parts) if parts else None


def _reasoning(found: Sequence[tuple[ReportArm, ReasoningEffects]]) -> list[Markup]:
    if not found:
        return []
    changed = [(arm, effects) for arm, effects in found if effects.reasonings]
    parts = [tag("p", REASONING_MEANS)]
    if changed:
        looked_at = [f"{effects.reasonings:,} of {effects.looked_at:,}" for _, effects in changed]
        counts = _row("Reasonings changed", "of the answers looked at", looked_at)
        parts += [
            _table("The model’s own reasoning was changed", changed, REASONING, [counts]),
            tag("p", REASONING_OF, cls="note"),
            _by("One premise changed: the verdict that follows, by the fact that was changed", changed, "facts"),
            _by("The same by the verdict before and the one that follows", changed, "turns"),
        ]
    parts += [
        tag("p", tag("b", arm.title), ": ", "; ".join(notes(effects)), ".", cls="fine")
        for arm, effects in found
        if notes(effects)
    ]
    return parts


def _image(found: Sequence[tuple[ReportArm, ImageEffects]]) -> list[Markup]:
    if not found:
        return []
    return [
        tag("h3", "Does the verdict come from the request?"),
        tag("p", IMAGE_MEANS),
        _table("A fact of the request was changed", found, IMAGE),
        _by("The verdict follows, by the fact that was changed", found, "facts"),
    ]


def _table(what: str, found: _Found, figures: Sequence[Figure], more: Sequence[Markup] = ()) -> Markup:
    rows = [
        _row(figure.title, figure.hint, [_share(getattr(effects, figure.name)) for _, effects in found])
        for figure in figures
        if any(getattr(effects, figure.name).n for _, effects in found)
    ]
    head = heads((what, None), *((arm.title, "n") for arm, _ in found))
    return scroll(tag("table", head, tag("tbody", *rows, *more)))


def _by(what: str, found: _Found, field: str) -> Markup:
    tables: list[dict[str, Rate]] = [getattr(effects, field) for _, effects in found]
    names = sorted({name for table in tables for name in table})
    rows = [_row(name, "", [_share(table[name]) if name in table else "–" for table in tables]) for name in names]
    head = heads(("", None), *((arm.title, "n") for arm, _ in found))
    table = scroll(tag("table", head, tag("tbody", rows), cls="small"))
    return tag("details", tag("summary", what), table, open=True) if rows else Markup("")


def _row(title: str, hint: str, cells: Sequence[object]) -> Markup:
    head = tag("th", title, tag("span", hint, cls="sub") if hint else None, scope="row")
    return tag("tr", head, (tag("td", cell, cls="n") for cell in cells))


def _share(found: Rate) -> Markup:
    return join([rate(found), tag("span", f"of {found.n}", cls="sub")]) if found.n else rate(found)
