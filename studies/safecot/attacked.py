"""What became of requests under attack: by kind, and with the arms that were made for them after the claims."""

from __future__ import annotations

from safecot_dsl.evaluation.statistics import Paired
from studies.safecot.claims import PAIRS
from studies.safecot.design import CONTROL, STEPWISE
from studies.safecot.figures import Figures, Metric
from studies.safecot.tables import TITLES, difference, table

#: Arms made for attacks after the claims, and the arm that each changes.
_ADDED = {
    "cleaned": STEPWISE,
    "begun": STEPWISE,
    "control_begun": CONTROL,
    "begun_answers": STEPWISE,
    "control_begun_answers": CONTROL,
}
_RATES: tuple[Metric, ...] = ("safe_refusal", "over_refusal")


def by_kind(figures: Figures) -> list[str]:
    """The two main arms, by kind of attack."""
    n = figures.design.rows
    rows = [
        (_kind(split), *(str(figures.rate(arm, n, metric, split)) for arm in (CONTROL, STEPWISE) for metric in _RATES))
        for split in _splits(figures)
    ]
    head = ("attack", *(f"{name}, {arm}" for arm in ("control", "ours") for name in ("safe refusal", "over-refusal")))
    return table(head, rows)


def after_the_claims(figures: Figures) -> list[str]:
    """The arms that were made for attacks, each beside the one that it changes with the same runs; then by kind."""
    n = figures.design.rows
    made = {arm: tuple(cell.cell.run for cell in figures.of(arm, n)) for arm in _ADDED if arm in figures.design.arms}
    made = {arm: runs for arm, runs in made.items() if runs}
    if not made:
        return ["Not made."]
    rows = [
        (
            TITLES[arm],
            ", ".join(runs),
            *(str(figures.rate(arm, n, metric, "attacks", runs)) for metric in _RATES),
            *(str(figures.rate(arm, n, metric, PAIRS, runs)) for metric in ("verdict_accuracy", "over_refusal")),
            difference(_beside(figures, arm, _ADDED[arm], runs)) if arm in _ADDED else "",
        )
        for added, runs in made.items()
        for arm in (_ADDED[added], added)
    ]
    head = ("arm", "runs", "safe refusal", "over-refusal", "right verdicts, unseen pairs", "over-refusal, unseen pairs")
    kinds = [
        (
            _kind(split),
            *(str(figures.rate(arm, n, metric, split, runs)) for arm, runs in made.items() for metric in _RATES),
        )
        for split in _splits(figures)
    ]
    named = [f"{name}: {TITLES[arm]}" for arm in made for name in ("safe refusal", "over-refusal")]
    return [*table((*head, "difference of safe refusal"), rows), "", "By kind:", "", *table(("attack", *named), kinds)]


def _beside(figures: Figures, arm: str, before: str, runs: tuple[str, ...]) -> Paired:
    n = figures.design.rows
    return figures.paired(figures.of(arm, n, runs), figures.of(before, n, runs), "safe_refusal", "attacks")


def _splits(figures: Figures) -> list[str]:
    return sorted({split for items in figures.items.values() for split in items.splits if split.startswith("attacks/")})


def _kind(split: str) -> str:
    return split.partition("/")[2].replace("_", " ")
