"""Conditions that a test writes as text, with the names of the policy that they are about."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from safecot_dsl.artifact import CompiledPolicy, Condition, Fact, fact_atoms
from safecot_dsl.compiler.conditions import Conditions
from safecot_dsl.compiler.facts import FactTable, declare_facts
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax import parse_condition
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import DiagnosticsError, SourceFile
from safecot_dsl.workspace import Opened

#: How diagnostics name the text of a condition.
PLACE = "where"


def read_condition(policy: CompiledPolicy | Opened, text: str) -> Condition:
    """The condition over the policy's facts that the text says.

    For a policy that was opened from its source, the text may have every name that the policy's own conditions may: its
    `let`s, groups, params and phrase sets, and those that it imports. An artifact has no `let`s any more; its params
    and phrase sets are there, and those groups that a rule names.

    Raises :class:`DiagnosticsError` where the text is no such condition.
    """
    report = Reporter(SourceFile(PLACE, text))
    if isinstance(policy, Opened):
        if policy.policy is None:
            raise DiagnosticsError(policy.diagnostics)
        artifact = policy.policy
    else:
        artifact = policy
    if isinstance(policy, Opened) and policy.modules:
        facts = declare_facts(list(policy.modules))
        # The same file as far as names go, with what is said of the text apart.
        module = copy.copy(policy.modules[-1])
        module.family = [module, *policy.modules[-1].bases]
        module.report = report
    else:
        module = _module(artifact, report)
        facts = FactTable({fact.name: (fact, _fact_declaration(fact), module) for fact in artifact.facts}, frozenset())
    parsed = parse_condition(text, report)
    condition = None
    if parsed is not None and not report.failed:
        condition = Conditions(facts, artifact.params, artifact.taxonomies).lower(parsed, module)
    if condition is None or report.failed:
        raise DiagnosticsError(tuple(report.diagnostics))
    return condition


def _name(text: str) -> t.Name:
    return t.Name(0, 0, text)


def _fact_declaration(fact: Fact) -> t.FactDecl:
    return t.FactDecl(0, 0, _name(fact.name.split(".", 1)[1]), t.TypeExpr(0, 0, "flag"), None, None, ())


def _module(policy: CompiledPolicy, report: Reporter) -> Module:
    """The names that an artifact still has, as a file would declare them."""
    module = Module("", "", "", t.FileTree(None, ()), report)
    for name, value in policy.params.items():
        module.params[name] = t.ParamDecl(0, 0, _name(name), t.Number(0, 0, repr(value)))
    for name, phrases in policy.phrases.items():
        strings = tuple(t.String(0, 0, phrase, ()) for phrase in phrases)
        module.phrases[name] = t.PhrasesDecl(0, 0, _name(name), strings)
    for name, values in _groups(policy):
        module.groups[name] = t.GroupDecl(0, 0, _name(name), None, (), t.Names(0, 0, tuple(map(_name, values))))
    return module


def _groups(policy: CompiledPolicy) -> Iterator[tuple[str, tuple[str, ...]]]:
    for rule in policy.rules:
        for atom in fact_atoms(rule.when, rule.unless):
            if atom.grouped is not None:
                yield atom.grouped, atom.named
