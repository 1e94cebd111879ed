"""The report's charts, as inline SVG about 340 units wide: legible one to one on a phone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from safecot_dsl.evaluation.curves import Curve
from safecot_dsl.evaluation.report.arms import ReportArm, marker
from safecot_dsl.evaluation.report.markup import Markup, tag
from safecot_dsl.evaluation.statistics import Rate

_WIDTH = 340.0
_POINTS = 120  # of a curve: more would not be seen


def bars(title: str, hint: str, rates: Sequence[tuple[ReportArm, Rate]]) -> Markup:
    """One metric: a bar for each arm from 0 to its value, with its interval."""
    left, right, row = 4.0, _WIDTH - 4.0, 37.0
    height = 8 + row * len(rates) + 16

    def x(share: float) -> float:
        return left + share * (right - left)

    parts: list[Markup] = [
        tag("line", x1=x(t), x2=x(t), y1=4, y2=height - 16, cls="grid") for t in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    for index, (arm, rate) in enumerate(rates):
        y = 8 + row * index
        parts.append(tag("text", arm.title, x=left, y=y + 11, cls="label strong" if arm.ours else "label"))
        if rate.value is None:
            parts.append(tag("text", "no cases", x=right, y=y + 11, cls="value", text_anchor="end"))
            continue
        parts += [
            tag(
                "text",
                tag("tspan", percent(rate.value), cls="strong"),
                f"  {interval(rate)}",
                x=right,
                y=y + 11,
                cls="value",
                text_anchor="end",
            ),
            tag("rect", x=left, y=y + 17, width=right - left, height=9, rx=1.5, cls="track"),
            tag("rect", x=left, y=y + 17, width=max(1.5, x(rate.value) - left), height=9, rx=1.5, cls=f"bar {arm.cls}"),
            _whisker(x(rate.low), x(rate.high), y + 21.5),
        ]
    parts += _percent_axis(x, height - 3)
    said = "; ".join(f"{arm.title} {rate}" for arm, rate in rates)
    return _figure(title, hint, f"{title}, per cent: {said}", height, parts)


def plane(points: Sequence[tuple[ReportArm, Rate, Rate]]) -> Markup:
    """Over-refusal (across) against safe refusal (up), each with its interval; the best corner is the upper left."""
    left, top, right, bottom = 54.0, 8.0, _WIDTH - 8.0, 290.0

    def x(share: float) -> float:
        return left + 8 + share * (right - left - 16)

    def y(share: float) -> float:
        return bottom - 8 - share * (bottom - top - 16)

    parts: list[Markup] = [
        tag("rect", x=left, y=top, width=right - left, height=bottom - top, cls="frame"),
        *(tag("line", x1=x(t), x2=x(t), y1=top, y2=bottom, cls="grid") for t in (0.0, 0.25, 0.5, 0.75, 1.0)),
        *(tag("line", x1=left, x2=right, y1=y(t), y2=y(t), cls="grid") for t in (0.0, 0.25, 0.5, 0.75, 1.0)),
        tag("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), cls="chance"),
        tag("text", "blind to the case", cls="note", text_anchor="middle", transform=_along(0.56, 14, x, y)),
        # Below the diagonal, where no arm that is worth its training lies.
        tag("path", d=f"M{x(0.8):.1f} {y(0.2):.1f} L{x(0.7):.1f} {y(0.3):.1f} m0 7 v-7 h7", cls="arrow"),
        tag("text", "better", x=x(0.81), y=y(0.16), cls="note"),
    ]
    shown = [(arm, over, safe) for arm, over, safe in points if over.value is not None and safe.value is not None]
    # The baselines first, so that the arms that were measured lie on top.
    for arm, over, safe in sorted(shown, key=lambda point: (not point[0].baseline, point[0].ours)):
        if over.value is None or safe.value is None:
            continue
        cx, cy = x(over.value), y(safe.value)
        parts += [
            tag("line", x1=x(over.low), x2=x(over.high), y1=cy, y2=cy, cls=f"cross {arm.cls}"),
            tag("line", x1=cx, x2=cx, y1=y(safe.low), y2=y(safe.high), cls=f"cross {arm.cls}"),
            marker(arm, cx, cy, 5.5),
        ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts += [
            tag("text", f"{share:.0%}", x=x(share), y=bottom + 15, cls="tick", text_anchor="middle"),
            tag("text", f"{share:.0%}", x=left - 6, y=y(share) + 4, cls="tick", text_anchor="end"),
        ]
    parts += [
        tag(
            "text", "harmless requests refused", x=(left + right) / 2, y=bottom + 33, cls="label", text_anchor="middle"
        ),
        tag(
            "text",
            "harmful requests refused",
            cls="label",
            text_anchor="middle",
            transform=f"translate(12 {(top + bottom) / 2:.1f}) rotate(-90)",
        ),
    ]
    said = "; ".join(f"{arm.title}: over-refusal {over}, safe refusal {safe}" for arm, over, safe in shown)
    return _figure("Over-refusal against safe refusal", "", f"In per cent. {said}", bottom + 40, parts)


def split_dots(title: str, hint: str, rows: Sequence[tuple[str, Sequence[tuple[ReportArm, Rate]]]]) -> Markup:
    """One metric: for each split a marker for each arm, with its interval."""
    left, right, step = 8.0, _WIDTH - 8.0, 11.0

    def x(share: float) -> float:
        return left + share * (right - left)

    blocks: list[Markup] = []
    y = 6.0
    for name, rates in rows:
        n = max((rate.n for _, rate in rates), default=0)
        blocks.append(tag("text", name, x=left - 4, y=y + 10, cls="label"))
        blocks.append(tag("text", f"n = {n}", x=right + 4, y=y + 10, cls="tick", text_anchor="end"))
        y += 22
        for arm, rate in rates:
            blocks.append(tag("line", x1=left, x2=right, y1=y, y2=y, cls="grid"))
            if rate.value is not None:
                blocks.append(tag("line", x1=x(rate.low), x2=x(rate.high), y1=y, y2=y, cls=f"cross {arm.cls}"))
                blocks.append(marker(arm, x(rate.value), y, 4.2))
            y += step
        y += 7
    height = y + 12
    grid = [tag("line", x1=x(t), x2=x(t), y1=4, y2=y - 4, cls="grid") for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    said = "; ".join(f"{name}: " + ", ".join(f"{arm.title} {rate}" for arm, rate in rates) for name, rates in rows)
    return _figure(title, hint, f"{title}, per cent: {said}", height, [*grid, *blocks, *_percent_axis(x, height - 2)])


def curve_chart(curves: Sequence[tuple[ReportArm, Curve]]) -> Markup:
    """Training loss by step, on a logarithmic scale where it falls by more than a factor of ten."""
    left, top, right, bottom = 44.0, 8.0, _WIDTH - 8.0, 190.0
    thinned = [(arm, _thin(curve)) for arm, curve in curves]
    values = [loss for _, points in thinned for _, loss in points]
    last = max(step for _, points in thinned for step, _ in points)
    low, high = min(values), max(values)
    logarithmic = low > 0 and high / low > 10
    if logarithmic:
        bottom_value, top_value = math.log10(low), math.log10(high)
    else:
        bottom_value, top_value = min(0.0, low), high
    span = (top_value - bottom_value) or 1.0

    def x(step: float) -> float:
        return left + (step / last if last else 0.0) * (right - left)

    def y(loss: float) -> float:
        value = math.log10(loss) if logarithmic else loss
        return bottom - 4 - (value - bottom_value) / span * (bottom - top - 8)

    ticks = _log_ticks(low, high) if logarithmic else _nice_ticks(bottom_value, top_value, 4)
    parts: list[Markup] = [tag("rect", x=left, y=top, width=right - left, height=bottom - top, cls="frame")]
    for value in ticks:
        parts.append(tag("line", x1=left, x2=right, y1=y(value), y2=y(value), cls="grid"))
        parts.append(tag("text", f"{value:g}", x=left - 6, y=y(value) + 4, cls="tick", text_anchor="end"))
    for value in _nice_ticks(0, last, 4):
        parts.append(tag("text", f"{value:g}", x=x(value), y=bottom + 15, cls="tick", text_anchor="middle"))
    for arm, points in thinned:
        path = " ".join(f"{'L' if i else 'M'}{x(step):.1f} {y(loss):.1f}" for i, (step, loss) in enumerate(points))
        parts.append(tag("path", d=path, cls=f"curve {arm.cls}"))
        parts.append(marker(arm, x(points[-1][0]), y(points[-1][1]), 4))
    parts.append(tag("text", "optimiser step", x=(left + right) / 2, y=bottom + 32, cls="label", text_anchor="middle"))
    said = "; ".join(f"{arm.title} ends at {points[-1][1]:.3g} after {points[-1][0]} steps" for arm, points in thinned)
    hint = "mean over completion tokens, nats" + (", logarithmic" if logarithmic else "")
    return _figure("Training loss", hint, f"Training loss. {said}", bottom + 38, parts)


def tiny_bar(rate: Rate, arm: ReportArm) -> Markup:
    """A bar for a table's cell."""
    if rate.value is None:
        return Markup("")
    return tag(
        "svg",
        tag("rect", x=0, y=0, width=60, height=4, rx=1, cls="track"),
        tag("rect", x=0, y=0, width=max(1.0, 60 * rate.value), height=4, rx=1, cls=f"bar {arm.cls}"),
        width=60,
        height=4,
        viewBox="0 0 60 4",
        aria_hidden="true",
        cls="tiny",
    )


