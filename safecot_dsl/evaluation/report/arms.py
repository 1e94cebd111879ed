"""How arms look: a colour class, a marker and a title for each, the same in every chart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from safecot_dsl.evaluation.report.markup import Markup, tag
from safecot_dsl.evaluation.summary import BASELINES, arm_title

_SHAPES = {
    "base": "ring",
    "no_reasoning": "square",
    "safecot": "disc",
    "refuse_everything": "up",
    "comply_with_everything": "down",
}
_OTHERS = 5  # colours that the style sheet has for arms of other names


@dataclass(frozen=True)
class ReportArm:
    """`cls` is the class that sets the colour; a baseline is an arm that looks at nothing; `ours` is what the report is
    about."""

    name: str
    title: str
    cls: str
    shape: str
    ours: bool = False

    @property
    def baseline(self) -> bool:
        return self.name in BASELINES


def look(names: Iterable[str], subject: str = "safecot") -> tuple[ReportArm, ...]:
    """The arms in their order. Names that are not among the five share what colours are left."""
    names = list(names)
    arms: list[ReportArm] = []
    others = 0
    for name in names:
        ours = name == subject
        if name in _SHAPES:
            arms.append(ReportArm(name, arm_title(name), f"arm-{name.replace('_', '-')}", _SHAPES[name], ours))
        elif ours and "safecot" not in names:
            arms.append(ReportArm(name, arm_title(name), "arm-safecot", "disc", ours))
        else:
            arms.append(ReportArm(name, arm_title(name), f"arm-other-{others % _OTHERS}", "diamond", ours))
            others += 1
    return tuple(arms)


def marker(arm: ReportArm, x: float, y: float, r: float = 4.5) -> Markup:
    """The arm's marker, centred on (x, y)."""
    cls = f"marker {arm.cls}"
    match arm.shape:
        case "ring":
            return tag("circle", cx=x, cy=y, r=r - 0.75, cls=f"{cls} hollow")
        case "square":
            return tag("rect", x=x - r * 0.9, y=y - r * 0.9, width=r * 1.8, height=r * 1.8, cls=cls)
        case "diamond":
            s = r * 1.2
            points = f"{x:.1f},{y - s:.1f} {x + s:.1f},{y:.1f} {x:.1f},{y + s:.1f} {x - s:.1f},{y:.1f}"
            return tag("polygon", points=points, cls=cls)
        case "up" | "down":
            s = r if arm.shape == "up" else -r
            points = f"{x:.1f},{y - s:.1f} {x + s:.1f},{y + s * 0.8:.1f} {x - s:.1f},{y + s * 0.8:.1f}"
            return tag("polygon", points=points, cls=cls)
        case _:
            return tag("circle", cx=x, cy=y, r=r, cls=cls)


def legend(arms: Iterable[ReportArm]) -> Markup:
    """Markers with the arms' titles."""
    return tag(
        "ul",
        (
            tag(
                "li",
                tag("svg", marker(arm, 7, 7), width=14, height=14, viewBox="0 0 14 14", aria_hidden="true"),
                arm.title,
            )
            for arm in arms
        ),
        cls="legend",
    )
