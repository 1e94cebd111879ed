"""What is asked of the cases that a strategy draws: found by the solver once, then kept to without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from safecot_dsl.analysis.cases import CaseRequirement
from safecot_dsl.analysis.cubes import Cube, Wanting, cubes
from safecot_dsl.analysis.draws import ValueDraws
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.logic import negation
from safecot_dsl.analysis.pairs import CasePair
from safecot_dsl.artifact import Case, CompiledPolicy, Rule
from safecot_dsl.engine import Interpreter, Truth, evaluate, show_condition
from safecot_dsl.errors import NoSuchCaseError, UndecidedError
from safecot_dsl.testing.strategies_values import FactValues

#: For one question to the solver; most take a thousandth of one.
SECONDS = 10.0
#: Of the kinds of cases that are asked for, and of each that leads to a rule.
MOST_CUBES = 24
MOST_CUBES_TO_A_RULE = 2
MOST_CUBES_TO_A_FACT = 4


@dataclass(frozen=True, repr=False)
class DrawPlan:
    """How cases of a policy are drawn. Facts in `wanted.fixed` are not drawn.

    `cubes` lead to cases of which `wanted` holds.
    """

    policy: CompiledPolicy
    interpreter: Interpreter
    wanted: CaseRequirement
    values: Mapping[str, FactValues]
    cubes: Sequence[Cube] = ()
    encoding: Encoding | None = None

    def __repr__(self) -> str:
        return self.policy.header.name  # what Hypothesis says of a strategy has room for no more

    def holds(self, case: Case) -> bool:
        """Whether what is wanted holds of the case for certain, suppositions filled in."""
        wanted = self.wanted
        if wanted.condition is not None:
            known = self.interpreter.suppose(case)[0].known
            if evaluate(wanted.condition, known) is not Truth.YES:
                return False
        if wanted.verdict is None and wanted.deciding is None:
            return True
        decision = self.interpreter.decide(case)
        by = decision.deciding or (decision.speaker,)
        return wanted.verdict in (None, decision.verdict) and (wanted.deciding is None or wanted.deciding in by)


def _values(
    policy: CompiledPolicy, encoding: Encoding, found: Iterable[Cube], fixed: Iterable[str]
) -> dict[str, FactValues]:
    draws, left = ValueDraws(encoding), set(fixed)
    values = {fact.name: FactValues(encoding, draws, fact) for fact in policy.facts if fact.name not in left}
    for cube in found:
        for name, own in values.items():
            own.add(cube.case.known[name])
    return values


def planned(policy: CompiledPolicy, wanted: CaseRequirement) -> DrawPlan:
    """Raises :class:`NoSuchCaseError` where there is no such case, `UndecidedError` where nobody can say in time."""
    encoding = Encoding(policy, conditions=() if wanted.condition is None else (wanted.condition,))
    claims = CaseRequirement(wanted.condition, wanted.verdict, wanted.deciding).claims(encoding, policy)
    fixed = wanted.fixed or {}
    found: list[Cube] = []
    if claims:
        given = [pin for name, value in fixed.items() for pin in encoding.domains[name].pins(value)]
        free = [[fact.name for fact in policy.facts if fact.name not in fixed]]
        wanting = Wanting((encoding,), claims, given, free)
        found = [cube for (cube,) in cubes(wanting, most=MOST_CUBES, seconds=SECONDS)]
        if not found:
            raise NoSuchCaseError(f"no case is {_described(wanted)}")
    return DrawPlan(policy, Interpreter(policy), wanted, _values(policy, encoding, found, fixed), found, encoding)


def _described(wanted: CaseRequirement) -> str:
    parts: list[str] = []
    if wanted.condition is not None:
        parts.append(f"such that `{show_condition(wanted.condition)}`")
    if wanted.deciding is not None:
        parts.append(f"decided by `{wanted.deciding}`")
    if wanted.verdict is not None:
        parts.append(f"answered with `{wanted.verdict}`")
    return " and ".join(parts) + (" with what is fixed" if wanted.fixed else "")


class Targets:
    """Cubes that lead to each rule, and to `default`, as what decides. Each is found when it is first asked for: a
    policy of a hundred rules takes seconds for all."""

    def __init__(self, plan: DrawPlan) -> None:
        self._plan = plan
        self._found: dict[int, list[Cube]] = {}

    def __len__(self) -> int:
        return MOST_CUBES_TO_A_RULE * (len(self._plan.policy.rules) + 1)

    def __getitem__(self, index: int) -> Cube | None:
        """None where the rule never decides, or that is not known in time."""
        number, variant = divmod(index, MOST_CUBES_TO_A_RULE)
        if number not in self._found:
            self._found[number] = self._cubes(number)
        found = self._found[number]
        return found[min(variant, len(found) - 1)] if found else None

    def _cubes(self, number: int) -> list[Cube]:
        policy, encoding, fixed = self._plan.policy, self._plan.encoding, self._plan.wanted.fixed or {}
        assert encoding is not None
        given = [pin for name, value in fixed.items() for pin in encoding.domains[name].pins(value)]
        claim = encoding.decides(policy, policy.rules[number - 1]) if number else encoding.default_holds(policy)
        wanting = Wanting((encoding,), [claim], given, [list(self._plan.values)])
        try:
            return [cube for (cube,) in cubes(wanting, most=MOST_CUBES_TO_A_RULE, seconds=SECONDS)]
        except UndecidedError:
            return []


@dataclass(frozen=True, repr=False)
class Straddle:
    """Cubes of pairs of cases that differ in `fact`: the rule applies to the first and not to the second."""

    fact: str
    inside: Cube
    outside: Cube


def straddling(
    policy: CompiledPolicy, rule: Rule, wanted: CaseRequirement, *, both: bool, change: str | None = None
) -> tuple[DrawPlan, list[Straddle]]:
    """How pairs on the boundary of a rule are drawn; `wanted` is asked of the first, or of `both`.

    Raises as :func:`planned`, `NoSuchCaseError` where no fact alone decides whether the rule applies.
    """
    pair = CasePair(policy, () if wanted.condition is None else (wanted.condition,))
    bare, fixed = CaseRequirement(wanted.condition, wanted.verdict, wanted.deciding), wanted.fixed or {}
    claims = [pair.one.applies(policy, rule), negation(pair.other.applies(policy, rule))]
    claims += bare.claims(pair.one, policy)
    if both:
        claims += bare.claims(pair.other, policy)
    given = [pin for name, value in fixed.items() for pin in pair.one.domains[name].pins(value)]
    free = [fact.name for fact in policy.facts if fact.name not in fixed]
    found: list[Straddle] = []
    undecided = False
    for fact in free if change is None else [change]:
        wanting = Wanting((pair.one, pair.other), claims, [*given, *pair.only(fact)], [free, [fact]])
        try:
            for inside, outside in cubes(wanting, most=MOST_CUBES_TO_A_FACT, seconds=SECONDS):
                found.append(Straddle(fact, inside, outside))
        except UndecidedError:
            undecided = True
    if not found:
        if undecided:
            raise UndecidedError(f"no case on the boundary of `{rule.name}` was found, and none was ruled out")
        where = " that is as it is asked for" if bare != CaseRequirement() or fixed or change else ""
        raise NoSuchCaseError(f"no fact alone decides whether `{rule.name}` applies, in any case{where}")
    plain = [cube for straddle in found for cube in (straddle.inside, straddle.outside)]
    values = _values(policy, pair.one, plain, fixed)
    return DrawPlan(policy, Interpreter(policy), wanted, values), found