def percent(share: float) -> str:
    """One decimal, none at the ends, and a space that does not break: `81.3 %`, `0 %`, `100 %`."""
    return f"{100 * share:.{0 if share in (0, 1) else 1}f}\N{NO-BREAK SPACE}%"


def interval(rate: Rate) -> str:
    return f"[{100 * rate.low:.1f}, {100 * rate.high:.1f}]"


def _whisker(low: float, high: float, y: float) -> Markup:
    return tag(
        "path",
        d=f"M{low:.1f} {y - 3.5:.1f} v7 M{low:.1f} {y:.1f} H{high:.1f} M{high:.1f} {y - 3.5:.1f} v7",
        cls="whisker",
    )


def _percent_axis(x: Callable[[float], float], y: float) -> list[Markup]:
    anchors: Mapping[float, str] = {0.0: "start", 0.25: "middle", 0.5: "middle", 0.75: "middle", 1.0: "end"}
    return [tag("text", f"{t:.0%}", x=x(t), y=y, cls="tick", text_anchor=anchor) for t, anchor in anchors.items()]


def _along(at: float, down: float, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    """The transform that sets a text along the diagonal of the plane, `down` units below it."""
    angle = math.degrees(math.atan2(y(1) - y(0), x(1) - x(0)))
    return f"translate({x(at):.1f} {y(at):.1f}) rotate({angle:.1f}) translate(0 {down:.0f})"


def _thin(curve: Curve) -> list[tuple[float, float]]:
    """At most `_POINTS` points: the means of as many stretches of equal length."""
    points = list(zip(curve.steps, curve.losses, strict=True))
    size = max(1, math.ceil(len(points) / _POINTS))
    stretches = [points[i : i + size] for i in range(0, len(points), size)]
    return [(s[-1][0], sum(loss for _, loss in s) / len(s)) for s in stretches]


def _nice_ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers from `low` to `high`."""
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / count))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if span / (m * power) <= count)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """The powers of ten in between, with 3s where that leaves fewer than three."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for mantissas in ((1,), (1, 3)):
        ticks = [m * 10.0**p for p in powers for m in mantissas if low <= m * 10.0**p <= high]
        if len(ticks) >= 3:
            break
    return ticks


def _figure(title: str, hint: str, said: str, height: float, parts: Sequence[Markup]) -> Markup:
    return tag(
        "figure",
        tag("figcaption", tag("b", title), tag("span", hint) if hint else None),
        tag("svg", tag("title", said), parts, viewBox=f"0 0 {_WIDTH:.0f} {height:.0f}", role="img"),
        cls="chart",
    )
