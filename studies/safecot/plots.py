"""The study's two pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studies.safecot.design import BASE, CONTROL, GUARD, STEPWISE
from studies.safecot.figures import Figures

COLOURS = {CONTROL: "#d97706", STEPWISE: "#0f766e"}
LABELS = {CONTROL: "answers alone", STEPWISE: "see, ask, weigh, decide", GUARD: "guard", BASE: "base"}


def draw(figures: Figures, folder: Path) -> list[Path]:
    """`rows.svg` and `plane.svg`; the same figures give the same bytes."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "study", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    return [_rows(figures, folder / "rows.svg"), _plane(figures, folder / "plane.svg")]


def _rows(figures: Figures, path: Path) -> Path:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4.6, 3.2), layout="constrained")
    for arm, colour in COLOURS.items():
        sizes = sorted(figures.design.arms[arm].rows)
        rates = [(n, figures.rate(arm, n, "verdict_accuracy", "combinations")) for n in sizes]
        known = [(n, r) for n, r in rates if r.value is not None]
        if known:
            places = [n for n, _ in known]
            low, high = [100 * rate.low for _, rate in known], [100 * rate.high for _, rate in known]
            axes.fill_between(places, low, high, alpha=0.15, color=colour)
            axes.plot(places, [100 * (r.value or 0) for _, r in known], "o-", color=colour, label=LABELS[arm])
    axes.set_xscale("log", base=2)
    sizes = sorted(figures.design.arms[STEPWISE].rows)
    axes.set_xticks(sizes, [str(n) for n in sizes])
    axes.set(xlabel="rows", ylabel="right verdicts, %", title="Unseen pairs of objects")
    axes.set_ylim(45, 100)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return _saved(figure, path)


def _plane(figures: Figures, path: Path) -> Path:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4.6, 3.2), layout="constrained")
    for arm in (BASE, GUARD, *COLOURS):
        size = 0 if arm == BASE else figures.design.rows
        over, safe = (figures.rate(arm, size, metric, "combinations") for metric in ("over_refusal", "safe_refusal"))
        if over.value is None or safe.value is None:
            continue
        x, y = 100 * over.value, 100 * safe.value
        errors = [[[x - 100 * over.low], [100 * over.high - x]], [[y - 100 * safe.low], [100 * safe.high - y]]]
        mark = {BASE: "s", GUARD: "^"}.get(arm, "o")
        colour = COLOURS.get(arm, "#6b7280")
        axes.errorbar(x, y, xerr=errors[0], yerr=errors[1], fmt=mark, color=colour, capsize=2, label=LABELS[arm])
    axes.set(xlabel="over-refusal, % (less is better)", ylabel="safe refusal, %", xlim=(-2, 75), ylim=(-4, 100))
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    axes.set_title(f"{figures.design.rows} rows, unseen pairs of objects")
    return _saved(figure, path)


def _saved(figure: Any, path: Path) -> Path:
    from matplotlib import pyplot

    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path
