"""Hypothesis strategies for cases of a policy.

What is drawn fits the policy's facts and, where something is asked of it, is so for certain: the solver finds out once,
when the strategy is made, what it takes, and each case is held against the interpreter. A case prints as an `example`
that can be pasted into the policy. Cases shrink to no, the first name, the empty set, 0 and the empty text, with as few
facts otherwise as it takes; where facts may be unknown, to as few known ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy, Condition, Value, Verdict, read_case
from safecot_dsl.diagnostics import DiagnosticsError, closest
from safecot_dsl.engine import Interpreter, Truth
from safecot_dsl.testing.examples import DrawnCase
from safecot_dsl.testing.strategies_values import choice_of
from safecot_dsl.workspace import Opened

if TYPE_CHECKING:
    from safecot_dsl.analysis.cases import Wanted
    from safecot_dsl.analysis.cubes import Cube
    from safecot_dsl.testing.strategies_claims import Plan, Straddle, Targets


def cases(
    policy: CompiledPolicy | Opened,
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
        policy: an artifact, or what `open_policy` gives, with which `where` may have all names of the policy.
        where: a condition that holds of every case, such as `"toxic_pair and query.intent is mix"`.
        verdict: the verdict on every case.
        decided_by: a rule that is among the deciding ones of every case, or `"default"`.
        near: a rule whose boundary every case lies on: another value of one fact decides whether it applies.
        fixed: values of facts that every case has, in the form that JSON has for a case.
        unknown: whether facts may be unknown (not annotated, or impossible to tell), or the names of those that may.
            What is asked of the cases holds of them for certain all the same. Without it, all facts are known.

    Raises, when the strategy is made:
        NoSuchCaseError: no case is so.
        UndecidedError: nobody can say in time whether there is one.
        DiagnosticsError: `where` is no condition on the policy's facts, or the policy has errors.
        CaseError: `fixed` does not fit the policy's facts.
        ValueError: there is no such rule, verdict or fact.
    """
    artifact = _artifact(policy)
    wanted = _wanted(policy, where, verdict, decided_by, fixed)
    may_be_unknown = _unknown(artifact, unknown, wanted)
    if near is not None:
        if may_be_unknown:
            raise ValueError("`near` is about complete cases: it goes without `unknown`")
        return _either(_straddling(artifact, near, wanted, both=True, change=None))
    from safecot_dsl.testing.strategies_claims import Targets, planned

    if wanted.condition is not None or wanted.verdict is not None or wanted.deciding is not None:
        return _drawn(_Drawing(planned(artifact, wanted), may_be_unknown))
    if wanted.fixed:
        plan = planned(artifact, wanted)
        return _drawn(_Drawing(plan, may_be_unknown, targets=Targets(plan)))
    plan, targets = _of_all(_Same(artifact))
    return _drawn(_Drawing(plan, may_be_unknown, targets=targets))


