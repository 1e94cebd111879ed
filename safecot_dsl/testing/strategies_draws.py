"""How cases are drawn once it is known what is asked of them: each choice small, so that each can shrink by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from safecot_dsl.analysis.cubes import Cube
from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy, OneOfType, Unknown, Value
from safecot_dsl.engine import Truth
from safecot_dsl.testing.examples import DrawnCase
from safecot_dsl.testing.strategies_claims import DrawPlan, Straddle, Targets
from safecot_dsl.testing.strategies_values import choice_of


class Drawing:
    """A plan, and the strategies that go with it. `fixed` are facts that are not drawn, `targets` what cases are led to
    of which nothing is asked."""

    def __init__(
        self,
        plan: DrawPlan,
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


def _draw_known(draw: DrawFn, drawing: Drawing) -> dict[str, Value]:
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
    known: dict[str, Value], drawing: Drawing, drawn: Mapping[str, tuple[Value, int]], cube: Cube, bits: int
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
def drawn_cases(draw: DrawFn, drawing: Drawing) -> Case:
    known = _draw_known(draw, drawing)
    case = Case(known)
    if drawing.fates:
        case = _forgotten(draw, drawing, known)
    return DrawnCase(drawing.plan.policy, case)


@st.composite
def refined_cases(draw: DrawFn, drawn: SearchStrategy[Case], policy: CompiledPolicy, coarse: Mapping[str, str]) -> Case:
    """The cases, with a leaf for each fact that was known only as far as the node given in `coarse`."""
    case = draw(drawn)
    for name, node in coarse.items():
        type_ = policy.fact_index[name].type
        assert isinstance(type_, OneOfType)
        leaves = type_.leaves_below(node)
        if case.known[name] not in leaves:
            case = DrawnCase(policy, case.with_fact(name, draw(st.sampled_from(leaves))))
    return case


_MOST = choice_of("unknown", (6, 3, 1))


def _forgotten(draw: DrawFn, drawing: Drawing, known: Mapping[str, Value]) -> Case:
    """The case without some facts, as far as what is wanted of it stays so for certain."""
    # Few facts are known in one case of three, most in another.
    _, most = draw(_MOST)
    case = Case(known)
    lost: list[str] = []
    for name, fate in drawing.fates.items():
        _, number = draw(fate)
        if number < most:
            lost.append(name)
            left: Value | Unknown | None = UNKNOWN if number % 3 == 1 else None
            case = case.with_fact(name, coarse_part(drawing.plan.policy, name, known[name], number) or left)
    while lost and not drawing.is_free and not drawing.plan.holds(case):
        # Learning one after another ends with the complete case, of which all is so.
        name = _next_learnt(drawing.plan, lost)
        lost.remove(name)
        case = case.with_fact(name, known[name])
    return case


def coarse_part(policy: CompiledPolicy, name: str, value: Value, number: int) -> str | None:
    """In one case of three what is left of a value of a taxonomy where not all of it is known: a node above it; None in
    the others, and where there is none."""
    type_ = policy.fact_index[name].type
    above = type_.above(value) if isinstance(type_, OneOfType) and isinstance(value, str) else ()
    return above[number // 3 % len(above)] if above and number % 3 == 2 else None


def _next_learnt(plan: DrawPlan, lost: Sequence[str]) -> str:
    """One that what is wanted hangs on, if there is one."""
    hanging = {name for cube in plan.cubes for name in cube.signs}
    return next((name for name in lost if name in hanging), lost[-1])


@st.composite
def changed_pairs(draw: DrawFn, drawing: Drawing, can_change: Sequence[str]) -> tuple[Case, Case]:
    name = can_change[draw(st.integers(0, len(can_change) - 1))]
    case = Case(_draw_known(draw, drawing))
    other = case.with_fact(name, drawing.plan.values[name].draw_other(draw, case.known[name]))
    return DrawnCase(drawing.plan.policy, case), DrawnCase(drawing.plan.policy, other)


_ANY = st.integers(0, 63)


class BoundaryDraw:
    """How pairs near a rule are drawn; of `both` is so what is wanted, else of the first."""

    def __init__(self, plan: DrawPlan, straddles: Sequence[Straddle], rule: str, both: bool) -> None:
        self.plan = plan
        self.straddles = straddles
        self.rule = rule
        self.both = both

    def __repr__(self) -> str:
        return f"{self.plan} near {self.rule}"


@st.composite
def boundary_pairs(draw: DrawFn, boundary: BoundaryDraw) -> tuple[Case, Case]:
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
def boundary_cases(draw: DrawFn, boundary: SearchStrategy[tuple[Case, Case]]) -> Case:
    return draw(boundary)[draw(st.integers(0, 1))]
