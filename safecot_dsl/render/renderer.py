"""Rendering many cases under one policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from safecot_dsl.artifact import (
    Case,
    Condition,
    Decision,
    FactSlot,
    Speech,
    StepKind,
    Template,
    Value,
)
from safecot_dsl.engine import Interpreter, Truth, evaluate
from safecot_dsl.render.keeping import MOST_CASES, keep
from safecot_dsl.render.model import Rendered
from safecot_dsl.render.plan import Plan
from safecot_dsl.render.reasons import About, Grounds, Standing
from safecot_dsl.render.rendering import cited, plan, speech_of
from safecot_dsl.render.standings import Projection, Standings, Values, facts_of
from safecot_dsl.render.style import ReasoningStyle


class Renderer:
    """A policy prepared for rendering many cases: gives what :func:`~safecot_dsl.render.render` gives, faster.

    How a case is told depends on who speaks and on the few facts that its texts read: cases that agree in these are
    told alike but for the seed's draws. What is kept of them is bounded, so that memory does not grow with the cases.
    Not for several threads at once.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        policy = interpreter.policy
        self.interpreter = interpreter
        self._policy = policy
        self._grounds = Grounds(interpreter)
        self._standings = Standings(self._grounds)
        self._names = tuple(fact.name for fact in policy.facts)
        self._supposed: dict[str, Value] = {
            fact.name: frozenset(fact.assume) if isinstance(fact.assume, tuple) else fact.assume
            for fact in policy.facts
            if fact.assume is not None
        }
        self._defaults = tuple(map(self._supposed.get, self._names))
        self._every = Projection(policy, self._names)
        self._reads: dict[Any, _Read] = {}
        self._plans: dict[Any, Plan] = {}
        self._told: dict[int, _Told] = {}
        self._decisions: dict[Values, Decision] = {}
        self._nearest: dict[Values, str | None] = {}

    def render(
        self,
        case: Case,
        *,
        style: ReasoningStyle,
        seed: str,
        source_answer: str | None = None,
        decision: Decision | None = None,
        nearest: str | None = None,
    ) -> Rendered:
        """Equal to `render(interpreter, case, style=style, seed=seed, source_answer=source_answer)`.

        `decision`, where it is at hand already, must be the interpreter's on this case, and `nearest` the name of the
        rule nearest to it, which is looked at where `default` speaks.
        """
        told = self._told.get(id(case))
        if told is not None and told.decision is decision and told.style is style and told.nearest == nearest:
            return told.plan.tell(seed, source_answer, told.cited)
        given = decision
        if decision is None:
            decision = self._decide(case)
        known = {**self._supposed, **case.known} if self._supposed else case.known
        values: Values = tuple(map(case.known.get, self._names, self._defaults))
        seen = _Seen(self._standings, case, decision, known)
        read = self._read(seen, values, nearest)
        key = (read, read.projection.key(values), decision.unsettled, read.assumed(decision), style)
        telling = self._plans.get(key)
        if telling is None:
            seen.case = self.interpreter.suppose(case)[0]
            telling = plan(self._grounds, seen, style, read.about)
            if read.projection.is_short(values):
                keep(self._plans, key, telling)
        names = cited(decision)
        if given is not None and self._every.is_short(values):
            keep(self._told, id(case), _Told(case, given, nearest, style, telling, names), MOST_CASES)
        return telling.tell(seed, source_answer, names)

    def nearest_rule(self, case: Case) -> str | None:
        """The name of the rule that :meth:`~safecot_dsl.engine.Interpreter.nearest_rule` gives, None where it does."""
        known = {**self._supposed, **case.known} if self._supposed else case.known
        return self._nearest_rule(tuple(map(case.known.get, self._names, self._defaults)), known)

    def _decide(self, case: Case) -> Decision:
        values: Values = tuple(map(case.known.get, self._names))
        found = self._decisions.get(values)
        if found is None:
            found = self.interpreter.decide(case)
            if self._every.is_short(values):
                keep(self._decisions, values, found)
        return found

    def _nearest_rule(self, values: Values, known: Mapping[str, Value]) -> str | None:
        if values not in self._nearest:
            found = self._standings.nearest(known)
            if not self._every.is_short(values):
                return found
            keep(self._nearest, values, found)
        return self._nearest[values]

    def _read(self, seen: _Seen, values: Values, nearest: str | None) -> _Read:
        """What the text of a decision is about, and which facts it reads."""
        standing = Standing.SPEAKS
        match seen.decision.speaker:
            case "default":
                standing, subject = Standing.NEAREST, nearest or self._nearest_rule(values, seen.known)
                key = (subject, "default", seen.decision.verdict)
            case "unsure":
                rule = self._grounds.open_rule(seen)
                standing, subject = Standing.OPEN, None if rule is None else rule.name
                key = (subject, "unsure", seen.decision.verdict)
            case speaker:
                key = subject = speaker  # it speaks because it has the verdict that is due
        found = self._reads.get(key)
        if found is None:
            about = None if subject is None else About(self._policy.rule_index[subject], standing)
            names = list(dict.fromkeys([*_spoken(speech_of(self._policy, seen.decision)), *self._derived(about)]))
            assumable = tuple(name for name in names if name in self._supposed)
            found = self._reads[key] = _Read(about, Projection(self._policy, names), assumable)
        return found

    def _derived(self, about: About | None) -> Iterator[str]:
        """The facts that the reasoning on a rule reads."""
        if about is None:
            return
        for rule in self._grounds.lineage(about.rule):
            yield from facts_of(rule.when, rule.unless)
        if about.standing is Standing.NEAREST:
            contrasts = tuple(step for step in about.rule.speech.think if step.kind is StepKind.CONTRAST)
            yield from _spoken(Speech(think=contrasts))


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """How a case that may come again is told. The case is kept, or its address could come to be another one's."""

    case: Case
    decision: Decision
    nearest: str | None
    style: ReasoningStyle
    plan: Plan
    cited: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Read:
    """The rule that a reasoning is about, the facts that the text reads, and those of them that can be supposed."""

    about: About | None
    projection: Projection
    assumable: tuple[str, ...]

    def assumed(self, decision: Decision) -> tuple[str, ...]:
        return tuple([name for name in self.assumable if name in decision.assumed]) if self.assumable else ()


@dataclass
class _Seen:
    """An outcome. `known` has the suppositions in it; `case` has them where a text is made from it."""

    standings: Standings
    case: Case
    decision: Decision
    known: Mapping[str, Value]

    _applies: Mapping[str, Truth] | None = None

    @property
    def applies(self) -> Mapping[str, Truth]:
        if self._applies is None:
            self._applies = self.standings.applies(self.known)
        return self._applies

    def truth(self, condition: Condition) -> Truth:
        return evaluate(condition, self.known)


def _spoken(speech: Speech) -> Iterator[str]:
    """The facts that authored texts read."""
    templates: list[Template] = []
    for step in speech.think:
        yield from facts_of(step.when)
        templates += step.alternatives
    templates += [said.template for said in (speech.answer.say, speech.answer.offer) if said and said.template]
    yield from (segment.fact for template in templates for segment in template if isinstance(segment, FactSlot))
