"""Policies that do not fit into single words: large domains, many rules and many facts."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from safecot_dsl.artifact import CompiledPolicy, Fact, FlagType, OneOfType, Rule, SetType, ValueName, Verdict
from safecot_dsl.testing.policies_conditions import condition_of
from tests.strategies import build_policy


def _values(count: int) -> tuple[ValueName, ...]:
    return tuple(ValueName(name=f"v{number}", phrase=f"value {number}") for number in range(count))


@st.composite
def wide_policies(draw: DrawFn) -> CompiledPolicy:
    """Sets of 7 to 130 members, one of 300 values, 70 flags, and as many rules as fill more than a word."""
    sizes = draw(st.lists(st.sampled_from([7, 8, 9, 16, 17, 33, 64, 65, 130]), min_size=1, max_size=3))
    wide = [Fact(name=f"image.s{number}", type=SetType(values=_values(size))) for number, size in enumerate(sizes)]
    wide[0] = wide[0].model_copy(update={"assume": draw(st.sampled_from([None, ("v1", "v6")]))})
    choice = Fact(name="query.choice", type=OneOfType(values=_values(draw(st.sampled_from([255, 256, 300])))))
    choice = choice.model_copy(update={"assume": draw(st.sampled_from([None, "v254"]))})
    flags = [Fact(name=f"context.f{number}", type=FlagType()) for number in range(70)]
    few = [*wide, choice, *draw(st.lists(st.sampled_from(flags), min_size=3, max_size=3, unique=True))]
    rules: list[Rule] = []
    for number in draw(st.permutations(range(draw(st.sampled_from([3, 70, 140]))))):
        rules.append(
            Rule(
                name=f"r{number}",
                exception_to=(rules[-1].name,) if rules and draw(st.booleans()) else (),
                when=condition_of(draw, few, 1),
                verdict=draw(st.sampled_from(list(Verdict))),
            )
        )
    return build_policy(
        [*few[:2], *flags, *(f for f in few[2:] if f not in flags)], rules, Verdict.COMPLY, Verdict.WARN
    )
