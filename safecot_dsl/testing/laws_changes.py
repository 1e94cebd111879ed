"""Laws about a policy and a changed one: reworded, with a rule more, without an exception, merged with another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from safecot_dsl.artifact import (
    And,
    Case,
    Compare,
    CompiledPolicy,
    Condition,
    Contains,
    Decision,
    Empty,
    Fact,
    FlagIs,
    FlagType,
    Not,
    NumberType,
    OneOfType,
    Rule,
    SetType,
    TextType,
    Value,
    Verdict,
    atoms,
    is_one_of,
    strictest,
)
from safecot_dsl.testing.laws_language import Tried, bounds, remade
from safecot_dsl.testing.laws_rewording import Reworded, reworded
from safecot_dsl.testing.laws_trials import Decider, PolicyLaw, PolicyUnderTest, learnings

# --- other words -----------------------------------------------------------------------------------------------------


@st.composite
def _other_words(draw: DrawFn, tested: PolicyUnderTest) -> Tried:
    changed, decide = tested.once("reworded", lambda: _reworded(tested))
    case = draw(learnings(tested)).before
    before, after = tested.decide(case), decide(changed.case(case))
    expected = changed.decision(before)
    fields = [name for name in Decision.model_fields if getattr(after, name) != getattr(expected, name)]
    fault = f"in other words its {', '.join(fields)} would be different" if fields else None
    other = tested.shown("in other words", changed.case(case), after, changed.policy)
    return fault, (tested.shown("as written", case, before), other)


def _reworded(tested: PolicyUnderTest) -> tuple[Reworded, Decider]:
    changed = reworded(tested.policy)
    return changed, tested.engine(changed.policy)


# --- a rule more -----------------------------------------------------------------------------------------------------

ADDED = "one_more_rule"


@st.composite
def _one_more_refusal(draw: DrawFn, tested: PolicyUnderTest) -> Tried:
    pool = tested.once("atoms", lambda: list(dict.fromkeys(_atoms(tested.policy))))
    if not pool:  # a policy without facts
        return None, ()
    chosen = draw(st.lists(st.integers(0, 2 * len(pool) - 1), min_size=1, max_size=2))
    parts = [pool[n // 2] if n % 2 == 0 else Not(item=pool[n // 2]) for n in chosen]
    when = parts[0] if len(parts) == 1 else And(items=tuple(parts))
    decide = tested.once(("one more", when), lambda: tested.engine(with_rule(tested.policy, when, Verdict.REFUSE)))
    case = draw(learnings(tested)).before
    before, after = tested.decide(case), decide(case)
    laxer = [
        f"`{name}` goes from `{old}` to `{new}`"
        for name, old, new in (
            ("lower", before.lower, after.lower),
            ("upper", before.upper, after.upper),
            ("verdict", before.verdict, after.verdict),
        )
        if new.strictness < old.strictness
    ]
    return " and ".join(laxer) or None, (tested.shown("before", case, before),)


def with_rule(policy: CompiledPolicy, when: Condition, verdict: Verdict) -> CompiledPolicy:
    """The policy with one rule more, which is no exception."""
    return remade(policy, rules=(*policy.rules, Rule(name=ADDED, when=when, verdict=verdict)))


def _atoms(policy: CompiledPolicy) -> Iterator[Condition]:
    """What the policy's rules ask of a case, and one question about each fact."""
    for fact in policy.facts:
        yield _question(fact)
    for rule in policy.rules:
        for condition in rule.conditions:
            yield from atoms(condition)


def _question(fact: Fact) -> Condition:
    match fact.type:
        case FlagType():
            return FlagIs(fact=fact.name)
        case OneOfType(values=values):
            return is_one_of(fact, [value.name for value in values[:1]])
        case SetType():
            return Empty(fact=fact.name)
        case NumberType(low=low, high=high):
            return Compare(fact=fact.name, operator=">", value=(low + high) / 2)
        case TextType():
            return Contains(fact=fact.name, phrases=("a",))


# --- an exception less -----------------------------------------------------------------------------------------------


def without_exception(policy: CompiledPolicy, name: str) -> CompiledPolicy:
    """The policy without an exception, nor what is an exception to it alone, and so on downwards.

    Raises ValueError where `name` is no exception of the policy.
    """
    rule = policy.rule_index.get(name)
    if rule is None or not rule.exception_to:
        raise ValueError(f"the policy has no exception `{name}`")
    gone = {name}
    while more := {
        r.name for r in policy.rules if r.exception_to and r.name not in gone and gone >= set(r.exception_to)
    }:
        gone |= more
    return remade(
        policy,
        rules=tuple(
            r.model_copy(update={"exception_to": tuple(parent for parent in r.exception_to if parent not in gone)})
            for r in policy.rules
            if r.name not in gone
        ),
    )


