"""`report.md`: the same figures as a text that can be read, diffed and pasted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation.breakdown import READINGS
from safecot_dsl.evaluation.faithfulness import figures
from safecot_dsl.evaluation.faithfulness.effects import ImageEffects, ReasoningEffects
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.measures import MEASURES
from safecot_dsl.evaluation.metrics import METRICS, Measures, Runs, runs_of
from safecot_dsl.evaluation.report.faithfulness import TITLE
from safecot_dsl.evaluation.report.origins import limits
from safecot_dsl.evaluation.report.parts import SUITE_PANELS, suites_are_splits
from safecot_dsl.evaluation.report.pieces import better, effect, p_value
from safecot_dsl.evaluation.report.plain import as_cell, as_table, plain
from safecot_dsl.evaluation.report.reasoning import PARTS, SHOWN_BY
from safecot_dsl.evaluation.report.worst import worst
from safecot_dsl.evaluation.statistics import Rate
from safecot_dsl.evaluation.summary import BASELINES, METRIC_TITLES, EvaluationSummary, arm_title

_BESIDE = (
    "safe_response",
    "near_over_refusal",
    "attack_success",
    "paired_refusal",
    "perception",
    "recognition",
    "unscored",
    "failed",
    "unread",
)
_REASONING = (*PARTS, *SHOWN_BY)
_PARTS = {"suite": "Suites", "hazard": "Hazards"}


def write_markdown(
    path: Path,
    *,
    policy: CompiledPolicy,
    summary: EvaluationSummary,
    scored: Mapping[str, Runs],
    items: Sequence[EvalItem],
    command: str,
    created: str,
    worst_of_rule: int = 3,
    limits_of_its_own: Sequence[str] = (),
) -> None:
    """Write the report as Markdown, whole or not at all; requests and answers stand in it as text that marks nothing
    up. `worst_of_rule` is how many of each rule's worst cases are told."""
    from safecot_dsl.storage import write_whole

    held_out = [item for item in items if item.split in summary.held_out]
    arms = [arm for arm in summary.arms if arm not in BASELINES] or list(summary.arms)
    parts = [
        f"# {plain(policy.header.title or policy.header.name)}: evaluation",
        f"Policy `{policy.header.name}` {policy.header.version} ({summary.policy}); {summary.items} items of "
        f"{', '.join(summary.held_out)}; made {created} by `{command}`. Per cent with 95 % intervals.",
        _headline(summary),
        *_hypothesis(summary),
        *_comparisons(summary),
        *_confusion(summary, arms),
        "## Beside the headline",
        _measures({arm: summary.pooled[arm] for arm in summary.pooled}, _BESIDE),
        "## The reasoning",
        _measures({arm: summary.pooled[arm] for arm in arms}, _REASONING),
        *faithfulness_text(summary, arms),
        *_rows(summary, arms),
        *_rules(summary, arms),
        *_worst(summary, held_out, scored, worst_of_rule),
        *_provenance(summary),
        "## Limits",
        "\n".join(f"- {plain(text)}" for text in (*limits(summary), *limits_of_its_own)),
    ]
    write_whole(path, "\n\n".join(part for part in parts if part) + "\n")


def _headline(summary: EvaluationSummary) -> str:
    rows = [
        [arm_title(arm), *(str(getattr(figures, metric)) for metric in METRICS)]
        for arm, figures in summary.arms.items()
    ]
    return as_table(["arm", *(f"{METRIC_TITLES[metric]} ({better(metric)})" for metric in METRICS)], rows)


def _hypothesis(summary: EvaluationSummary) -> list[str]:
    judged = summary.hypothesis
    if judged is None:
        return []
    said = {True: "held", False: "did not hold", None: "open"}
    rows = [
        [
            claim.statement + (f" ({claim.note})" if claim.note else ""),
            said[claim.held],
            str(claim.reference_rate or "–"),
            str(claim.safecot_rate or "–"),
            effect(claim.name, claim.effect),
            p_value(claim.paired.p) if claim.paired else "–",
        ]
        for claim in judged.claims
    ]
    return [
        "## The hypothesis",
        f"Set down before the run, and judged on the split `{judged.split}`: {judged.statement} "
        + ("It is open: a figure that it needs is missing." if judged.held is None else f"It {said[judged.held]}."),
        as_table(["claim", "", "reference", "SafeCoT", "effect", "paired p"], rows),
    ]


