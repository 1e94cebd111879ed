"""`safecotc eval power`: how many items a difference needs."""

from __future__ import annotations

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, console, fail, write_json


def power(
    first: float = typer.Option(..., "--from", min=0, max=1, help="One share, such as 0.30."),
    second: float | None = typer.Option(None, "--to", min=0, max=1, help="The other; without it, see --within."),
    disagree: float | None = typer.Option(
        None,
        "--disagree",
        min=0,
        max=1,
        help="On which share of the items exactly one of the two is right; default: as if they were independent.",
    ),
    items: int | None = typer.Option(None, "--items", min=1, help="Say what so many items can show, instead."),
    within: float | None = typer.Option(
        None, "--within", min=0.001, max=0.5, help="How far the ends of the interval of --from may be from it."
    ),
    unpaired: bool = typer.Option(False, "--unpaired", help="The two answer different items."),
    chance: float = typer.Option(0.8, "--power", min=0.5, max=0.999, help="The chance to find the difference."),
    level: float = typer.Option(0.05, "--level", min=0.0001, max=0.2, help="The level of the test, two-sided."),
    tests: int = typer.Option(1, "--tests", min=1, help="How many comparisons share the level (Holm's first step)."),
    group: float = typer.Option(1.0, "--group", min=1, help="How many items hang together."),
    alike: float = typer.Option(0.0, "--alike", min=0, max=1, help="How much: their intraclass correlation."),
    format: OutputFormat = FORMAT,
) -> None:
    """How many items a difference of two shares needs, or which difference some items can show."""
    from safecot_dsl.evaluation.statistics import power as statistics

    effect = statistics.design_effect(group, alike)
    each = level / tests
    if second is None:
        if within is None:
            fail("give `--to`, to tell two shares apart, or `--within`, to know one share well enough")
        needed = _in_groups(statistics.items_for_interval(first, within), effect)
        text = f"{needed:,} items, for an interval within {100 * within:g} points of {first:g}"
        _answer(format, {"items": needed}, text)
        return
    apart = f"{first:g} and {second:g} apart with a power of"
    if unpaired:
        needed = _in_groups(statistics.items_for_unpaired(first, second, power=chance, level=each), effect)
        _answer(format, {"items": needed}, f"{needed:,} items for each of the two, to find {apart} {chance:g}")
        return
    share = statistics.independent_disagreement(first, second) if disagree is None else disagree
    said = f"exactly one is right on {100 * share:.1f} %" + (", as if independent" if disagree is None else "")
    if items is None:
        needed = _in_groups(statistics.items_for_paired(first, second, share, power=chance, level=each), effect)
        text = f"{needed:,} items that both answer, to find {apart} {chance:g} ({said})"
        _answer(format, {"items": needed, "disagree": share}, text)
        return
    worth = max(1, int(items / effect))
    found = statistics.power_of_paired(worth, first, second, share, level=each)
    least = statistics.detectable(worth, share, power=chance, level=each)
    shown = "no difference at all" if least is None else f"differences from {100 * least:.1f} points on"
    text = f"{items:,} items find {apart} {found:.2f}, and show {shown} with {chance:g} ({said})"
    _answer(format, {"power": found, "detectable": least, "disagree": share}, text)


def _in_groups(items: int, effect: float) -> int:
    return -int(-items * effect // 1)


def _answer(format: OutputFormat, data: dict[str, float | None], text: str) -> None:
    if format is OutputFormat.JSON:
        write_json(data)
    else:
        console().print(text)
