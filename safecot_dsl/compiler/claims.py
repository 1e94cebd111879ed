"""Examples and properties: what the author claims of the policy."""

from __future__ import annotations

from typing import Any

from safecot_dsl.artifact import Example, Property, Verdict
from safecot_dsl.compiler.conditions import ConditionLowering
from safecot_dsl.compiler.facts import typed_value
from safecot_dsl.compiler.lookup import damaged, find_rule, rule_names, unknown
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.verdicts import read_verdict
from safecot_dsl.diagnostics import Code


def lower_examples(
    module: Module, conditions: ConditionLowering, spans: dict[str, tuple[Module, t.Syntax]]
) -> tuple[Example, ...]:
    """The examples of one file; a fault is reported and its example left out."""
    examples: list[Example] = []
    for name, declaration in module.examples.items():
        given = _given(declaration, module, conditions)
        verdict = read_verdict(declaration.verdict, module)
        by = _by(declaration, module)
        if verdict is None or given is None:
            continue
        key = f"example:{name}"
        spans[key] = (module, declaration)
        examples.append(Example(name=name, given=given, expect=verdict, by=by, key=key))
    return tuple(examples)


def _given(declaration: t.ExampleDecl, module: Module, conditions: ConditionLowering) -> dict[str, Any] | None:
    facts: dict[str, Any] = {}
    fine = True
    for entry in declaration.given:
        fact = conditions.names.fact(entry.fact, module)
        if fact is None:
            fine = False
            continue
        if fact.name in facts:
            module.report.error(Code.DECLARED_TWICE, f"`{fact.name}` is given twice", entry.fact.start, entry.fact.end)
            continue
        if isinstance(entry.value, t.UnknownValue):
            facts[fact.name] = {"unknown": True}
            continue
        value = typed_value(fact, entry.value, conditions.names.facts, module)
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
            module.report.error(Code.REQUIRED_MISSING, f"`{name.text}` speaks alone", name.start, name.end)
        elif not fallback and find_rule(module, name.text) is None and not damaged(module, name.text):
            unknown(module, "rule", name, [*rule_names(module), "default", "unsure"])
    return tuple(sorted(names))


def lower_properties(
    module: Module, conditions: ConditionLowering, spans: dict[str, tuple[Module, t.Syntax]]
) -> tuple[Property, ...]:
    """The properties of one file; a fault is reported and its property left out."""
    properties: list[Property] = []
    for name, declaration in module.properties.items():
        given = conditions.lower(declaration.given, module) if declaration.given is not None else None
        named = [read_verdict(verdict, module) for verdict in declaration.verdicts]
        if any(verdict is None for verdict in named) or (declaration.given is not None and given is None):
            continue
        expect = tuple(verdict for verdict in Verdict if (verdict in named) != declaration.negated)
        if not expect:
            module.report.error(
                Code.REQUIRED_MISSING, "no verdict is left to expect", declaration.start, declaration.end
            )
            continue
        key = f"property:{name}"
        spans[key] = (module, declaration)
        properties.append(Property(name=name, given=given, expect=expect, key=key))
    return tuple(properties)
