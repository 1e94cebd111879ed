"""Hypothesis strategies for cases of a policy.

What is drawn fits the policy's facts and, where something is asked of it, is so for certain: the solver finds out once,
when the strategy is made, what it takes, and each case is held against the interpreter. A case prints as an `example`
that can be pasted into the policy. Cases shrink to no, the first name, the empty set, 0 and the empty text, with as few
facts otherwise as it takes; where facts may be unknown, to as few known ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from hypothesis.strategies import SearchStrategy

from safecot_dsl.analysis.cases import CaseRequirement
from safecot_dsl.artifact import Case, CompiledPolicy, Condition, Verdict
from safecot_dsl.engine import Interpreter
from safecot_dsl.testing.strategies_claims import DrawPlan, Targets, planned, straddling
from safecot_dsl.testing.strategies_draws import (
    BoundaryDraw,
    Drawing,
    boundary_cases,
    boundary_pairs,
    changed_pairs,
    drawn_cases,
    refined_cases,
)
from safecot_dsl.testing.strategies_where import AnyPolicy, artifact_of, require_known, requirement


def cases(
    policy: AnyPolicy,
    *,
    where: str | Condition | None = None,
    verdict: Verdict | str | None = None,
    decided_by: str | None = None,
    near: str | None = None,
    fixed: Mapping[str, Any] | None = None,
    unknown: bool | Collection[str] = False,
) -> SearchStrategy[Case]:
    """Cases of the policy, as different as its conditions can tell them apart; each of its rules decides some.

    Args:
        policy: what `safecot_dsl.load` or `open_policy` gives, with which `where` may have all names of the policy, or
            an artifact.
        where: a condition that holds of every case, such as `"toxic_pair and query.intent is mix"`.
        verdict: the verdict on every case.
        decided_by: a rule that is among the deciding ones of every case, or `"default"`.
        near: a rule whose boundary every case lies on: another value of one fact decides whether it applies.
        fixed: values of facts that every case has, in the form that JSON has for a case; of a node of a taxonomy every
            case has one of the leaves below it.
        unknown: whether facts may be unknown (not annotated, impossible to tell or, of a taxonomy, known only
            coarsely), or the names of those that may. What is asked of the cases holds of them for certain all the
            same. Without it, all facts are known.

    Raises, when the strategy is made:
        NoSuchCaseError: no case is so.
        UndecidedError: nobody can say in time whether there is one.
        DiagnosticsError: `where` is no condition on the policy's facts, or the policy has errors.
        CaseError: `fixed` does not fit the policy's facts.
        UsageError: there is no such rule, verdict or fact.
    """
    artifact = artifact_of(policy)
    wanted = requirement(policy, where, verdict, decided_by, fixed)
    may_be_unknown = _unknown(artifact, unknown, wanted)
    if near is not None:
        if may_be_unknown:
            raise ValueError("`near` is about complete cases: it goes without `unknown`")
        return boundary_cases(_straddling(artifact, near, wanted, both=True, change=None))
    if wanted.condition is not None or wanted.verdict is not None or wanted.deciding is not None:
        return drawn_cases(Drawing(planned(artifact, wanted), may_be_unknown))
    if wanted.fixed:
        plan = planned(artifact, wanted)
        return drawn_cases(Drawing(plan, may_be_unknown, targets=Targets(plan)))
    plan, targets = _of_all(_Same(artifact))
    return drawn_cases(Drawing(plan, may_be_unknown, targets=targets))


def pairs(
    policy: AnyPolicy,
    *,
    change: str | None = None,
    where: str | Condition | None = None,
    verdict: Verdict | str | None = None,
    decided_by: str | None = None,
    near: str | None = None,
    fixed: Mapping[str, Any] | None = None,
) -> SearchStrategy[tuple[Case, Case]]:
    """Two complete cases that differ in one fact: the one named by `change`, else any that is not fixed.

    `where`, `verdict` and `decided_by` are asked of the first, `fixed` is so of both. With `near`, that rule applies to
    the first and not to the second. Arguments and errors are otherwise those of :func:`cases`.

    Raises:
        ValueError: the fact is fixed or has one value only, or none can change.
    """
    artifact = artifact_of(policy)
    wanted = requirement(policy, where, verdict, decided_by, fixed)
    if change is not None:
        require_known("fact", change, artifact.fact_index)
        if change in (wanted.fixed or {}):
            raise ValueError(f"`{change}` is fixed, and is to change")
    if near is not None:
        return _straddling(artifact, near, wanted, both=False, change=change)
    plan = planned(artifact, wanted)
    drawing = Drawing(plan, targets=Targets(plan))
    can_change = [name for name, own in plan.values.items() if own.has_others and change in (None, name)]
    if not can_change:
        raise ValueError(f"`{change}` has one value only" if change else "no fact can change")
    return changed_pairs(drawing, can_change)


def completions(policy: AnyPolicy, case: Case) -> SearchStrategy[Case]:
    """The case with every fact known: what was known stays, or becomes a value below where it was known only coarsely,
    what the policy supposes is so, the rest is any value."""
    artifact = artifact_of(policy)
    for name in (*case.known, *case.cannot_tell):
        require_known("fact", name, artifact.fact_index)
    known = Interpreter(artifact).suppose(case)[0].known
    coarse = {name: str(value) for name, value in known.items() if artifact.fact_index[name].is_coarse(value)}
    plan, targets = _of_all(_Same(artifact))
    fixed = {name: value for name, value in known.items() if name not in coarse}
    return refined_cases(drawn_cases(Drawing(plan, targets=targets, fixed=fixed)), artifact, coarse)


class _Same:
    """A policy, which is the same as itself alone: a changed copy may have its digest."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self.policy = policy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.policy is self.policy

    def __hash__(self) -> int:
        return id(self.policy)


@lru_cache(maxsize=8)
def _of_all(same: _Same) -> tuple[DrawPlan, Targets]:
    """How cases of a policy are drawn of which nothing is asked."""

    plan = planned(same.policy, CaseRequirement())
    return plan, Targets(plan)


# --- what is asked for -----------------------------------------------------------------------------------------------


def _unknown(policy: CompiledPolicy, unknown: bool | Collection[str], wanted: CaseRequirement) -> Sequence[str]:
    fixed = wanted.fixed or {}
    if isinstance(unknown, bool):
        return [fact.name for fact in policy.facts if fact.name not in fixed] if unknown else ()
    for name in [unknown] if isinstance(unknown, str) else unknown:
        require_known("fact", name, policy.fact_index)
        if name in fixed:
            raise ValueError(f"`{name}` is fixed, and cannot be unknown")
    names = {unknown} if isinstance(unknown, str) else set(unknown)
    return [fact.name for fact in policy.facts if fact.name in names]


def _straddling(
    policy: CompiledPolicy, near: str, wanted: CaseRequirement, *, both: bool, change: str | None
) -> SearchStrategy[tuple[Case, Case]]:
    require_known("rule", near, policy.rule_index)
    rule = policy.rule_index[near]
    plan, straddles = straddling(policy, rule, wanted, both=both, change=change)
    return boundary_pairs(BoundaryDraw(plan, straddles, rule.name, both))
