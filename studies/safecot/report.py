"""`results/README.md`: the tables and what became of the claims; the plots beside it."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from safecot_dsl.storage import write_whole
from studies.safecot.claims import N, control, judge
from studies.safecot.design import BASE, GUARD, Design
from studies.safecot.figures import Figures, Metric
from studies.safecot.plots import draw
from studies.safecot.results import RESULTS

TITLES = {
    BASE: "base",
    GUARD: "base behind a guard",
    "answers_random": "answers alone, random rows",
    "answers_contrast": "answers alone, contrast pairs",
    "minimal_contrast": "minimal reasoning, contrast pairs",
    "full_contrast": "full reasoning, contrast pairs",
    "stepwise_random": "stepwise reasoning, random rows",
    "stepwise_contrast": "**stepwise reasoning, contrast pairs**",
    "stepwise_after": "stepwise after the answer",
}
SPLITS = {
    "combinations": "unseen pairs of objects",
    "phrasings": "unseen phrasings",
    "style": "unseen drawing style",
    "object_intents": "object under an unseen intent",
    "attacks": "attacks",
    "unknown": "facts that cannot be told",
}
METRICS: tuple[Metric, ...] = ("safe_refusal", "over_refusal", "verdict_accuracy", "utility")
MAIN = ("answers_contrast", "stepwise_random", "stepwise_contrast")
SIZED = ("answers_random", "answers_contrast", "stepwise_contrast")


def write_report(design: Design) -> list[Path]:
    """Write the page and the plots, from what there is."""
    figures = Figures(design)
    done, total = len(figures.results), len(design.cells())
    lines = [
        "# Results",
        "",
        f"{done} of {total} cells. Written by `python -m studies.safecot report` on {datetime.now(UTC).date()}; "
        f"{platform.machine()}, {platform.python_version()}. Per cent, with 95 % intervals that take cases of one pair "
        "and of one run together. [The question and the claims](../README.md) were written down before the run.",
        "",
        "## The claims",
        "",
        f"The control is `{control(figures)}`.",
        "",
        *_table(
            ("claim", "found", "p", "Holm", "held"),
            [(c.name, c.found, _p(c.p), _p(c.adjusted), _held(c.held)) for c in judge(figures)],
        ),
        "",
        f"## Arms at {N} rows, unseen pairs of objects",
        "",
        *_arms(figures),
        "",
        "## By what is new",
        "",
        *_splits(figures),
        "",
        "## Facts that cannot be told",
        "",
        "Right verdicts where the verdict hangs on the hidden fact, so that one has to ask, and where it does not.",
        "",
        *_unknown(figures),
        "",
        "## By rows",
        "",
        "![Verdict accuracy by rows](rows.svg) ![Over-refusal and safe refusal](plane.svg)",
        "",
        *_rows(figures),
        "",
        "## A base that was not told the groups",
        "",
        *_no_groups(figures),
        "",
    ]
    page = RESULTS.parent / "README.md"
    write_whole(page, "\n".join(lines))
    return [page, *draw(figures, RESULTS.parent)]


def _arms(figures: Figures) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for arm, title in TITLES.items():
        size = 0 if arm == BASE else N
        shown = [str(figures.rate(arm, size, metric, "combinations")) for metric in METRICS]
        reasoning = [_value(figures, arm, size, metric) for metric in ("observed", "cited")]
        tokens = figures.tokens(arm, size)
        rows.append((title, *shown, *reasoning, f"{tokens:,.0f}" if tokens is not None else ""))
    head = ("arm", "safe refusal", "over-refusal", "verdict accuracy", "utility", "seen right", "rule right", "tokens")
    return _table(head, rows)


def _value(figures: Figures, arm: str, size: int, metric: Metric) -> str:
    rate = figures.rate(arm, size, metric, "combinations")
    return f"{100 * rate.value:.0f}" if rate.value is not None else ""


def _splits(figures: Figures) -> list[str]:
    arms = ((BASE, 0), (GUARD, N), *((arm, N) for arm in ("answers_random", "answers_contrast", *MAIN[1:])))
    rows = [
        (where, TITLES[arm], *(str(figures.rate(arm, size, metric, split)) for metric in (*METRICS, "perception")))
        for split, where in SPLITS.items()
        for arm, size in arms
    ]
    return _table(
        ("new", "arm", "safe refusal", "over-refusal", "verdict accuracy", "utility", "perception"),
        [tuple(cell.replace("no cases", "–") for cell in row) for row in rows],
    )


def _unknown(figures: Figures) -> list[str]:
    rows = [
        (TITLES[arm], *(str(figures.rate(arm, size, metric, "unknown")) for metric in ("asked_back", *METRICS[:2])))
        for arm, size in ((BASE, 0), *((arm, N) for arm in TITLES if arm not in (BASE, GUARD)))
    ]
    return _table(("arm", "asked back", "safe refusal", "over-refusal"), rows)


def _rows(figures: Figures) -> list[str]:
    rows = [
        (TITLES[arm], f"{size:,}", *(str(figures.rate(arm, size, metric, "combinations")) for metric in METRICS))
        for arm in SIZED
        for size in figures.design.arms[arm].sizes
    ]
    return _table(("arm", "rows", "safe refusal", "over-refusal", "verdict accuracy", "utility"), rows)


def _no_groups(figures: Figures) -> list[str]:
    base = ("no_groups",)
    arms = ((BASE, 0), ("answers_contrast", N), ("stepwise_contrast", N))
    rows = [
        (TITLES[arm], *(str(figures.rate(arm, size, metric, "combinations", base)) for metric in METRICS))
        for arm, size in arms
    ]
    return _table(("arm", "safe refusal", "over-refusal", "verdict accuracy", "utility"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _p(value: float | None) -> str:
    return "" if value is None else "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _held(held: bool | None) -> str:
    return "open" if held is None else "yes" if held else "**no**"