def only_softens(policy: CompiledPolicy, name: str) -> bool:
    """Whether it follows from the verdicts alone that the exception makes no complete case stricter.

    So it is if nothing that it brings in (itself, the exceptions to it, and so on downwards) is stricter than any rule
    that it is an exception to, nor than anything that another exception to such a rule brings in. Without the second
    part: a `refuse` with the exceptions `redirect` and `comply`, both of which apply, is redirected; without the
    first of them, the second alone is in force.
    """
    rule = policy.rule_index[name]
    brought = max(_strictness(policy, own) for own in _below(policy, name))
    against = [_strictness(policy, parent) for parent in rule.exception_to]
    for other in policy.rules:
        if other.name != name and set(other.exception_to) & set(rule.exception_to):
            against += [_strictness(policy, below) for below in _below(policy, other.name)]
    return all(brought <= strictness for strictness in against)


def _strictness(policy: CompiledPolicy, name: str) -> int:
    return policy.rule_index[name].verdict.strictness


def _below(policy: CompiledPolicy, name: str) -> set[str]:
    """The rule, the exceptions to it, and so on downwards."""
    found = {name}
    while more := {r.name for r in policy.rules if r.name not in found and found.intersection(r.exception_to)}:
        found |= more
    return found


def _softens(which: Callable[[CompiledPolicy, str], bool]) -> Callable[[PolicyUnderTest], st.SearchStrategy[Tried]]:
    @st.composite
    def tried(draw: DrawFn, tested: PolicyUnderTest) -> Tried:
        names = tested.once(("exceptions", which), lambda: [
            rule.name for rule in tested.policy.rules if rule.exception_to and which(tested.policy, rule.name)
        ])  # fmt: skip
        if not names:
            return None, ()
        name = draw(st.sampled_from(names))
        decide = tested.once(("without", name), lambda: tested.engine(without_exception(tested.policy, name)))
        case = draw(tested.complete)
        before, after = tested.decide(case), decide(case)
        fault = None
        if after.verdict.strictness < before.verdict.strictness:
            fault = f"without the exception `{name}` the verdict would be `{after.verdict}`, and not `{before.verdict}`"
        return fault, (tested.shown(f"with {name}", case, before),)

    return tried


# --- two policies ----------------------------------------------------------------------------------------------------


def merged(policy: CompiledPolicy, other: CompiledPolicy) -> CompiledPolicy:
    """One policy with the facts and the rules of both; everything else is that of the first.

    Raises ValueError where a rule of both has one name, a fact of both is declared in two ways, or the policies have
    different defaults.
    """
    both = sorted(policy.rule_index.keys() & other.rule_index.keys())
    if both:
        raise ValueError(f"both policies have a rule `{both[0]}`")
    for name in sorted(policy.fact_index.keys() & other.fact_index.keys()):
        if policy.fact_index[name] != other.fact_index[name]:
            raise ValueError(f"the policies declare `{name}` in two ways")
    if policy.default is not other.default:
        raise ValueError(f"the defaults are two: `{policy.default}` and `{other.default}`")
    return remade(
        policy,
        facts=(*policy.facts, *(fact for fact in other.facts if fact.name not in policy.fact_index)),
        rules=(*policy.rules, *other.rules),
        hazards={**other.hazards, **policy.hazards},
        taxonomies={**other.taxonomies, **policy.taxonomies},
    )


def merging_with(other: CompiledPolicy) -> PolicyLaw:
    """Merging the policy with another gives the stricter bounds of both, and so the stricter verdict where all facts
    are known.

    It holds wherever no rule of either is laxer than the default. It need not where one is: of two allow-lists
    (`default refuse`, rules that comply) the merged one complies with what either complies with.

    Raises ValueError, when it is tried, where the policies cannot be merged (see :func:`merged`).
    """

    @st.composite
    def tried(draw: DrawFn, tested: PolicyUnderTest) -> Tried:
        both, first, second, decide = tested.once("merged", lambda: _merged(tested, other))
        case = draw(learnings(both)).before
        one, two, together = first(_of(tested.policy, case)), second(_of(other, case)), decide(case)
        lower = strictest((one.lower, two.lower))
        upper = strictest((one.upper, two.upper))
        fault = None
        if (together.lower, together.upper) != (lower, upper):
            fault = f"merged, the verdict lies {bounds(together)}; apart, {bounds(one)} and {bounds(two)}"
        return fault, (tested.shown("merged", case, together, both.policy),)

    return PolicyLaw(f"merging with `{other.header.name}` takes the stricter of both", tried)


def _merged(tested: PolicyUnderTest, other: CompiledPolicy) -> tuple[PolicyUnderTest, Decider, Decider, Decider]:
    both = PolicyUnderTest(merged(tested.policy, other), tested.engine)
    return both, tested.decide, tested.engine(other), both.decide


def _of(policy: CompiledPolicy, case: Case) -> Case:
    """The case as far as the policy has facts."""
    known: Mapping[str, Value] = {name: value for name, value in case.known.items() if name in policy.fact_index}
    return Case(known, case.cannot_tell & policy.fact_index.keys())


REWORDING = PolicyLaw("other names and phrases for facts and values change nothing", _other_words)
MORE_REFUSALS = PolicyLaw("one more rule that refuses never makes it laxer", _one_more_refusal)
SOFTENING = PolicyLaw("without an exception that can only soften it is never laxer", _softens(only_softens))
#: Of any exception, so that it may fail: some policies have exceptions that are stricter than what they replace.
EXCEPTIONS_SOFTEN = PolicyLaw("without one of its exceptions it is never laxer", _softens(lambda policy, name: True))
