"""A law, and what it was tried on."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy, Decision, Fact, OneOfType
from safecot_dsl.engine import Interpreter
from safecot_dsl.testing.examples import show_example
from safecot_dsl.testing.strategies import cases
from safecot_dsl.testing.strategies_draws import coarse_part
from safecot_dsl.testing.strategies_values import choice_of

#: Decides cases of one policy.
Decider = Callable[[Case], Decision]
#: Prepares a policy for many cases. A law is about what comes of it.
Engine = Callable[[CompiledPolicy], Decider]


def reference_engine(policy: CompiledPolicy) -> Decider:
    """The reference interpreter."""
    return Interpreter(policy).decide


@dataclass(frozen=True)
class ShownCase:
    """A case of a trial, with what was decided of it and why it is there; prints as an example of its policy."""

    name: str
    policy: CompiledPolicy
    case: Case
    decision: Decision

    def __str__(self) -> str:
        return show_example(self.policy, self.case, self.decision, self.name)


@dataclass(frozen=True, repr=False)
class LawTrial:
    """What a law comes to of some cases. `fault` says how it fails; None where it holds."""

    law: str
    fault: str | None
    shown: tuple[ShownCase, ...]

    def __repr__(self) -> str:
        says = f"the law `{self.law}` " + ("holds" if self.fault is None else f"does not hold: {self.fault}")
        return "\n\n".join([says, *map(str, self.shown)])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Hypothesis would print how the trial was made, whole policies and all.
        printer.text(repr(self))


class LawBrokenError(AssertionError):
    """A law does not hold. Its text says how, and has the cases as examples to paste into the policy."""

    def __init__(self, trial: LawTrial) -> None:
        super().__init__(repr(trial))
        self.trial = trial


T = TypeVar("T")


class PolicyUnderTest:
    """A policy on which laws are tried, and the engine that decides its cases."""

    def __init__(self, policy: CompiledPolicy, engine: Engine = reference_engine) -> None:
        self.policy = policy
        self.engine = engine
        self.decide = engine(policy)
        self._made: dict[Hashable, object] = {}

    @cached_property
    def complete(self) -> SearchStrategy[Case]:
        """Complete cases."""
        return cases(self.policy)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made at the first call with the key."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]  # type: ignore[return-value]

    def shown(self, name: str, case: Case, decision: Decision, policy: CompiledPolicy | None = None) -> ShownCase:
        return ShownCase(name, policy or self.policy, case, decision)


@dataclass(frozen=True)
class PolicyLaw:
    """What must hold of a policy, tried on cases that Hypothesis draws."""

    name: str
    attempts: Callable[[PolicyUnderTest], SearchStrategy[tuple[str | None, tuple[ShownCase, ...]]]]

    def __str__(self) -> str:
        return self.name

    def trials(self, tested: PolicyUnderTest) -> SearchStrategy[LawTrial]:
        return self.attempts(tested).map(lambda tried: LawTrial(self.name, *tried))


@dataclass(frozen=True)
class Learning:
    """A case with facts unknown or known only coarsely, and what can be learnt: the values of those that no supposition
    fills in, or fills in coarsely."""

    before: Case
    complete: Case
    learnable: tuple[str, ...]

    def learning(self, names: tuple[str, ...] | list[str]) -> Case:
        case = self.before
        for name in names:
            case = case.with_fact(name, self.complete.known[name])
        return case


#: In how many cases of eight a fact is known.
_REMEMBERED = choice_of("remembered", (8, 7, 4, 1))


@st.composite
def learnings(draw: DrawFn, tested: PolicyUnderTest) -> Learning:
    """A complete case of which facts are forgotten: in equal parts none, few, some and most."""
    complete = draw(tested.complete)
    _, remembered = draw(_REMEMBERED)
    before = complete
    learnable: list[str] = []
    for fact in tested.policy.facts:
        _, fate = draw(tested.once(("fate", fact.name), lambda name=fact.name: choice_of((name, "fate"), range(8))))
        if fate < remembered:
            continue
        part = coarse_part(tested.policy, fact.name, complete.known[fact.name], fate)
        before = before.with_fact(fact.name, part or (UNKNOWN if fate % 2 else None))
        if part is not None or fact.assume is None:
            learnable.append(fact.name)
            continue
        value = supposed(fact)  # nothing can be learnt of it that would not contradict
        if fact.is_coarse(value):
            assert isinstance(fact.type, OneOfType)
            value = draw(st.sampled_from(fact.type.leaves_below(str(value))))
            learnable.append(fact.name)
        complete = complete.with_fact(fact.name, value)
    return Learning(before, complete, tuple(learnable))


def supposed(fact: Fact) -> bool | float | str | frozenset[str] | None:
    """What a fact is supposed to be, as a case has it."""
    return frozenset(fact.assume) if isinstance(fact.assume, tuple) else fact.assume
