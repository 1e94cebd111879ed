"""Laws that a policy declares, or that a test makes of it, tried on pairs of cases."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from safecot_dsl import artifact
from safecot_dsl.artifact import Case, CompiledPolicy, Condition, Value
from safecot_dsl.engine import show_condition
from safecot_dsl.errors import NoSuchCaseError
from safecot_dsl.testing.laws_language import Tried
from safecot_dsl.testing.laws_trials import PolicyLaw, PolicyUnderTest
from safecot_dsl.testing.strategies import cases

Never = Literal["laxer", "stricter"]


def declared(claim: artifact.Law) -> PolicyLaw:
    """A `law` of a policy, tried on the pairs of complete cases that it speaks of."""

    @st.composite
    def tried(draw: DrawFn, tested: PolicyUnderTest) -> Tried:
        first = tested.once(("given", claim), lambda: _given(tested.policy, claim))
        values = tested.once(("values", claim), lambda: _values(tested.policy, claim))
        if first is None:
            return None, ()
        before = draw(first)
        fact = tested.policy.fact_index[claim.fact]
        after = before.with_fact(claim.fact, _changed(draw, claim, fact, before.known[claim.fact], values))
        old, new = tested.decide(before), tested.decide(after)
        change = new.verdict.strictness - old.verdict.strictness
        broken = change < 0 if claim.never == "laxer" else change > 0
        fault = f"the verdict goes from `{old.verdict}` to `{new.verdict}`" if broken else None
        return fault, (tested.shown("before", before, old), tested.shown("after", after, new))

    return PolicyLaw(claim.name, tried)


def _given(policy: CompiledPolicy, claim: artifact.Law) -> SearchStrategy[Case] | None:
    """The cases that the law speaks of; None where there are none."""
    try:
        return cases(policy, where=claim.given)
    except NoSuchCaseError:
        return None


def _values(policy: CompiledPolicy, claim: artifact.Law) -> list[Value]:
    """Of a number, a value of each kind that the policy tells apart, and both ends."""
    type_ = policy.fact_index[claim.fact].type
    if not isinstance(type_, artifact.NumberType):
        return []
    from safecot_dsl.analysis.draws import ValueDraws
    from safecot_dsl.analysis.encoding import Encoding

    encoding = Encoding(policy, conditions=() if claim.given is None else (claim.given,))
    known = [type_.low, type_.high, *ValueDraws(encoding).others(claim.fact, type_.low)]
    return sorted({value for value in known if isinstance(value, float)})


def _changed(draw: DrawFn, claim: artifact.Law, fact: artifact.Fact, value: Value, values: Collection[Value]) -> Value:
    """The fact's other value, after the change; the same one where it cannot change so."""
    match value:
        case bool():
            return claim.values == ("yes",)
        case frozenset():
            new = [member for member in claim.values if member not in value]
            return value | {draw(st.sampled_from(new))} if new else value
        case float():
            rises = claim.change == "rises"
            other = [v for v in values if isinstance(v, float) and (v > value if rises else v < value)]
            if not rises:
                other.reverse()  # the nearest is the simplest
            return draw(st.sampled_from(other)) if other else value
        case _:
            return draw(st.sampled_from(claim.becomes(fact)))


def never(
    direction: Never,
    fact: str,
    *,
    becomes: bool | str | None = None,
    gains: Collection[str] = (),
    rises: bool = False,
    falls: bool = False,
    given: str | Condition | None = None,
) -> PolicyLaw:
    """That a change of one fact never makes the verdict laxer (or stricter): as a `law` of the policy says it.

    One of the changes is given: the value that a flag or a `one of` has then; the members of which a set gains one;
    that a number rises, or falls. `given` is a condition on the case before, as for `cases(where=…)`.

    Raises ValueError where not one change is given, and, when it is tried, where the policy has no such fact or value.
    """
    changes = [becomes is not None, bool(gains), rises, falls]
    if sum(changes) != 1:
        raise ValueError("a law is about one change: `becomes`, `gains`, `rises` or `falls`")
    kind: Literal["becomes", "gains", "rises", "falls"]
    if becomes is not None:
        words = {True: "yes", False: "no"}
        kind, values = "becomes", (words[becomes] if isinstance(becomes, bool) else becomes,)
    elif gains:
        kind, values = "gains", tuple(gains)
    else:
        kind, values = ("rises" if rises else "falls"), ()
    what = f"{fact} {kind}" + (f" {' or '.join(values)}" if values else "")
    said = given if given is None or isinstance(given, str) else show_condition(given)
    name = f"where {what}, the verdict is never {direction}" + ("" if said is None else f", given {said}")

    def made(tested: PolicyUnderTest) -> SearchStrategy[Tried]:
        from safecot_dsl.testing.strategies_where import read_condition

        _require_fits(tested.policy, fact, kind, values)
        condition = read_condition(tested.policy, given) if isinstance(given, str) else given
        claim = artifact.Law(
            name=name, fact=fact, change=kind, values=values, given=condition, never=direction, key=f"law:{name}"
        )
        return declared(claim).attempts(tested)

    return PolicyLaw(name, made)


_FITTING = {
    "flag": ("becomes",),
    "one_of": ("becomes",),
    "set_of": ("gains",),
    "number": ("rises", "falls"),
    "text": (),
}


def _require_fits(policy: CompiledPolicy, name: str, change: str, values: Collection[str]) -> None:
    fact = policy.fact_index.get(name)
    if fact is None:
        raise ValueError(f"the policy declares no fact `{name}`")
    if change not in _FITTING[fact.type.kind]:
        raise ValueError(f"`{name}` is a {fact.type.kind.replace('_', ' ')}: it cannot be said that it {change}")
    known = ["yes", "no"]
    if isinstance(fact.type, artifact.OneOfType | artifact.SetType):
        known = [value.name for value in fact.type.values]
    for value in values:
        if value not in known:
            raise ValueError(f"`{value}` is not a value of `{name}`")
