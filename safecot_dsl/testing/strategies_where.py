"""What is asked of cases, in words: conditions as text, with the names of the policy that they are about, a verdict, a
rule, values. Needs no Hypothesis."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from safecot_dsl.analysis.cases import CaseRequirement, with_coarse
from safecot_dsl.artifact import CompiledPolicy, Condition, Fact, Value, Verdict, fact_atoms, read_case
from safecot_dsl.compiler.conditions import ConditionLowering
from safecot_dsl.compiler.facts import FactTable, declare_facts
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax import parse_condition
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import DiagnosticsError, SourceFile, closest
from safecot_dsl.errors import UsageError
from safecot_dsl.workspace import Opened, Policy

#: How diagnostics name the text of a condition.
PLACE = "where"


#: What cases can be asked of.
AnyPolicy = CompiledPolicy | Opened | Policy


def artifact_of(policy: AnyPolicy) -> CompiledPolicy:
    """The artifact; raises where the policy has errors, or is a library."""
    if isinstance(policy, Policy):
        return policy.compiled
    if isinstance(policy, CompiledPolicy):
        return policy
    if policy.policy is not None:
        return policy.policy
    if policy.diagnostics and policy.failed:
        raise DiagnosticsError(policy.diagnostics)
    raise UsageError(f"`{policy.path}` is a library: it decides nothing itself")


def requirement(
    policy: AnyPolicy,
    where: str | Condition | None,
    verdict: Verdict | str | None,
    decided_by: str | None,
    fixed: Mapping[str, Any] | None,
) -> CaseRequirement:
    """What is asked of cases, by the arguments of :func:`safecot_dsl.testing.cases`.

    Raises:
        DiagnosticsError: `where` is no condition on the policy's facts, or the policy has errors.
        CaseError: `fixed` does not fit the policy's facts.
        UsageError: there is no such rule or verdict.
    """
    artifact = artifact_of(policy)
    if isinstance(where, str):
        where = read_condition(policy, where)
    if decided_by is not None and decided_by != "default":
        require_known("rule", decided_by, artifact.rule_index)
    if verdict is not None:
        require_known("verdict", str(verdict), [str(known) for known in Verdict])
    values: Mapping[str, Value] = {}
    if fixed:
        case = read_case(artifact, {"facts": dict(fixed)})
        values = case.known
        for name in fixed:
            if name not in values:
                raise UsageError(f"`{name}` is fixed without a value: name it in `unknown` where it may be unknown")
    where, values = with_coarse(artifact, where, values)
    return CaseRequirement(where, None if verdict is None else Verdict(verdict), decided_by, values)


def require_known(what: str, name: str, known: Collection[str]) -> None:
    """Raise :class:`UsageError` for a name that is none, with the one that was probably meant."""
    if name not in known:
        meant = closest(name, known)
        raise UsageError(f"the policy has no {what} `{name}`" + (f"; did you mean `{meant}`?" if meant else ""))


def read_condition(policy: AnyPolicy, text: str) -> Condition:
    """The condition over the policy's facts that the text says.

    For a policy that was opened from its source, the text may have every name that the policy's own conditions may: its
    `let`s, groups, params and phrase sets, and those that it imports. An artifact has no `let`s any more; its params
    and phrase sets are there, and those groups that a rule names.

    Raises :class:`DiagnosticsError` where the text is no such condition.
    """
    report = Reporter(SourceFile(PLACE, text))
    artifact = artifact_of(policy)
    policy = policy.opened if isinstance(policy, Policy) else policy
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
        condition = ConditionLowering(facts, artifact.params, artifact.taxonomies).lower(parsed, module)
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
        module.groups[name] = t.GroupDecl(0, 0, _name(name), None, (), t.NameList(0, 0, tuple(map(_name, values))))
    return module


def _groups(policy: CompiledPolicy) -> Iterator[tuple[str, tuple[str, ...]]]:
    for rule in policy.rules:
        for atom in fact_atoms(rule.when, rule.unless):
            if atom.grouped is not None:
                yield atom.grouped, atom.named
