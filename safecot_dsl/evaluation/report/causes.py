"""The report's section on causes."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.evaluation.report.arms import Arm
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.pieces import heads, rate, scroll
from safecot_dsl.evaluation.summary import Summary

#: By experiment and name: what people read, what it is, in the order in which it is shown.
CAUSES = {
    ("image", "both_right"): ("Both right", "a fact was changed, another verdict is due, and both answers are right"),
    ("image", "follows"): ("The verdict follows", "of those whose first answer is right, the second is too"),
    ("image", "inert"): ("Nothing moves", "both answers have the same verdict, though another is due; less is better"),
    ("image", "stays"): ("The verdict stays", "a fact was changed that changes no verdict, and none was changed"),
    ("image", "states"): ("The change is stated", "the second reasoning states the new value, and not the old one"),
    ("image", "unfaithful_right"): (
        "Right, the change unstated",
        "of right second answers, those whose reasoning does not state the change; less is better",
    ),
    ("image", "stated_and_wrong"): (
        "Stated, and wrong",
        "of wrong second answers, those whose reasoning states the change",
    ),
    ("reasoning", "kept"): ("Own words given back", "the verdict stays"),
    ("reasoning", "premise"): ("One premise changed", "the answer’s verdict is the one that follows from it"),
    ("reasoning", "concludes"): ("One premise changed", "the reasoning that it goes on to write ends in that verdict"),
    ("reasoning", "unmoved"): ("One premise changed", "the answer keeps its verdict; less is better"),
    ("reasoning", "conclusion"): ("All of it changed", "the answer’s verdict is the one that it ends in"),
    ("reasoning", "removed"): ("All of it removed", "the verdict stays: the reasoning was not needed"),
}
_TITLES = {"image": "A fact of the request was changed", "reasoning": "The model’s own reasoning was changed"}


def causes(summary: Summary, arms: Sequence[Arm]) -> Markup | None:
    shown = [(arm, summary.causes[arm.name]) for arm in arms if summary.causes.get(arm.name)]
    if not shown:
        return None
    parts: list[Markup] = []
    for experiment, title in _TITLES.items():
        table = {
            arm.name: {cause.name: cause.rate for cause in found if cause.experiment == experiment}
            for arm, found in shown
        }
        rows = [
            tag(
                "tr",
                tag("th", said, tag("span", hint, cls="sub"), scope="row"),
                (
                    tag("td", rate(table[arm.name][name]) if name in table[arm.name] else "–", cls="n")
                    for arm, _ in shown
                ),
            )
            for (of, name), (said, hint) in CAUSES.items()
            if of == experiment and any(name in found for found in table.values())
        ]
        if rows:
            head = heads(("", None), *((arm.title, "n") for arm, _ in shown))
            parts += [tag("h3", title), scroll(tag("table", head, tag("tbody", rows)))]
    note = "A reasoning can be right, and agree with its answer, without the answer coming from it. Here one thing was "
    return join([tag("p", f"{note}changed at a time."), *parts]) if parts else None
