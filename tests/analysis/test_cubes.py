"""A cube is sufficient, nothing of it can be left out, and together the cubes are all cases of which a claim holds."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import examples, policies

from safecot_dsl.analysis.cases import UndecidedError
from safecot_dsl.analysis.cubes import Cube, Wanting, cubes, signs_of
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.artifact import Case, CompiledPolicy, Fact
from safecot_dsl.engine import Interpreter

from .pairs import MOST_CASES, complete_cases, count_cases

MOST = 200


def agrees(encoding: Encoding, case: Case, cube: Cube, without: tuple[str, int] | None = None) -> bool:
    return all(
        signs_of(encoding.domains[name], case.known[name])[place] is sign
        for name, signs in cube.signs.items()
        for place, sign in signs.items()
        if (name, place) != without
    )


def one_stands_for_others(fact: Fact, every: list[Case]) -> bool:
    """Of a set: whether a name is in no case."""
    if fact.type.kind != "set_of":
        return fact.type.kind == "one_of"
    return len(set().union(*(case.known[fact.name] for case in every))) < len(fact.type.values)


@examples(30)
@given(policies(max_rules=3), st.data())
def test_cubes_are_the_cases_that_a_rule_decides(policy: CompiledPolicy, data: st.DataObject) -> None:
    assume(count_cases(policy) <= MOST_CASES)
    rule = data.draw(st.sampled_from(policy.rules))
    encoding = Encoding(policy)
    wanting = Wanting((encoding,), [encoding.decides(policy, rule)], [], [list(encoding.facts)])
    try:
        found = [cube for (cube,) in cubes(wanting, most=MOST, seconds=5)]
    except UndecidedError:
        return
    every = list(complete_cases(policy))
    decided = {case for case in every if rule.name in Interpreter(policy).decide(case).deciding}
    for cube in found:
        assert rule.name in Interpreter(policy).decide(cube.case).deciding
        assert agrees(encoding, cube.case, cube)
    reached = {case for case in every if any(agrees(encoding, case, cube) for cube in found)}
    assert reached <= decided
    if any(fact.type.kind == "text" for fact in policy.facts):
        return  # to the solver there are texts that nobody finds
    if len(found) < MOST:
        assert reached == decided
    if any(one_stands_for_others(fact, every) for fact in policy.facts):
        return  # of names that no condition tells apart one stands for all here, and each has a sign of its own
    for cube in found[:5]:
        for name, place in [(name, place) for name, signs in cube.signs.items() for place in signs]:
            assert any(agrees(encoding, case, cube, (name, place)) for case in every if case not in decided)
