"""The report's examples: what was asked, what is due, what each arm wrote and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from safecot_dsl.artifact import read_case
from safecot_dsl.engine import Interpreter, show_value
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.policies import policy_of
from safecot_dsl.evaluation.reference import Origin, ReferenceReasoning, derive
from safecot_dsl.evaluation.report.arms import ReportArm
from safecot_dsl.evaluation.report.images import show_image
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.pieces import badge, mark, rule_names
from safecot_dsl.evaluation.score import ItemScore, Scored
from safecot_dsl.render import ReasoningStyle


def show_examples(
    interpreter: Interpreter,
    items: Sequence[EvalItem],
    scored: Mapping[str, Scored],
    arms: Sequence[ReportArm],
    style: ReasoningStyle,
) -> Markup | None:
    if not items:
        return None
    return join(
        [
            tag(
                "p",
                "Drawn from the held-out cases by the hash of their ids, in turn from each rule, before any answer was "
                "seen. Beside a line of reasoning stands the rule and the line of the policy that it comes from; one "
                "that the policy would not say of this case is marked.",
            ),
            tag("div", (_example(interpreter, item, scored, arms, style) for item in items), cls="examples"),
        ]
    )


def _example(
    interpreter: Interpreter,
    item: EvalItem,
    scored: Mapping[str, Scored],
    arms: Sequence[ReportArm],
    style: ReasoningStyle,
) -> Markup:
    derivation = _reference(interpreter, item, style)
    given = [
        tag("div", (show_image(data) for data in item.images), cls="images") if item.images else None,
        tag("p", item.prompt, cls="request"),
        tag("p", "due ", badge(item.due) if item.due else None, " ", rule_names(item.rules), cls="due"),
        tag("p", item.split, f" · {item.id}", cls="where"),
        _known(item),
        _derivation(derivation) if derivation else None,
    ]
    answers = [
        _answer(arm, scored[arm.name].items[item.id], derivation)
        for arm in arms
        if arm.name in scored and item.id in scored[arm.name].items
    ]
    return tag("article", tag("div", given, cls="given"), tag("div", answers, cls="answers"), cls="example")


def _answer(arm: ReportArm, score: ItemScore, derivation: ReferenceReasoning | None) -> Markup:
    lines = [
        tag("li", line, _origin(derivation.of(line)) if derivation else None, cls=_line_class(derivation, line))
        for line in score.reasoning
    ]
    ends = None
    if score.stated is not None:
        ends = tag("p", "concludes ", badge(score.stated), " ", rule_names(score.cited), cls="concludes")
    return tag(
        "div",
        tag("h4", tag("span", cls="swatch"), arm.title, mark(score.right)),
        tag("ol", lines, cls="chain") if lines else None,
        ends,
        tag("p", score.answer or "(an empty answer)", cls="answer"),
        tag("p", "the answer is read as ", badge(score.verdict), cls="due"),
        cls=f"arm {arm.cls}",
    )


def _line_class(derivation: ReferenceReasoning | None, line: str) -> str | None:
    return "stray" if derivation is not None and not derivation.of(line) else None


def _origin(origins: Sequence[Origin]) -> Markup:
    if not origins:
        return tag("span", "not what the policy says here", cls="origin")
    places: dict[str, dict[str, None]] = {}
    for origin in origins:
        places.setdefault(origin.rule or "", {}).update(dict.fromkeys(filter(None, [origin.place])))
    named = (" ".join(filter(None, [rule, ", ".join(found)])) for rule, found in places.items())
    return tag("span", " · ".join(named), cls="origin")


def _reference(interpreter: Interpreter, item: EvalItem, style: ReasoningStyle) -> ReferenceReasoning | None:
    if not item.facts:
        return None
    policy = policy_of(item, interpreter.policy)
    if policy is not interpreter.policy:
        interpreter = Interpreter(policy)
    return derive(interpreter, read_case(policy, json.loads(item.facts)), style)


def _derivation(derivation: ReferenceReasoning) -> Markup:
    return tag(
        "details",
        tag("summary", "What the policy says"),
        tag("ol", (tag("li", text, _origin(origin)) for text, origin in derivation.lines), cls="chain"),
    )


def _known(item: EvalItem) -> Markup | None:
    if not item.facts:
        return None
    facts = json.loads(item.facts).get("facts", {})
    return tag(
        "details",
        tag("summary", "Facts"),
        tag(
            "dl",
            (tag("div", tag("dt", name), tag("dd", _fact_value(value))) for name, value in facts.items()),
            cls="known",
        ),
    )


def _fact_value(value: object) -> str:
    return "cannot be told" if isinstance(value, dict) else show_value(value)