def pairs(
    policy: CompiledPolicy | Opened,
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
    """
    artifact = _artifact(policy)
    wanted = _wanted(policy, where, verdict, decided_by, fixed)
    if change is not None:
        _require_known("fact", change, artifact.fact_index)
        if change in (wanted.fixed or {}):
            raise ValueError(f"`{change}` is fixed, and is to change")
    if near is not None:
        return _straddling(artifact, near, wanted, both=False, change=change)
    from safecot_dsl.testing.strategies_claims import Targets, planned

    plan = planned(artifact, wanted)
    drawing = _Drawing(plan, targets=Targets(plan))
    can_change = [name for name, own in plan.values.items() if own.has_others and change in (None, name)]
    if not can_change:
        raise ValueError(f"`{change}` has one value only" if change else "no fact can change")
    return _changed(drawing, can_change)


def completions(policy: CompiledPolicy | Opened, case: Case) -> SearchStrategy[Case]:
    """The case with every fact known: what was known stays, what the policy supposes is so, the rest is any value."""
    artifact = _artifact(policy)
    for name in (*case.known, *case.cannot_tell):
        _require_known("fact", name, artifact.fact_index)
    known = Interpreter(artifact).suppose(case)[0].known
    plan, targets = _of_all(_Same(artifact))
    return _drawn(_Drawing(plan, targets=targets, fixed=known))


class _Same:
    """A policy, which is the same as itself alone: a changed copy may have its digest."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self.policy = policy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.policy is self.policy

    def __hash__(self) -> int:
        return id(self.policy)


@lru_cache(maxsize=8)
def _of_all(same: _Same) -> tuple[Plan, Targets]:
    """How cases of a policy are drawn of which nothing is asked."""
    from safecot_dsl.analysis.cases import Wanted
    from safecot_dsl.testing.strategies_claims import Targets, planned

    plan = planned(same.policy, Wanted())
    return plan, Targets(plan)


# --- what is asked for -----------------------------------------------------------------------------------------------


def _artifact(policy: CompiledPolicy | Opened) -> CompiledPolicy:
    if isinstance(policy, CompiledPolicy):
        return policy
    if policy.policy is not None:
        return policy.policy
    if policy.diagnostics and policy.failed:
        raise DiagnosticsError(policy.diagnostics)
    raise ValueError(f"`{policy.path}` is a library: it decides nothing itself")


def _wanted(
    policy: CompiledPolicy | Opened,
    where: str | Condition | None,
    verdict: Verdict | str | None,
    decided_by: str | None,
    fixed: Mapping[str, Any] | None,
) -> Wanted:
    from safecot_dsl.analysis.cases import Wanted

    artifact = _artifact(policy)
    if isinstance(where, str):
        from safecot_dsl.testing.strategies_where import read_condition

        where = read_condition(policy, where)
    if decided_by is not None and decided_by != "default":
        _require_known("rule", decided_by, artifact.rule_index)
    if verdict is not None:
        _require_known("verdict", str(verdict), [str(known) for known in Verdict])
    values: Mapping[str, Value] = {}
    if fixed:
        case = read_case(artifact, {"facts": dict(fixed)})
        values = case.known
        for name in fixed:
            if name not in values:
                raise ValueError(f"`{name}` is fixed without a value: name it in `unknown` where it may be unknown")
    return Wanted(where, None if verdict is None else Verdict(verdict), decided_by, values)


def _require_known(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        meant = closest(name, known)
        raise ValueError(f"the policy has no {what} `{name}`" + (f"; did you mean `{meant}`?" if meant else ""))


def _unknown(policy: CompiledPolicy, unknown: bool | Collection[str], wanted: Wanted) -> Sequence[str]:
    fixed = wanted.fixed or {}
    if isinstance(unknown, bool):
        return [fact.name for fact in policy.facts if fact.name not in fixed] if unknown else ()
    for name in [unknown] if isinstance(unknown, str) else unknown:
        _require_known("fact", name, policy.fact_index)
        if name in fixed:
            raise ValueError(f"`{name}` is fixed, and cannot be unknown")
    names = {unknown} if isinstance(unknown, str) else set(unknown)
    return [fact.name for fact in policy.facts if fact.name in names]


# --- how cases are drawn ---------------------------------------------------------------------------------------------


class _Drawing:
    """A plan, and the strategies that go with it. `fixed` are facts that are not drawn, `targets` what cases are led to
    of which nothing is asked."""

    def __init__(
        self,
        plan: Plan,
        unknown: Sequence[str] = (),
        *,
        targets: Targets | None = None,
        fixed: Mapping[str, Value] | None = None,
    ) -> None:
        self.plan = plan
        self.is_free = not plan.cubes
        self.fixed = plan.wanted.fixed or {} if fixed is None else fixed
        self.values = {name: own for name, own in plan.values.items() if name not in self.fixed}
        self._targets = targets or ()
        # Which cube a case is made to agree with. Where it has to agree with none, one case of four is left as it is,
        # for which 0 stands.
        count = len(self._targets if self.is_free else plan.cubes)
        left = [0] * (count // 3 + 1) if self.is_free else []
        self.chosen = choice_of("cube", [*left, *range(1, count + 1)])
        # What becomes of each fact that may be unknown.
        self.fates = {name: choice_of((name, "unknown"), range(8)) for name in unknown}

    def __repr__(self) -> str:
        return repr(self.plan)

    def cube(self, chosen: int) -> Cube | None:
        """The cube that was chosen; None where a case is left as it is, or what is fixed is not so in the cube."""
        if not self.is_free:
            return self.plan.cubes[chosen - 1]
        cube = self._targets[chosen - 1] if chosen else None
        if cube is None:
            return None
        for name, signs in cube.signs.items():
            if name in self.fixed and not self.plan.values[name].agrees(self.fixed[name], signs):
                return None
        return cube


def _less_plain(cube: Cube) -> int:
    return min(_MOST_BITS, sum(sign for signs in cube.signs.values() for sign in signs.values()))


_MOST_BITS = 16  # of longer numbers Hypothesis would draw the short ones far more often


def _draw_known(draw: DrawFn, drawing: _Drawing) -> dict[str, Value]:
    """The facts of a complete case of which what is wanted holds."""
    plan = drawing.plan
    _, chosen = draw(drawing.chosen)
    drawn = {name: own.draw(draw) for name, own in drawing.values.items()}
    known: dict[str, Value] = {name: value for name, (value, _) in drawn.items()}
    known.update(drawing.fixed)
    cube = drawing.cube(chosen)
    if cube is None:
        return known
    if drawing.is_free:
        # What need not be so for a test to fail is shrunk away: of the signs that make a case less plain those count
        # that the bits of a number say; from the last power of two on, which is three times of four, all.
        _agree(known, drawing, drawn, cube, draw(st.integers(0, (4 << _less_plain(cube)) - 1)))
    elif not plan.holds(Case(known)):
        _agree(known, drawing, drawn, cube, -1)
        if not plan.holds(Case(known)):
            raise AssertionError(f"{Case(known)!r} is not what was asked for")
    return known


def _agree(
    known: dict[str, Value], drawing: _Drawing, drawn: Mapping[str, tuple[Value, int]], cube: Cube, bits: int
) -> None:
    """Make the facts agree with the cube, but for those signs that would make them less plain and have no bit."""
    count = _less_plain(cube)
    if bits >> count:
        bits = -1  # all of them
    number = 0
    for name, signs in cube.signs.items():
        if name in drawing.fixed:
            continue
        asked: dict[int, bool] = {}
        for place, sign in signs.items():
            if not sign or bits >> min(number, count - 1) & 1:
                asked[place] = sign
            number += sign
        known[name] = drawing.plan.values[name].fitted(*drawn[name], asked, cube.case.known[name])


@st.composite
def _drawn(draw: DrawFn, drawing: _Drawing) -> Case:
    known = _draw_known(draw, drawing)
    case = Case(known)
    if drawing.fates:
        case = _forgotten(draw, drawing, known)
    return DrawnCase(drawing.plan.policy, case)


_MOST = choice_of("unknown", (6, 3, 1))


def _forgotten(draw: DrawFn, drawing: _Drawing, known: Mapping[str, Value]) -> Case:
    """The case without some facts, as far as what is wanted of it stays so for certain."""
    # Few facts are known in one case of three, most in another.
    _, most = draw(_MOST)
    case = Case(known)
    lost: list[str] = []
    for name, fate in drawing.fates.items():
        _, number = draw(fate)
        if number < most:
            lost.append(name)
            case = case.with_fact(name, UNKNOWN if number % 3 == 1 else None)
    while lost and not drawing.is_free and not drawing.plan.holds(case):
        # Learning one after another ends with the complete case, of which all is so.
        name = _next_learnt(drawing.plan, lost)
        lost.remove(name)
        case = case.with_fact(name, known[name])
    return case


def _next_learnt(plan: Plan, lost: Sequence[str]) -> str:
    """One that what is wanted hangs on, if there is one."""
    hanging = {name for cube in plan.cubes for name in cube.signs}
    return next((name for name in lost if name in hanging), lost[-1])


@st.composite
def _changed(draw: DrawFn, drawing: _Drawing, can_change: Sequence[str]) -> tuple[Case, Case]:
    name = can_change[draw(st.integers(0, len(can_change) - 1))]
    case = Case(_draw_known(draw, drawing))
    other = case.with_fact(name, drawing.plan.values[name].draw_other(draw, case.known[name]))
    return DrawnCase(drawing.plan.policy, case), DrawnCase(drawing.plan.policy, other)


def _straddling(
    policy: CompiledPolicy, near: str, wanted: Wanted, *, both: bool, change: str | None
) -> SearchStrategy[tuple[Case, Case]]:
    from safecot_dsl.testing.strategies_claims import straddling

    _require_known("rule", near, policy.rule_index)
    rule = policy.rule_index[near]
    plan, straddles = straddling(policy, rule, wanted, both=both, change=change)
    return _on_the_boundary(_Boundary(plan, straddles, rule.name, both))


_ANY = st.integers(0, 63)


class _Boundary:
    """How pairs near a rule are drawn; of `both` is so what is wanted, else of the first."""

    def __init__(self, plan: Plan, straddles: Sequence[Straddle], rule: str, both: bool) -> None:
        self.plan = plan
        self.straddles = straddles
        self.rule = rule
        self.both = both

    def __repr__(self) -> str:
        return f"{self.plan} near {self.rule}"


@st.composite
def _on_the_boundary(draw: DrawFn, boundary: _Boundary) -> tuple[Case, Case]:
    plan, straddles = boundary.plan, boundary.straddles
    straddle = straddles[draw(st.integers(0, len(straddles) - 1))]
    inside: dict[str, Value] = dict(plan.wanted.fixed or {})
    for name, own in plan.values.items():
        value, index = own.draw(draw)
        asked = straddle.inside.signs.get(name, {})
        inside[name] = own.fitted(value, index, asked, straddle.inside.case.known[name])
    name = straddle.fact
    own = plan.values[name]
    asked = straddle.outside.signs.get(name, {})
    # One choice whatever the fact is, so that none seems simpler than another. Of two sets the nearest is taken.
    other = own.fitted(inside[name], draw(_ANY), asked, straddle.outside.case.known[name])
    outside = {**inside, name: other}
    for known, is_inside in ((inside, True), (outside, False)):
        applies = plan.interpreter.trace(Case(known)).applies[boundary.rule] is Truth.YES
        if applies is not is_inside or ((is_inside or boundary.both) and not plan.holds(Case(known))):
            raise AssertionError(f"{Case(known)!r} is not on the boundary of `{boundary.rule}`")
    return DrawnCase(plan.policy, Case(inside)), DrawnCase(plan.policy, Case(outside))


@st.composite
def _either(draw: DrawFn, boundary: SearchStrategy[tuple[Case, Case]]) -> Case:
    return draw(boundary)[draw(st.integers(0, 1))]
