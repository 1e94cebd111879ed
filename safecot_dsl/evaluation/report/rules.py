"""The report's section on the policy: its rules, as compiled."""

from __future__ import annotations

import re

from safecot_dsl.artifact import And, CompiledPolicy, Condition, Or, Rule
from safecot_dsl.artifact.facts import Fact, NumberType, OneOfType, SetType
from safecot_dsl.engine import show_condition
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.pieces import badge, rule_names, scroll

# Texts and patterns are passed over, so that no word of theirs is taken for one of the language's.
_WORDS = re.compile(
    r"""(?P<quoted>"(?:\\.|[^"\\])*"|(?<=matches )/(?:\\.|[^/\\])*/i?)"""
    r"|(?<![.\w])(?:and|or|not|at least|of|is|in|has|any|all|none|within|empty|between|contains|matches)(?![.\w])"
    r"|[<>]=?"
)


def show_policy(policy: CompiledPolicy) -> Markup:
    facts = [
        tag(
            "tr",
            tag("th", tag("code", fact.name), scope="row"),
            tag("td", _type(fact)),
            tag("td", fact.description or ""),
        )
        for fact in policy.facts
    ]
    defaults = tag(
        "p",
        "Where no rule is in force, the verdict is ",
        badge(policy.default),
        "; where unknown facts leave it open, ",
        badge(policy.unsure),
        ".",
    )
    return join(
        [
            tag("p", "The rules as compiled. An exception replaces the rules that it is to, wherever it applies."),
            tag("div", (_rule(policy, rule) for rule in policy.rules), cls="cards"),
            defaults,
            tag(
                "details",
                tag("summary", f"The {len(policy.facts)} facts that rules may read"),
                scroll(tag("table", tag("tbody", facts), cls="small facts-table")),
            ),
        ]
    )


def _rule(policy: CompiledPolicy, rule: Rule) -> Markup:
    span = policy.span(f"rule:{rule.name}")
    hazard = policy.hazards.get(rule.hazard) if rule.hazard else None
    clauses = [("when", rule.when), ("unless", rule.unless), ("require", rule.require)]
    return tag(
        "article",
        tag("h3", tag("code", rule.name), badge(rule.verdict)),
        tag("p", "exception to ", rule_names(rule.exception_to), cls="sub") if rule.exception_to else None,
        tag("p", rule.title) if rule.title else None,
        tag(
            "pre",
            (
                tag("div", tag("span", word.ljust(7), cls="k"), " ", highlight(condition))
                for word, condition in clauses
                if condition is not None
            ),
        ),
        tag(
            "p",
            f"{hazard.phrase} (severity {hazard.severity:g})" if hazard else None,
            " · " if hazard and span else None,
            f"{span.file}:{span.line}" if span else None,
            cls="where",
        ),
        cls="card",
    )


def highlight(condition: Condition) -> Markup:
    """In the language's words; a conjunction has a line for each part."""
    if isinstance(condition, And):
        parts = [
            f"({show_condition(item)})" if isinstance(item, Or) else show_condition(item) for item in condition.items
        ]
        text = ("\n" + " " * 8).join([parts[0], *(f"and {part}" for part in parts[1:])])
    else:
        text = show_condition(condition)
    pieces: list[object] = []
    end = 0
    for match in _WORDS.finditer(text):
        if match["quoted"] is None:
            pieces += [text[end : match.start()], tag("span", match.group(), cls="k")]
            end = match.end()
    return join([*pieces, text[end:]])


def _type(fact: Fact) -> str:
    match fact.type:
        case OneOfType(values=values, taxonomy=None):
            return "one of " + ", ".join(value.name for value in values)
        case OneOfType(taxonomy=taxonomy):
            return f"one of {taxonomy}"
        case SetType(values=values):
            return "set of " + ", ".join(value.name for value in values)
        case NumberType(low=low, high=high, score=score):
            return "score" if score else f"number {low:g}..{high:g}"
        case other:
            return other.kind