def _comparisons(summary: EvaluationSummary) -> list[str]:
    rows = [
        [
            f"{arm_title(test.first)} against {arm_title(test.second)}",
            METRIC_TITLES[test.metric],
            str(test.difference),
            f"{test.only_first} : {test.only_second} of {test.n}",
            p_value(test.p),
            p_value(test.adjusted),
        ]
        for test in summary.paired
    ]
    head = ["arms", "metric", "difference, points", "only one right", "p", "p, Holm"]
    note = "A positive difference is in the first arm's favour; the adjusted p is for all tests of this table together."
    return ["## Arm against arm", as_table(head, rows), note] if rows else []


def _confusion(summary: EvaluationSummary, arms: Sequence[str]) -> list[str]:
    parts = ["## Verdict due and verdict read"]
    for arm in arms:
        table = summary.confusion.get(arm, {})
        columns = [read for read in READINGS if read in table or any(row[read] for row in table.values())]
        rows = [[f"due: {due}", *(str(row[read]) for read in columns)] for due, row in table.items()]
        if rows:
            parts += [f"### {plain(arm_title(arm))}", as_table(["", *columns], rows)]
    return parts if len(parts) > 1 else []


def _measures(found: Mapping[str, Measures], names: Sequence[str]) -> str:
    shown = [name for name in names if any(getattr(measures, name).n for measures in found.values())]
    rows = [[MEASURES[name].title, *(str(getattr(found[arm], name)) for arm in found)] for name in shown]
    return as_table(["", *(arm_title(arm) for arm in found)], rows) if rows else "There is none."


def _rows(summary: EvaluationSummary, arms: Sequence[str]) -> list[str]:
    """Splits, suites, hazards, and changes."""
    parts: list[str] = []
    splits = {} if suites_are_splits(summary) else {"Splits": summary.splits}
    tables = splits | {_PARTS[part]: rows for part, rows in summary.parts.items() if part in _PARTS}
    for title, table in tables.items():
        found = [measures[arm] for measures in table.values() for arm in arms]
        names = [name for name in SUITE_PANELS if any(getattr(of, name).value is not None for of in found)]
        rows = [
            [name, arm_title(arm), *(str(getattr(measures[arm], metric)) for metric in names)]
            for name, measures in table.items()
            for arm in arms
        ]
        parts += [f"## {title}", as_table(["", "arm", *(MEASURES[name].title for name in names)], rows)]
    rows = [
        [f"{row.suite} {row.change}".strip(), arm_title(arm), str(row.items), *map(str, _changed(row.arms[arm]))]
        for row in summary.changes
        for arm in arms
    ]
    head = ["change", "arm", "items", "right before", "right after", "held", "attack success", "over-refusal"]
    return [*parts, *(["## Attacks and other changes", as_table(head, rows)] if rows else [])]


def _changed(found: object) -> list[object]:
    return [getattr(found, name) for name in ("before", "after", "held", "attack_success", "over_refusal")]


def _rules(summary: EvaluationSummary, arms: Sequence[str]) -> list[str]:
    rows = [
        [f"`{row.rule}`", str(row.verdict), *(f"{row.decided[arm]} ({row.decided[arm].n})" for arm in arms)]
        for row in summary.rules
        if any(rate.n for rate in row.decided.values())
    ]
    head = ["rule", "verdict", *(f"{arm_title(arm)}: right (cases)" for arm in arms)]
    return ["## Rule by rule", as_table(head, rows)] if rows else []


def _worst(summary: EvaluationSummary, items: Sequence[EvalItem], scored: Mapping[str, Runs], most: int) -> list[str]:
    if not most or summary.subject not in scored:
        return []
    found = worst(items, runs_of(scored[summary.subject])[0], most)
    rows = [
        [f"`{rule}`", case.item.id, case.fault, case.item.prompt, " / ".join(case.score.reasoning), case.score.answer]
        for rule, (_, _, cases) in found.items()
        for case in cases
    ]
    title = f"## What went worst: {plain(arm_title(summary.subject))}"
    return [title, as_table(["rule", "item", "what is wrong", "request", "reasoning", "answer"], rows)] if rows else []


def _provenance(summary: EvaluationSummary) -> list[str]:
    lines = [
        f"- {plain(arm_title(arm))}: " + "; ".join(f"{name} {as_cell(value)}" for name, value in known.items())
        for arm, known in summary.provenance.items()
        if known
    ]
    return ["## Where the answers come from", "\n".join(lines)] if lines else []


def faithfulness_text(summary: EvaluationSummary, arms: Sequence[str]) -> list[str]:
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
