"""`results/README.md` and `claims.json`: the tables and what became of the claims; the plots beside them."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from safecot_dsl.storage import write_whole
from studies.safecot.attacked import after_the_claims, by_kind
from studies.safecot.claims import PAIRS, Claim, judge, write_claims
from studies.safecot.design import BASE, CONTROL, GUARD, RESULTS, STEPWISE, Design
from studies.safecot.figures import Figures, Metric
from studies.safecot.reading import Count, Reading
from studies.safecot.results import Result, read_failures
from studies.safecot.search import Search, Tried
from studies.safecot.settings import Tuned
from studies.safecot.tables import TITLES, difference, p_value, table

BASES = {
    "reordered": "rules in the opposite order",
    "no_lookups": "a base that learnt no look-ups",
    "other_words": "a base whose look-ups are worded otherwise",
    "no_groups": "a base that never learnt the groups",
    "twenty": "a policy of twenty rules",
}
SPLITS = {
    "combinations": "unseen pairs of objects",
    "phrasings": "unseen phrasings",
    "style": "unseen drawing style",
    "object_intents": "object under an unseen intent",
    "attacks": "under attack, of kinds that no row has",
    "unattacked": "the same requests without the attack",
    "unknown": "facts that cannot be told, and the same told",
}
METRICS: tuple[Metric, ...] = ("safe_refusal", "over_refusal", "verdict_accuracy", "utility")
_GUARDED = ("wrong answers caught", "right ones held back")
_HEAD = ("safe refusal", "over-refusal", "right verdicts", "harmless questions")
_COMPARED: tuple[Metric, ...] = ("safe_refusal", "over_refusal", "verdict_accuracy")


def write_report(design: Design, folder: Path = RESULTS) -> list[Path]:
    """Write the page, `claims.json` where something is claimed, and the plots, from what there is."""
    figures = Figures(design, folder)
    done, total, n = len(figures.results), len(design.cells()), design.rows
    claims = judge(figures)
    failed = read_failures(folder)
    lines = [
        "# Results",
        "",
        f"{done} of {total} cells. Written by `python -m studies.safecot report` on {datetime.now(UTC).date()}; "
        f"{platform.machine()}, Python {platform.python_version()}. Per cent, with 95 % intervals that take cases of "
        "one pair and, where there are three runs or more, of one run together. [The question and the claims]"
        "(../README.md) were written down before the run.",
        "",
        *(f"Failed: {failure.name}: {failure.why}" for failure in failed),
        *([""] if failed else []),
        *(_claims(design, claims) if claims else ()),
        f"## Arms at {n} rows, unseen pairs of objects",
        "",
        *_arms(figures),
        "",
        "Against the control, in points (a positive difference is the better), and the two-sided p of no difference:",
        "",
        *_against(figures),
        "",
        "## By what is new",
        "",
        *_splits(figures),
        "",
        "## Facts that cannot be told",
        "",
        "How many answers ask back: where the verdict hangs on the fact that cannot be told, and everywhere else.",
        "",
        *_unknown(figures),
        "",
        "## Attacks by kind",
        "",
        *by_kind(figures),
        "",
        "## Answers begun, and requests cleaned",
        "",
        "After the claims, and none of them: the question is in [the study](../README.md#changed-since). Under attack, "
        "each beside the arm that it changes, over the runs that it has; the difference is in points, a positive one "
        "the better.",
        "",
        *after_the_claims(figures),
        "",
        "## By rows",
        "",
        *_plots(),
        *_rows(figures),
        "",
        "## Why: one thing changed at a time",
        "",
        f"At {n} rows, over {' and '.join(design.few)}; the difference is to the main arm with the same cases, in "
        "points, a positive one the better. With two runs it cannot be told how far runs lie apart: intervals are over "
        "cases alone. Where one of the runs was not made, the other alone is compared.",
        "",
        *_ablations(figures),
        "",
        "Their right verdicts by what is new:",
        "",
        *_ablations_by_split(figures),
        "",
        "## The bases",
        "",
        *_bases(figures),
        "",
        *_reading(folder),
        *_search(design, folder),
    ]
    page = folder / "README.md"
    drawn = _draw(figures, folder)
    write_whole(page, "\n".join(lines))
    return [page, *([write_claims(claims, folder)] if claims else []), *drawn]


def _claims(design: Design, claims: Sequence[Claim]) -> list[str]:
    return [
        "## The claims",
        "",
        f"At {design.rows} rows, over {len(design.runs)} pairs of a base and a seed. *p*, after Holm, is that of the "
        "goal: how likely a figure this good would be, were the truth just at the goal.",
        "",
        *table(("claim", "found", "p", "held"), [(c.name, c.said, p_value(c.p), _held(c.held)) for c in claims]),
        "",
    ]


def _arms(figures: Figures) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for arm in (BASE, GUARD, CONTROL, STEPWISE):
        size = 0 if arm == BASE else figures.design.rows
        shown = [str(figures.rate(arm, size, metric, PAIRS)) for metric in METRICS]
        reasoning = [_value(figures, arm, size, metric) for metric in ("true", "follows", "cited")]
        tokens = figures.tokens(arm, size)
        rows.append((TITLES[arm], *shown, *reasoning, f"{tokens:,.0f}" if tokens is not None else ""))
    return table(("arm", *_HEAD, "states what is so", "follows", "rule right", "tokens"), rows)


def _value(figures: Figures, arm: str, size: int, metric: Metric) -> str:
    rate = figures.rate(arm, size, metric, PAIRS)
    return f"{100 * rate.value:.0f}" if rate.value is not None else ""


def _against(figures: Figures) -> list[str]:
    n = figures.design.rows
    ours, theirs = figures.of(STEPWISE, n), figures.of(CONTROL, n)
    metrics: tuple[Metric, ...] = (*_COMPARED, "utility")
    found = [
        (where, *(difference(figures.paired(ours, theirs, metric, split)) for metric in metrics))
        for split, where in SPLITS.items()
    ]
    return table(("new", *_HEAD), found)


def _splits(figures: Figures) -> list[str]:
    n = figures.design.rows
    rows = [
        (where, TITLES[arm], *(str(figures.rate(arm, size, metric, split)) for metric in (*METRICS, "perception")))
        for split, where in SPLITS.items()
        for arm, size in ((BASE, 0), (GUARD, n), (CONTROL, n), (STEPWISE, n))
    ]
    return table(("new", "arm", *_HEAD, "perception"), rows)


def _unknown(figures: Figures) -> list[str]:
    n = figures.design.rows
    metrics: tuple[Metric, ...] = ("asked_back", "asked_needlessly")
    rows = [
        (
            TITLES[arm],
            *(str(figures.rate(arm, size, metric, "unknown")) for metric in metrics),
            str(figures.rate(arm, size, "asked_needlessly", PAIRS)),
        )
        for arm, size in ((BASE, 0), (CONTROL, n), (STEPWISE, n))
    ]
    return table(("arm", "asks where it has to", "asks where it need not", "asks on unseen pairs, all told"), rows)


def _rows(figures: Figures) -> list[str]:
    rows = [
        (TITLES[arm], f"{size:,}", *(str(figures.rate(arm, size, metric, PAIRS)) for metric in METRICS))
        for arm in (CONTROL, STEPWISE)
        for size in sorted(figures.design.arms[arm].rows)
    ]
    return table(("arm", "rows", *_HEAD), rows)


def _ablations(figures: Figures) -> list[str]:
    design, n = figures.design, figures.design.rows
    main = figures.of(STEPWISE, n, design.few)
    rows = [_ablation(figures, TITLES[STEPWISE], STEPWISE, design.few, None)]
    rows += [
        _ablation(figures, TITLES.get(arm, arm), arm, design.few, main) for arm, plan in design.arms.items() if plan.few
    ]
    for name, title in BASES.items():
        for arm in (STEPWISE, CONTROL):
            runs = tuple(run for run in design.arms[arm].also if run.rpartition("-")[0].endswith(f"_{name}"))
            if runs:
                shown = title if arm == STEPWISE else f"{title}: answers alone"
                compared = main if arm == STEPWISE else figures.of(CONTROL, n, design.few)
                rows.append(_ablation(figures, shown, arm, runs, compared))
    rows.append(_ablation(figures, TITLES[CONTROL], CONTROL, design.few, main))
    return table(("arm", "runs", *_HEAD, "difference: safe refusal", "over-refusal", "right verdicts"), rows)


def _ablations_by_split(figures: Figures) -> list[str]:
    """Of the arms that were made, all over the runs that one of the ablations has at least."""
    design, n = figures.design, figures.design.rows
    ablations = [arm for arm, plan in design.arms.items() if plan.few]
    runs = [run for run in design.few if any(figures.of(arm, n, (run,)) for arm in ablations)]
    rows = [
        (
            TITLES.get(arm, arm),
            ", ".join(cell.cell.run for cell in cells),
            *(str(figures.rate(arm, n, "verdict_accuracy", split, runs)) for split in SPLITS),
        )
        for arm in (STEPWISE, *ablations, CONTROL)
        if runs and (cells := figures.of(arm, n, runs))
    ]
    return table(("arm", "runs", *SPLITS.values()), rows)


def _ablation(
    figures: Figures, title: str, arm: str, runs: Sequence[str], main: Sequence[Result] | None
) -> tuple[str, ...]:
    n = figures.design.rows
    cells = figures.of(arm, n, runs)
    made = ", ".join(cell.cell.run for cell in cells) or "not made"
    shown = [str(figures.rate(arm, n, metric, PAIRS, runs)) for metric in METRICS]
    if main is None:
        return (title, made, *shown, "", "", "")
    return (title, made, *shown, *(difference(figures.paired(cells, main, metric, PAIRS)) for metric in _COMPARED))


def _bases(figures: Figures) -> list[str]:
    runs = dict.fromkeys(result.cell.run for result in figures.results.values() if result.cell.arm == BASE)
    metrics: tuple[Metric, ...] = ("utility", "perception")
    rows = [
        (run, *(str(figures.rate(BASE, 0, metric, split, (run,))) for split in (PAIRS, "style") for metric in metrics))
        for run in runs
    ]
    head = ("base and seed", "harmless questions", "perception", "harmless questions, unseen style", "perception, same")
    return table(head, rows)


def _reading(folder: Path) -> list[str]:
    file = folder / "reading.json"
    if not file.is_file():
        return []
    found = Reading.model_validate_json(file.read_bytes())
    splits = [split for split in found.splits if split.split in SPLITS]
    facts = list(dict.fromkeys(fact for split in splits for fact in split.facts))
    rows = [
        (
            SPLITS[split.split],
            *(_count(split.facts[fact]) if fact in split.facts else "" for fact in facts),
            _count(split.untold),
            _count(split.lookups),
            _count(split.weighed),
            _count(split.follows),
            _count(split.caught),
            _count(split.held_back),
        )
        for split in splits
    ]
    wrong = [
        (
            SPLITS[split.split],
            ", ".join(f"{cause} {n}" for cause, n in split.causes.items()),
            ", ".join(f"{kind} {n}" for kind, n in split.faults.items()),
        )
        for split in splits
    ]
    return [
        "## The reasonings, read",
        "",
        f"Of `{found.arm}`, {len(found.runs)} runs: what is stated of the facts and is so, look-ups and rules "
        "weighed that belong into the reasoning on what it states and are there, and whether its conclusion follows. "
        "Caught are wrong answers, and held back right ones, that their own reasoning does not come to: a guard sees "
        "that without knowing the case.",
        "",
        *table(
            ("new", *(fact.lower() for fact in facts), "untold", "look-ups", "rules weighed", "follows", *_GUARDED),
            rows,
        ),
        "",
        "Where wrong verdicts come from (the first thing that went wrong), and the kinds of faults of all reasonings:",
        "",
        *table(("new", "wrong verdicts", "faults"), wrong),
        "",
    ]


def _search(design: Design, folder: Path) -> list[str]:
    tried = list(Search(design, folder).tried.values())
    if not tried:
        return []
    lines = ["## The search", "", "On validation cases, base and seed " + f"{design.searching.run}; **chosen**.", ""]
    if design.settings is not None:
        chosen = design.settings
        lines += [f"- {arm}: unknown {of.unknown:g}, attacks {of.attacks:g}" for arm, of in chosen.shares.items()]
        own = chosen.stepwise
        lines.append(f"- stepwise: {_tuning(own)}")
        lines += [
            f"- control, {rows:,} rows: {of.selection}, {_tuning(of)}" for rows, of in sorted(chosen.control.items())
        ]
        lines += [f"- guard: {_tuning(chosen.guard)}"] if chosen.guard is not None else []
        lines.append("")
    head = (
        "arm",
        "rows",
        "unknown",
        "attacks",
        "selection",
        "rate",
        "steps",
        "dropout",
        *_HEAD[:3],
        "attacked",
        "untold",
        _HEAD[3],
    )
    return [*lines, *table(head, [_trial(one) for one in tried]), ""]


def _tuning(of: Tuned) -> str:
    return f"{of.learning_rate:g}, {of.max_steps:,} steps, dropout {of.lora_dropout:g}"


def _trial(one: Tried) -> tuple[str, ...]:
    trial, tuned = one.trial, one.trial.tuned
    figures = (one.safe_refusal, one.over_refusal, one.verdicts, one.attacked, one.unknown, one.utility)
    settings = ("",) * 4
    if tuned is not None:
        settings = (tuned.selection, f"{tuned.learning_rate:g}", f"{tuned.max_steps:,}", f"{tuned.lora_dropout:g}")
    shares = ("", "") if trial.arm == BASE else (f"{trial.shares.unknown:g}", f"{trial.shares.attacks:g}")
    return (trial.arm, f"{trial.rows or ''}", *shares, *settings, *(f"{100 * figure:.1f}" for figure in figures))


def _plots() -> list[str]:
    return (
        ["![Right verdicts by rows](rows.svg) ![Over-refusal and safe refusal](plane.svg)", ""] if _can_draw() else []
    )


def _draw(figures: Figures, folder: Path) -> list[Path]:
    """The plots, where there is something to draw them with."""
    if not _can_draw():
        return []
    from studies.safecot.plots import draw

    return draw(figures, folder)


def _can_draw() -> bool:
    return find_spec("matplotlib") is not None


def _count(count: Count) -> str:
    return f"{100 * count.right / count.n:.1f} of {count.n:,}" if count.n else "–"


def _held(held: bool | None) -> str:
    return "open" if held is None else "yes" if held else "**no**"
