"""A rule set in each language, as its users would write it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from benchmarks.compile.rules import ATTRIBUTES, VALUES, Either, In, Is, Not, Part, Rule, Score

CEDAR_SCHEMA = (
    "entity User; entity Model;\n"
    "action ask appliesTo { principal: User, resource: Model, context: { "
    + "".join(f"{name}: String, " for name in ATTRIBUTES)
    + "score: Long } };\n"
)


def safecot(rules: list[Rule]) -> str:
    def part(each: Part) -> str:
        match each:
            case Is(attribute, value):
                return f"query.{attribute} is {value}"
            case In(attribute, values):
                return f"query.{attribute} in {{ {', '.join(values)} }}"
            case Score(at_least, thousandths):
                return f"query.score {'>=' if at_least else '<'} {thousandths / 1000}"
            case Not(inner):
                return f"not {part(inner)}"
            case Either(parts):
                return f"({' or '.join(map(part, parts))})"

    facts = "\n".join(f"  {name} : one of {{ {', '.join(VALUES)} }}" for name in ATTRIBUTES)
    written = [
        f"rule {rule.name} {{\n  when    {' and '.join(map(part, rule.parts))}\n  verdict refuse\n}}" for rule in rules
    ]
    head = 'policy bench {\n  version "1.0.0"\n}\n\nfacts query {\n' + facts + "\n  score : score\n}"
    return "\n\n".join([head, *written, "default comply\nunsure  clarify"]) + "\n"


def cedar(rules: list[Rule]) -> str:
    def part(each: Part) -> str:
        match each:
            case Is(attribute, value):
                return f'context.{attribute} == "{value}"'
            case In(attribute, values):
                return f"[{', '.join(map(_quoted, values))}].contains(context.{attribute})"
            case Score(at_least, thousandths):
                return f"context.score {'>=' if at_least else '<'} {thousandths}"
            case Not(inner):
                return f"!({part(inner)})"
            case Either(parts):
                return f"({' || '.join(map(part, parts))})"

    written = [
        f'@id("{rule.name}")\nforbid (principal, action, resource) when {{\n  {" && ".join(map(part, rule.parts))}\n}};'
        for rule in rules
    ]
    return "\n\n".join([*written, '@id("default")\npermit (principal, action, resource);']) + "\n"


def cel(rules: list[Rule]) -> dict[str, str]:
    """An expression for each rule: the language has no rules."""
    return {
        rule.name: " && ".join(_like_c(part, "{} in [{}]", "!({})", " || ", "") for part in rule.parts)
        for rule in rules
    }


def rego(rules: list[Rule]) -> str:
    """A rule of a partial set for each; a body has no `or`, so that a part with one is a rule of its own."""
    lines = ["package bench", "", "import rego.v1", ""]
    for rule in rules:
        body: list[str] = []
        for number, part in enumerate(rule.parts):
            match part:
                case Either(parts):
                    name = f"{rule.name}_{number}"
                    lines += [f"{name} if {_rego_part(inner)}" for inner in parts]
                    body.append(name)
                case _:
                    body.append(_rego_part(part))
        lines += [f'applies contains "{rule.name}" if {{', *(f"\t{line}" for line in body), "}", ""]
    return "\n".join(lines)


def _rego_part(part: Part) -> str:
    match part:
        case Not(inner):
            return f"not {_rego_part(inner)}"
        case In(attribute, values):
            return f"input.{attribute} in {{{', '.join(map(_quoted, values))}}}"
        case _:
            return _like_c(part, "{} in {{{}}}", "not {}", " || ", "input.")


def _like_c(part: Part, among: str, negated: str, either: str, prefix: str) -> str:
    def written(each: Part) -> str:
        match each:
            case Is(attribute, value):
                return f'{prefix}{attribute} == "{value}"'
            case In(attribute, values):
                return among.format(f"{prefix}{attribute}", ", ".join(map(_quoted, values)))
            case Score(at_least, thousandths):
                return f"{prefix}score {'>=' if at_least else '<'} {thousandths / 1000}"
            case Not(inner):
                return negated.format(written(inner))
            case Either(parts):
                return f"({either.join(map(written, parts))})"

    return written(part)


def sigma(rules: list[Rule]) -> str:
    """A document of YAML for each rule; a selection for each part, and the parts joined by its condition."""
    documents: list[str] = []
    for index, rule in enumerate(rules):
        selections: list[str] = []
        joined: list[str] = []

        def select(part: Is | In | Score, selections: list[str] = selections) -> str:
            name = f"s{sum(line.startswith('  s') for line in selections)}"
            selections.append(f"  {name}:")
            match part:
                case Is(attribute, value):
                    selections.append(f"    {attribute}: {value}")
                case In(attribute, values):
                    selections.append(f"    {attribute}: [{', '.join(values)}]")
                case Score(at_least, thousandths):
                    selections.append(f"    score|{'gte' if at_least else 'lt'}: {thousandths}")
            return name

        def part(each: Part, select: Callable[[Is | In | Score], str] = select) -> str:
            match each:
                case Not(inner):
                    return f"not {select(inner)}"
                case Either(parts):
                    return f"({' or '.join(map(part, parts))})"
                case _:
                    return select(each)

        joined = [part(each) for each in rule.parts]
        documents.append(
            f"title: {rule.name}\nid: {UUID(int=index + 1)}\nlogsource:\n  category: query\ndetection:\n"
            + "\n".join(selections)
            + f"\n  condition: {' and '.join(joined)}\n"
        )
    return "---\n".join(documents)


def _quoted(text: str) -> str:
    return f'"{text}"'
