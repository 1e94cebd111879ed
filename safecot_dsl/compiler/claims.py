"""Examples and properties: what the author claims of the policy."""

from __future__ import annotations

from typing import Any

from safecot_dsl.artifact import Example, Property, Verdict
from safecot_dsl.compiler.conditions import Conditions
from safecot_dsl.compiler.facts import typed_value
from safecot_dsl.compiler.modules import Module, unknown
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.verdicts import read_verdict


def lower_examples(
    module: Module, conditions: Conditions, spans: dict[str, tuple[Module, t.Syntax]]
) -> tuple[Example, ...]:
    examples: list[Example] = []
    seen: dict[str, t.String] = {}
    for declaration in module.of(t.ExampleDecl):
        name = declaration.name
        if name.text in seen:
            _twice(module, "example", name, seen[name.text])
            continue
        seen[name.text] = name
        given = _given(declaration, module, conditions)
        verdict = read_verdict(declaration.verdict, module)
        by = _by(declaration, module)
        if verdict is None or given is None:
            continue
        key = f"example:{name.text}"
        spans[key] = (module, declaration)
        examples.append(Example(name=name.text, given=given, expect=verdict, by=by, key=key))
    return tuple(examples)


def _twice(module: Module, what: str, name: t.String, first: t.String) -> None:
    module.report.error(
        "SC0102",
        f"the {what} `{name.text}` is declared twice",
        name.start,
        name.end,
        labels=(module.report.label("first declared here", first.start, first.end),),
    )


def _given(declaration: t.ExampleDecl, module: Module, conditions: Conditions) -> dict[str, Any] | None:
    facts: dict[str, Any] = {}
    fine = True
    for entry in declaration.given:
        fact = conditions.fact(entry.fact, module)
        if fact is None:
            fine = False
            continue
        if fact.name in facts:
            module.report.error("SC0102", f"`{fact.name}` is given twice", entry.fact.start, entry.fact.end)
            continue
        if isinstance(entry.value, t.UnknownValue):
            facts[fact.name] = {"unknown": True}
            continue
        value = typed_value(fact, entry.value, module)
        if value is None:
            fine = False
            continue
        facts[fact.name] = sorted(value) if isinstance(value, frozenset) else value
    return dict(sorted(facts.items())) if fine else None


def _by(declaration: t.ExampleDecl, module: Module) -> tuple[str, ...] | None:
    names = list(dict.fromkeys(name.text for name in declaration.by))
    if not names:
        return None
    for name in declaration.by:
        fallback = name.text in ("default", "unsure")
        if fallback and len(names) > 1:
            module.report.error("SC0301", f"`{name.text}` speaks alone", name.start, name.end)
        elif not fallback and name.text not in module.rules and name.text not in module.tree.damaged:
            unknown(module, "rule", name, [*module.rules, "default", "unsure"])
    return tuple(sorted(names))


def lower_properties(
    module: Module, conditions: Conditions, spans: dict[str, tuple[Module, t.Syntax]]
) -> tuple[Property, ...]:
    properties: list[Property] = []
    seen: dict[str, t.String] = {}
    for declaration in module.of(t.PropertyDecl):
        name = declaration.name
        if name.text in seen:
            _twice(module, "property", name, seen[name.text])
            continue
        seen[name.text] = name
        given = conditions.lower(declaration.given, module) if declaration.given is not None else None
        named = [read_verdict(verdict, module) for verdict in declaration.verdicts]
        if any(verdict is None for verdict in named) or (declaration.given is not None and given is None):
            continue
        expect = tuple(verdict for verdict in Verdict if (verdict in named) != declaration.negated)
        if not expect:
            module.report.error("SC0301", "no verdict is left to expect", declaration.start, declaration.end)
            continue
        key = f"property:{name.text}"
        spans[key] = (module, declaration)
        properties.append(Property(name=name.text, given=given, expect=expect, key=key))
    return tuple(properties)
