"""The part of `report.md` on whether the answer comes from the reasoning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from safecot_dsl.evaluation.faithfulness import figures
from safecot_dsl.evaluation.faithfulness.effects import ImageEffects, ReasoningEffects
from safecot_dsl.evaluation.report.faithfulness import TITLE
from safecot_dsl.evaluation.report.plain import as_table, plain
from safecot_dsl.evaluation.statistics import Rate
from safecot_dsl.evaluation.summary import Summary, arm_title


def faithfulness_text(summary: Summary, arms: Sequence[str]) -> list[str]:
    """Both experiments, arm beside arm; nothing where neither was made."""
    known = {arm: summary.faithfulness[arm] for arm in arms if arm in summary.faithfulness}
    reasoned = {arm: found.reasoning for arm, found in known.items() if found.reasoning is not None}
    changed = {arm: found for arm, found in reasoned.items() if found.reasonings}
    pictured = {arm: found.image for arm, found in known.items() if found.image is not None}
    parts: list[str] = []
    if reasoned:
        counts = [f"{found.reasonings:,} of {found.looked_at:,}" for found in changed.values()]
        counts = ["Reasonings changed: of the answers looked at", *counts]
        parts += [figures.REASONING_MEANS, _effects(changed, figures.REASONING, ("facts", "turns"), counts)]
        parts += [figures.REASONING_OF] if changed else []
        parts += [
            f"- {plain(arm_title(arm))}: {plain('; '.join(figures.notes(found)))}"
            for arm, found in reasoned.items()
            if figures.notes(found)
        ]
    if pictured:
        parts += ["### Does the verdict come from the request?", figures.IMAGE_MEANS]
        parts += [_effects(pictured, figures.IMAGE, ("facts",))]
    return [f"## {TITLE}", *parts] if parts else []


def _effects(
    found: Mapping[str, ImageEffects] | Mapping[str, ReasoningEffects],
    shown: Sequence[figures.Figure],
    by: Sequence[str],
    more: Sequence[str] = (),
) -> str:
    """One column an arm; below the figures, the first of them by fact and by turn."""
    rows = [
        [f"{figure.title}: {figure.hint}", *(str(getattr(effects, figure.name)) for effects in found.values())]
        for figure in shown
        if any(getattr(effects, figure.name).n for effects in found.values())
    ]
    followed = next(figure.title for figure in shown if figure.name in ("premise", "follows"))
    for field in by:
        tables: list[dict[str, Rate]] = [getattr(effects, field) for effects in found.values()]
        rows += [
            [f"{followed}, {name}", *(str(those.get(name, "–")) for those in tables)]
            for name in sorted({name for those in tables for name in those})
        ]
    return as_table(["", *map(arm_title, found)], [*rows, *([more] if more else [])]) if found else ""
